"""The model folder is the model; what does not fit it is refused, never answered."""

from __future__ import annotations

import errno
import hashlib
import json
import pickletools
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from closeness import closeness
from unrolled.baselines.simple import fit_baselines
from unrolled.config import CellName, ModelConfig
from unrolled.data.sequences import Sequences
from unrolled.errors import DataError, LengthError, MismatchError, ModelFolderError, StorageError, UnitWarning
from unrolled.evaluation.evaluation import evaluate
from unrolled.model.facts import FORMAT_VERSION, ModelFacts
from unrolled.model.model import Model, load
from unrolled.network.network import Network
from unrolled.preparation.preparing import Preparation
from unrolled.runs.run import Run

near = closeness(torch.float32, 10, steps=6)
RANDOM = np.random.default_rng(0)
TRAIN = Sequences.from_list(
    [RANDOM.normal(size=(length, 2)) for length in RANDOM.integers(1, 7, 20)], ["yes", "no"] * 10
)


def model(classes: tuple[str, ...] = ("no", "yes"), scale: float = 1.0, **options: Any) -> Model:
    config = ModelConfig(hidden_size=4, **options)
    facts = ModelFacts(classes=classes, channels=("0", "1"), scale=scale, model=config)
    network = Network(config, 2, len(classes), seed=1)
    network.normaliser.set_statistics(torch.tensor([0.1, -2.0]), torch.tensor([2.0, 0.5]))
    return Model(network.eval(), facts, fit_baselines(TRAIN) if len(classes) == 2 else None)


@pytest.mark.parametrize("cell", get_args(CellName))
def test_a_saved_model_gives_the_same_probabilities_bit_for_bit(tmp_path: Path, cell: Any) -> None:
    saved = model(cell=cell, num_layers=2, bidirectional=True, pooling="attention")
    loaded = load(saved.save(tmp_path / "model"))
    assert np.array_equal(loaded.predict_proba(TRAIN), saved.predict_proba(TRAIN))
    assert loaded.facts.model == saved.facts.model
    assert loaded.baselines is not None
    assert saved.baselines is not None
    found, expected = (one.baselines.answers(TRAIN).regressions for one in (loaded, saved))
    for one, two in zip(found, expected, strict=True):
        assert (one.features, one.cases) == (two.features, two.cases)
        assert np.array_equal(one.predicted, two.predicted)
    assert evaluate(loaded, TRAIN).accuracy == evaluate(saved, TRAIN).accuracy
    assert not loaded.network.training


def test_saving_what_was_loaded_writes_the_same_bytes(tmp_path: Path) -> None:
    model().save(tmp_path / "a")
    load(tmp_path / "a").save(tmp_path / "b")
    for name in ("model.safetensors", "model.json", "README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_no_file_of_a_model_or_run_folder_is_a_pickle(digits_run: Run) -> None:
    files = [path for path in digits_run.folder.path.rglob("*") if path.is_file() and path.stat().st_size]
    assert {path.suffix for path in files} <= {".json", ".jsonl", ".safetensors", ".md", ".png", ".html", ".npz", ""}
    for path in files:
        with pytest.raises((ValueError, IndexError, UnicodeDecodeError, DeprecationWarning)):
            list(pickletools.genops(path.read_bytes()))


def test_probabilities_add_up_and_the_prediction_is_the_largest() -> None:
    found = model().predict_proba(TRAIN)
    assert found.shape == (20, 2)
    np.testing.assert_allclose(found.sum(1), 1, **closeness(torch.float32, 2))
    assert model().predict(TRAIN).tolist() == [("no", "yes")[index] for index in found.argmax(1)]


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "pooling": "mean"}, {"pooling": "attention"}])
def test_the_belief_after_each_step_is_the_answer_for_the_prefix(options: dict[str, Any]) -> None:
    chosen = model(**options)
    steps, whole = chosen.predict_steps(TRAIN), chosen.predict_proba(TRAIN)
    for index, belief in enumerate(steps):
        assert len(belief) == TRAIN.lengths[index]
        np.testing.assert_allclose(belief[-1], whole[index], **near)
        np.testing.assert_allclose(belief[0], chosen.predict_proba([TRAIN[index][:1]])[0], **near)


def test_arrays_lists_iterators_and_sequences_get_the_same_answers() -> None:
    array = RANDOM.normal(size=(5, 4, 2)).astype(np.float32)
    expected = model().predict_proba(array)
    read_only = array.copy()
    read_only.flags.writeable = False
    for values in (list(array), array.tolist(), Sequences.from_array(array), np.asfortranarray(array), read_only):
        np.testing.assert_array_equal(model().predict_proba(values), expected)
    for scaled in (1.0, 1 / 255):
        chosen = model(scale=scaled)
        np.testing.assert_array_equal(chosen.predict_proba(iter(array)), expected)  # type: ignore[arg-type]


def test_bytes_are_scaled_like_the_training_bytes_and_other_numbers_are_not() -> None:
    pixels = RANDOM.integers(0, 256, (5, 4, 2)).astype(np.uint8)
    real = pixels.astype(np.float32) * np.float32(1 / 255)
    from_bytes, from_numbers = model(scale=1 / 255), model()
    expected = from_numbers.predict_proba(real)
    np.testing.assert_allclose(from_bytes.predict_proba(pixels), expected, **near)
    np.testing.assert_allclose(from_bytes.predict_proba(list(pixels)), expected, **near)
    np.testing.assert_allclose(from_bytes.predict_proba(real), expected, **near)
    np.testing.assert_array_equal(from_numbers.predict_proba(pixels), from_numbers.predict_proba(pixels.astype(float)))
    held = Sequences.from_steps(pixels.reshape(-1, 2), np.full(5, 4), scale=1 / 255)
    np.testing.assert_allclose(from_bytes.predict_proba(held), expected, **near)


# What does not fit


@pytest.mark.parametrize(("factor", "doubted"), [(1.0, False), (9.0, False), (100.0, True), (1e-3, True)])
@pytest.mark.parametrize("ask", ["predict", "predict_proba"])
def test_values_far_outside_of_the_trainings_range_are_doubted(factor: float, doubted: bool, ask: str) -> None:
    chosen = model()
    chosen = replace(chosen, facts=chosen.facts.model_copy(update={"value_range": (-2.0, 2.0)}))
    values = np.clip(RANDOM.normal(size=(12, 4, 2)), -2, 2)
    with pytest.warns(UnitWarning, match="the training data.s from -2 to 2") if doubted else nullcontext():
        getattr(chosen, ask)(values * factor)


def test_one_quiet_sequence_is_not_doubted() -> None:
    chosen = model()
    chosen = replace(chosen, facts=chosen.facts.model_copy(update={"value_range": (-2.0, 2.0)}))
    chosen.predict(np.zeros((1, 4, 2)))


def test_a_file_that_may_not_be_read_is_said_to_be_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model().save(tmp_path / "model")

    def refuse(*_: object, **__: object) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ModelFolderError, match="no permission to read it"):
        load(folder)


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        (np.zeros((2, 4, 3)), MismatchError, r"3 channels, the model was trained on 2 \(0, 1\)"),
        (np.zeros((2, 4)), MismatchError, "1 channels, the model was trained on 2"),
        (np.full((2, 4, 2), np.nan), LengthError, "holds nothing but NaN"),
        (np.repeat([[[np.nan, 1.0]]], 2, 0).repeat(4, 1), MismatchError, "the given data hold 8 missing"),
        (np.full((2, 4, 2), np.inf), MismatchError, "missing or infinite"),
        ([], DataError, "there are no sequences"),
        ("0110", DataError, "found str"),
        ([np.zeros((0, 2))], DataError, "sequence 0 has no steps"),
    ],
)
def test_data_that_do_not_fit_are_refused(values: Any, kind: type[Exception], text: str) -> None:
    for answer in (model().predict, model().predict_proba, model().predict_steps):
        with pytest.raises(kind, match=text):
            answer(values)


def test_named_channels_are_put_in_the_models_order() -> None:
    named = model()
    named = replace(named, facts=named.facts.model_copy(update={"channels": ("x", "y")}))
    values = np.random.default_rng(0).normal(size=(5, 3, 2))
    expected = named.predict_proba(values)
    with pytest.raises(MismatchError, match=r"channels are x, z; the model was trained on x, y"):
        named.predict(Sequences.from_array(values, channels=["x", "z"]))
    for order in (["x", "y"], ["y", "x"], ["more", "y", "x"]):
        given = {"x": values[:, :, 0], "y": values[:, :, 1], "more": values[:, :, 0] ** 2}
        array = np.stack([given[name] for name in order], -1)
        np.testing.assert_array_equal(named.predict_proba(Sequences.from_array(array, channels=order)), expected)


def test_a_label_that_the_model_does_not_know_is_refused_and_a_missing_class_is_not() -> None:
    with pytest.raises(MismatchError, match="the label 'maybe', which the model does not know"):
        evaluate(model(), Sequences.from_list([np.zeros((2, 2))] * 2, ["yes", "maybe"]))
    only = Sequences.from_list([np.zeros((2, 2))], ["yes"])
    assert model().targets(only).tolist() == [1]
    declared = Sequences.from_list([np.zeros((2, 2))], ["yes"], classes=["maybe", "yes", "no"])
    assert model().targets(declared).tolist() == [1]


# Folders


def edited(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "model.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["facts_sha256"]  # as a person's editor would have to
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_one_flipped_bit_anywhere_in_a_model_is_refused(tmp_path: Path, name: str) -> None:
    saved = model()
    file = saved.save(tmp_path / "model") / name
    good = file.read_bytes()
    expected = saved.predict_proba(TRAIN)
    refused = 0
    places = range(len(good)) if name == "model.json" else RANDOM.integers(0, len(good), 60)
    for place in places:
        file.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        try:
            found = load(tmp_path / "model")
        except ModelFolderError:
            refused += 1
        else:  # white space between JSON's tokens
            assert name == "model.json"
            assert found.facts == load_bytes(good, file).facts
            assert np.array_equal(found.predict_proba(TRAIN), expected)
    assert refused > 0.7 * len(places)


def load_bytes(content: bytes, file: Path) -> Model:
    file.write_bytes(content)
    return load(file.parent)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_file_cut_short_is_refused(tmp_path: Path, name: str, kept: float) -> None:
    file = model().save(tmp_path / "model") / name
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    with pytest.raises(ModelFolderError, match="Copy the folder anew"):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda c: c.update(format_version=FORMAT_VERSION + 1), rf"reads up to {FORMAT_VERSION}; update unrolled"),
        (lambda c: c.update(format_version=99, unheard="of"), "format version is 99.*update unrolled"),
        (lambda c: c.update(extra=1), "extra: Extra inputs are not permitted"),
        (lambda c: c.pop("classes"), "classes: Field required"),
        (lambda c: c.pop("format_version"), "it has no 'format_version'"),
        (lambda c: c["model"].update(cell="lstn"), "model.cell: Input should be"),
        (lambda c: c["model"].update(hidden_size=8), "do not belong together"),
        (lambda c: c.update(classes=["a", "b", "c"]), "do not belong together"),
        (lambda c: c["model"].update(hidden_size=10**9), "model.hidden_size"),
    ],
)
def test_a_model_json_that_does_not_fit_is_refused_with_what_is_wrong(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], text: str
) -> None:
    model().save(tmp_path / "model")
    edited(tmp_path / "model", change)
    with pytest.raises(ModelFolderError, match=text):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("layers.0.cells.0.U", np.float64, r"layers\.0\.cells\.0\.U holds .*torch\.float64; expected torch\.float32"),
        ("output.bias", np.float16, r"output\.bias holds .*torch\.float16; expected torch\.float32"),
        ("output.weight", np.int32, r"do not belong together"),
    ],
)
def test_weights_of_another_type_are_refused(tmp_path: Path, name: str, kind: type[np.generic], text: str) -> None:
    """A kernel reads the memory of weights as float32."""
    folder = model().save(tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {name: tensors[name].astype(kind)}, folder / "model.safetensors")
    content = (folder / "model.safetensors").read_bytes()
    edited(folder, lambda facts: facts.update(weights_sha256=hashlib.sha256(content).hexdigest()))
    with pytest.raises(ModelFolderError, match=text):
        load(folder)


def test_a_model_saved_before_there_was_a_checksum_of_model_json_still_loads(tmp_path: Path) -> None:
    model().save(tmp_path / "model")
    edited(tmp_path / "model", lambda _: None)
    assert load(tmp_path / "model").classes == ("no", "yes")


def test_what_is_no_model_folder_is_refused_with_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="there is no such folder"):
        load(tmp_path / "none")
    with pytest.raises(ModelFolderError, match="neither a model folder"):
        load(tmp_path)
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(ModelFolderError, match="no model yet; go on with `unrolled train --resume"):
        load(tmp_path / "run")
    model().save(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match="No such file or directory; copy the whole folder"):
        load(tmp_path / "model")
    (tmp_path / "model" / "model.json").write_text("[]")
    with pytest.raises(ModelFolderError, match="damaged or not a model's"):
        load(tmp_path / "model")


def test_the_model_of_a_run_is_found_and_can_be_copied_away(tmp_path: Path, digits_run: Run) -> None:
    shutil.copytree(digits_run.folder.model, tmp_path / "elsewhere")
    pixels = RANDOM.integers(0, 17, (3, 8, 8)).astype(np.uint8)
    expected = digits_run.model.predict_proba(pixels)
    assert np.array_equal(load(digits_run.folder.path).predict_proba(pixels), expected)
    assert np.array_equal(load(tmp_path / "elsewhere").predict_proba(pixels), expected)


@pytest.mark.parametrize(
    "names", [("größe", "日本"), ("", " "), ('"', "\\"), ("a\nb", "<script>"), ("[red]", "`x`"), ("😀", "1")]
)
def test_class_names_of_any_text_survive(tmp_path: Path, names: tuple[str, str]) -> None:
    model(names).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.classes == names
    assert set(loaded.predict(TRAIN).tolist()) <= set(names)
    assert (tmp_path / "model" / "README.md").read_text(encoding="utf-8").startswith("# A classifier")


def test_a_full_disk_keeps_the_model_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model().save(tmp_path / "model")
    before = (tmp_path / "model" / "model.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("os.fsync", full)
        with pytest.raises(StorageError, match="no space left"):
            model(("c", "d")).save(tmp_path / "model")
    assert (tmp_path / "model" / "model.json").read_bytes() == before
    assert load(tmp_path / "model").classes == ("no", "yes")


def test_the_folder_says_what_a_user_must_know(digits_run: Run) -> None:
    content = json.loads((digits_run.folder.model / "model.json").read_text(encoding="utf-8"))
    assert content["classes"] == [str(digit) for digit in range(10)]
    assert content["scale"] == 1 / 16
    assert content["pictures"] is True
    assert len(content["data"]["fingerprint"]) == 64
    assert digits_run.evaluation is not None
    assert content["figures"]["accuracy"] == digits_run.evaluation.accuracy.value
    card = (digits_run.folder.model / "README.md").read_text(encoding="utf-8")
    assert content["data"]["fingerprint"] in card
    assert f"{100 * digits_run.evaluation.accuracy.value:.2f} %" in card


@pytest.mark.parametrize(
    ("options", "facts", "places"),
    [
        ({}, {}, [0, 1, 2, 3, 4]),
        ({"frame_steps": 2}, {}, [0, 0, 1, 1, 2]),
        ({}, {"max_length": 3}, [0, 1, 2, 2, 2]),
        ({}, {"max_length": 3, "keep_steps": "last"}, [None, None, 0, 1, 2]),
    ],
    ids=["every step", "frames", "first steps", "last steps"],
)
def test_there_is_a_hidden_state_for_every_step(options: dict, facts: dict, places: list) -> None:
    config = ModelConfig(hidden_size=4, bidirectional=True, **options)
    network = Network(config, 2, 2, seed=1).eval()
    model = Model(network, ModelFacts(classes=("a", "b"), channels=("x", "y"), model=config, **facts))
    values = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    kept = values if "max_length" not in facts else values[:3] if len(facts) == 1 else values[2:]
    with torch.no_grad():
        outputs = network.outputs(torch.from_numpy(kept)[None], torch.tensor([len(kept)]))[0].numpy()
    expected = [np.zeros(8) if place is None else outputs[place] for place in places]
    np.testing.assert_allclose(model.hidden_steps([values])[0], expected, **near)
    assert len(model.predict_steps([values])[0]) == 5


@pytest.mark.parametrize(
    "damage",
    [lambda content: content["model"].update(frame_steps="auto"), lambda content: content.update(model="x" * 10)],
)
def test_facts_that_describe_no_network_are_refused(tmp_path: Path, damage: Callable[[dict[str, Any]], None]) -> None:
    file = model().save(tmp_path / "model") / "model.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["facts_sha256"]
    damage(content)
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelFolderError):
        load(file.parent)


def test_facts_that_nest_without_end_are_refused(tmp_path: Path) -> None:
    file = model().save(tmp_path / "model") / "model.json"
    file.write_text('{"data": ' + "[" * 100_000, encoding="utf-8")
    with pytest.raises(ModelFolderError):
        load(file.parent)


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"bidirectional": True}, {}),
        ({"context_steps": 2}, {}),
        ({"skip_segments": 3}, {"max_length": 6, "keep_steps": "first"}),
        ({"bidirectional": True}, {"max_length": 6, "keep_steps": "last"}),
        ({}, {"max_length": 6, "keep_steps": "last"}),
        ({}, {}),
    ],
)
@pytest.mark.parametrize("length", [1, 5, 6, 7, 20])
def test_what_prefixes_cost_is_what_is_read_for_them(options: Any, facts: Any, length: int, monkeypatch: Any) -> None:
    made = model(**options)
    made = replace(made, facts=made.facts.model_copy(update=facts))
    read = []

    def counted(preparation: Any, function: Any, inputs: Any, *rest: Any) -> Any:
        read.append(inputs.shape[0] * inputs.shape[1])
        return function(preparation, inputs, *rest)

    for name in ("forward", "advance"):
        function = getattr(Preparation, name)
        monkeypatch.setattr(Preparation, name, partialmethod(counted, function))
    made.predict_steps([np.zeros((length, 2))])
    assert sum(read) == made.prefix_steps(length)
