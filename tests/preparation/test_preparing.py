"""From data with holes, of any length, of text, to a model that takes the same: nothing of the held-out data leaks."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from closeness import closeness
from commands import call
from unrolled.config import MissingName, ModelConfig, NormalisationName, Recipe, TrainConfig
from unrolled.data.dataset import Dataset
from unrolled.data.sequences import Sequences, from_texts
from unrolled.drawing.probabilities import draw_prediction
from unrolled.errors import ConfigError, DataError, MismatchError, UnsupportedError
from unrolled.model.facts import FORMAT_VERSION
from unrolled.model.model import load
from unrolled.runs.run import Run, train

KINDS = [(missing, normalisation) for missing in get_args(MissingName) for normalisation in get_args(NormalisationName)]
every_kind = pytest.mark.parametrize(("missing", "normalisation"), KINDS, ids=["-".join(kind) for kind in KINDS])
near = closeness(torch.float32, 8, steps=12)
OPTIONS: dict[str, Any] = {
    "hidden_size": 4,
    "max_epochs": 2,
    "batch_size": 8,
    "threads": 1,
    "keep": "last",
    "report": False,
}


def gestures(count: int = 24, seed: int = 0, missing: bool = True) -> Sequences:
    """Two channels, 1 to 9 steps; a third of the values missing."""
    random = np.random.default_rng(seed)
    rows = [
        random.normal(3 * (index % 2), 2, (length, 2)) for index, length in enumerate(random.integers(1, 10, count))
    ]
    if missing:
        rows = [np.where(random.random(row.shape) < 0.3, np.nan, row) for row in rows]
    return Sequences.from_list(rows, [index % 2 for index in range(count)], channels=["x", "y"])


def run_on(tmp_path: Path, data: Sequences | Dataset, **options: Any) -> Run:
    recipe = Recipe(name="own", model=ModelConfig(), train=TrainConfig()).with_options(OPTIONS | options)
    return train(recipe, data=data, runs=tmp_path / "runs")


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.model.network.state_dict()


@pytest.mark.slow
@every_kind
def test_a_saved_model_prepares_as_its_training_did(tmp_path: Path, missing, normalisation) -> None:
    data = gestures(missing=missing != "none")
    run = run_on(tmp_path, data, missing=missing, normalisation=normalisation, noise=0.1)
    loaded = load(run.folder.path)
    expected = run.model.predict_proba(data)
    assert np.array_equal(loaded.predict_proba(data), expected)
    for index in (0, 5):  # alone, and from its last prefix
        alone = data.take(np.array([index]))
        np.testing.assert_allclose(loaded.predict_proba(alone)[0], expected[index], **near)
        np.testing.assert_allclose(loaded.predict_steps(alone)[0][-1], expected[index], **near)
    if missing == "none":
        with pytest.raises(MismatchError, match="the given data hold 1 missing or infinite values"):
            loaded.predict([np.array([[1.0, np.nan]])])
        with pytest.raises(MismatchError, match="the training data hold"):
            run_on(tmp_path, gestures(), normalisation=normalisation)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::unrolled.errors.UnitWarning")  # as these test data deserve
@pytest.mark.parametrize("normalisation", get_args(NormalisationName))
def test_nothing_of_validation_or_test_data_reaches_a_weight(tmp_path: Path, normalisation) -> None:
    """Other values, lengths and classes in what is held out: not a bit of what is learned changes."""
    learned, held, other = gestures(), gestures(12, seed=1), gestures(10, seed=2)
    far = replace(other, values=1e3 * other.values + 7, labels=np.zeros(10, np.int64))
    options: dict[str, Any] = {"missing": "mask", "normalisation": normalisation, "class_weight": "balanced"}
    first = run_on(tmp_path, Dataset("own", learned, held, held), **options)
    second = run_on(tmp_path, Dataset("own", learned, far, far), **options)
    assert all(value.equal(weights(second)[name]) for name, value in weights(first).items())
    assert first.evaluation != second.evaluation


def test_tokens_that_only_held_out_texts_have_are_unknown(tmp_path: Path) -> None:
    texts = ["ab" * (1 + index % 4) + "c" * (index % 2) for index in range(16)]
    learned = replace(from_texts(texts, "characters"), labels=np.arange(16) % 2, classes=("0", "1"))
    runs = []
    for odd in ("xyz", "\N{SNOWMAN}q"):
        whole = from_texts([*texts, *([odd] * 4)], "characters")  # codes of one file, as a reader gives them
        whole = replace(whole, labels=np.arange(20) % 2, classes=("0", "1"))
        held = whole.take(slice(16, None))
        runs.append(run_on(tmp_path, Dataset("own", whole.take(slice(0, 16)), held, held)))
    runs.append(run_on(tmp_path, Dataset("own", learned, None, None)))
    for run in runs:
        assert run.model.facts.vocabulary is not None
        assert set(run.model.facts.vocabulary) == set("abc")
        assert all(value.equal(weights(runs[0])[name]) for name, value in weights(run).items())
    model = runs[0].model
    assert np.array_equal(model.predict_proba(["zab"]), model.predict_proba([["never seen", "a", "b"]]))


# Length


@pytest.mark.parametrize("keep", ["first", "last"])
def test_long_sequences_are_cut_in_training_and_ever_after(tmp_path: Path, keep) -> None:
    data = gestures(missing=False)
    run = run_on(tmp_path, data, max_length=4, keep_steps=keep)
    chosen = slice(None, 4) if keep == "first" else slice(-4, None)
    short = Sequences.from_list([row[chosen] for row in data], data.targets, channels=["x", "y"])
    other = run_on(tmp_path, short)
    assert all(value.equal(weights(other)[name]) for name, value in weights(run).items())
    model = load(run.folder.path)
    assert np.array_equal(model.predict_proba(data), other.model.predict_proba(short))
    for row, belief in zip(data, model.predict_steps(data), strict=True):
        expected = [model.predict_proba([row[:end]])[0] for end in range(1, len(row) + 1)]
        np.testing.assert_allclose(belief, expected, **near)
    if keep == "first":
        with pytest.raises(UnsupportedError, match="reads only the first 4 steps"):
            model.stream()
    else:
        np.testing.assert_allclose(model.stream().push_each(data[0]), model.predict_steps(data)[0], **near)
    card = (run.folder.model / "README.md").read_text()
    assert f"the {keep} 4 are read" in card


# Text


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Strings of bits as text; the label is the number of ones."""
    folder = tmp_path_factory.mktemp("text")
    strings = [f"{number:0{length}b}" for length in (5, 6, 7, 8) for number in range(2**length)]
    strings.remove("1" * 8)  # the only one of its class
    lines = ["label\ttext", *(f"{bits.count('1')}\t{bits}" for bits in strings)]
    (folder / "bits.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    options: dict[str, Any] = {"text": "text", "tokens": "characters", "label": "label", "learning_rate": 0.02}
    options |= {"bidirectional": False, "pooling": "last", "frame_steps": 1}
    return train(
        str(folder / "bits.tsv"),
        runs=folder / "runs",
        hidden_size=16,
        max_epochs=60,
        batch_size=16,
        threads=1,
        report=False,
        **options,
    )


@pytest.mark.slow
def test_strings_of_bits_are_learned_as_text(counter: Run) -> None:
    assert counter.evaluation is not None
    assert counter.evaluation.accuracy.value > 0.9
    assert counter.evaluation.logistic is not None
    assert counter.evaluation.logistic.value > 0.9  # from the numbers of zeros and ones
    assert counter.evaluation.logistic_features == "tokens"
    model = load(counter.folder.path)
    assert sorted(model.facts.vocabulary or ()) == ["0", "1"]
    assert model.predict(["010101", "111111"]).tolist() == ["3", "6"]
    assert model.predict("010101").tolist() == ["3"]
    assert model.predict([list("010101")]).tolist() == ["3"]


def test_the_command_line_predicts_texts(counter: Run) -> None:
    answer = call("predict", counter.folder.path, "--sequence", "010101")
    assert answer.code == 0
    assert answer.out.splitlines()[1].startswith("0,3,")
    steps = call("predict", counter.folder.path, "--sequence", "0101", "--steps")
    assert len(steps.out.splitlines()) == 5
    assert call("evaluate", counter.folder.path).code == 0


def test_texts_for_numbers_and_numbers_for_texts_are_refused(counter: Run, tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="expected a text"):
        counter.model.predict([np.zeros((3, 1))])
    with pytest.raises(MismatchError, match="the given data are numbers; expected text"):
        counter.model.predict(gestures())
    numbers = run_on(tmp_path, gestures(missing=False)).model
    with pytest.raises(MismatchError, match="the given data are text; expected numbers"):
        numbers.predict(from_texts(["01"], "characters"))
    with pytest.raises(DataError):
        numbers.predict(["01"])
    texts = from_texts([f"{number:b}" for number in range(20)], "characters")
    texts = replace(texts, labels=np.arange(20) % 2, classes=("a", "b"))
    with pytest.raises(ConfigError, match="value_scale and noise change numbers, and these sequences are text"):
        run_on(tmp_path, texts, noise=0.1)


def test_a_belief_about_a_text_is_drawn_above_its_tokens(counter: Run) -> None:
    figure = draw_prediction(counter.model, counter.model.parse("0101"))
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == list("0101")


def test_a_model_that_standardises_each_sequence_by_itself_is_not_streamed(tmp_path: Path) -> None:
    model = run_on(tmp_path, gestures(missing=False), normalisation="sequence").model
    with pytest.raises(UnsupportedError, match="standardises each sequence by its own mean"):
        model.stream()


@pytest.mark.parametrize("missing", ["forward-fill", "mean", "mask"])
def test_a_stream_fills_holes_as_predicting_does(tmp_path: Path, missing) -> None:
    model = run_on(tmp_path, gestures(), missing=missing).model
    row = gestures(1, seed=9)[0]
    row = np.concatenate([row, np.full((2, 2), np.nan), row])
    stream = model.stream()
    for end in range(1, len(row) + 1):
        np.testing.assert_allclose(stream.push(row[end - 1]), model.predict_proba([row[:end]])[0], **near)


def test_a_folder_of_the_first_format_still_loads(tmp_path: Path) -> None:
    run, given = run_on(tmp_path, gestures(missing=False)), gestures(5, 3, missing=False)
    weights_file, facts_file = (run.folder.model / name for name in ("model.safetensors", "model.json"))
    tensors = {name.replace("preparation.", ""): value for name, value in load_file(weights_file).items()}
    save_file(tensors, weights_file)
    content = json.loads(facts_file.read_text())
    for name in ("facts_sha256", "vocabulary", "tokens", "max_length", "keep_steps"):
        del content[name]
    for name in ("missing", "embedding_size"):
        del content["model"][name]
    digest = hashlib.sha256(weights_file.read_bytes()).hexdigest()
    facts_file.write_text(json.dumps(content | {"format_version": 1, "weights_sha256": digest}))
    former = load(run.folder.path)
    assert np.array_equal(former.predict_proba(given), run.model.predict_proba(given))
    again = load(former.save(tmp_path / "again"))
    assert again.facts.format_version == FORMAT_VERSION
    assert np.array_equal(again.predict_proba(given), run.model.predict_proba(given))


# From a file


@pytest.fixture
def recordings(tmp_path: Path) -> str:
    """A long table: recordings of eight persons, some values missing, one person after the other in time."""
    random = np.random.default_rng(0)
    lines = ["recording,second,gesture,person,x,y"]
    for number in range(64):
        for step in range(random.integers(2, 7)):
            x = "" if random.random() < 0.2 else f"{random.normal(number % 2, 1):.3f}"
            lines.append(f"r{number:02},{100 * number + step},{'ab'[number % 2]},p{number % 8},{x},{step}")
    (tmp_path / "recordings.csv").write_text("\n".join(lines) + "\n")
    return str(tmp_path / "recordings.csv")


def roles(**options: Any) -> list[str]:
    given = {"id": "recording", "time": "second", "label": "gesture", "max_epochs": 2, "hidden_size": 4, **options}
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.mark.slow
def test_persons_stay_together_and_holes_are_filled_from_the_command_line(recordings: str, tmp_path: Path) -> None:
    refused = call("train", recordings, *roles(group="person"), "--runs", tmp_path)
    assert refused.code == 1
    assert "missing or infinite values" in refused.one_line()
    answer = call("train", recordings, *roles(group="person", missing="mask"), "--runs", tmp_path, "--name", "1")
    assert answer.code == 0, answer.err
    assert "by group, seed 0" in answer.out
    predicted = call("predict", tmp_path / "recordings" / "1", recordings)
    assert predicted.code == 0, predicted.err
    assert len(predicted.out.splitlines()) == 65


@pytest.mark.slow
def test_the_latest_recordings_are_held_out_from_the_command_line(recordings: str, tmp_path: Path) -> None:
    words = roles(split="time", missing="mean", channels="x,y")
    answer = call("train", recordings, *words, "--runs", tmp_path, "--name", "1")
    assert answer.code == 0, answer.err
    assert "held out for the test, the latest" in answer.out
    assert call("evaluate", tmp_path / "recordings" / "1").code == 0


def test_the_python_of_the_page_on_preparation_works(counter: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(counter.folder.path.parents[2])
    page = (Path(__file__).parents[2] / "docs" / "preparation.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    exec(compile(block, "preparation.md", "exec"), {})  # noqa: S102  # the project's own text
