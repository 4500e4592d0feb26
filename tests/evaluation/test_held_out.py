"""What a model was trained on is known again by its content, whatever the file is called and whatever became of it."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commands import call
from unrolled.config import ModelConfig
from unrolled.data.dataset import Dataset
from unrolled.data.load import load_dataset
from unrolled.data.record import DatasetRecord
from unrolled.data.sequences import Sequences
from unrolled.errors import DataError, TrainedOnWarning
from unrolled.evaluation import (
    Part,
    changed_part,
    choose,
    evaluate,
    fingerprints,
    held_out,
    names_source,
    parts_of,
)
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.runs.run import Run, resume, train


def rows(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [",".join(f"{v:.3f}" for v in rng.normal(i % 2, 1, 8)) + f",{'ab'[i % 2]}" for i in range(count)]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join([",".join(f"t{i}" for i in range(8)) + ",label", *lines]) + "\n")
    return path


@pytest.fixture
def run(fresh: Path) -> Run:
    """A run on 100 sequences of x.csv: 68 trained on, 12 for validation, 20 for the test."""
    write(fresh / "x.csv", rows(100))
    return train("x.csv", max_epochs=1, hidden_size=4, report=False)


def counts(model: Model, sequences: Sequences) -> list[int]:
    parts = parts_of(model, sequences)
    assert parts is not None
    return [int((parts == part).sum()) for part in Part]


def test_every_sequence_of_the_training_file_is_of_its_part(run: Run) -> None:
    dataset = load_dataset(run.recipe.data)
    model = Model.load(run.folder.path)
    for part, sequences in enumerate((dataset.train, dataset.validation, dataset.test)):
        assert sequences is not None
        assert counts(model, sequences) == [len(sequences) if part == other else 0 for other in range(4)]
        assert counts(model, replace(sequences, labels=None)) == counts(model, sequences)
    assert held_out(model).sequences.fingerprint == dataset.test.fingerprint  # type: ignore[union-attr]
    assert held_out(model).note is None


@pytest.mark.parametrize("name", ["x.csv", "./x.csv", "{here}/x.csv", "copy.csv", "link.csv", "mixed.csv", "more.csv"])
def test_a_file_is_known_again_by_any_name_and_in_any_order(run: Run, name: str, fresh: Path) -> None:
    shutil.copy("x.csv", "copy.csv")
    (fresh / "link.csv").symlink_to(fresh / "x.csv")
    write(fresh / "mixed.csv", rows(100)[::-1])
    write(fresh / "more.csv", [*rows(3, seed=1), *rows(100)])
    answer = call("evaluate", run.folder.path, name.format(here=fresh), "--json")
    new = 3 if name == "more.csv" else 0
    assert json.loads(answer.out)["cases"] == 20 + new
    assert "68 were trained on, 12 were used for validation, 20 were held out for the test" in answer.err
    assert ("3 are new" in answer.err) == bool(new)
    assert "not those of the training" not in answer.err


def test_it_is_known_from_another_working_directory(run: Run, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fresh / "sub").mkdir()
    monkeypatch.chdir(fresh / "sub")
    answer = call("evaluate", Path("..") / run.folder.path, "../x.csv", "--json")
    assert json.loads(answer.out)["cases"] == 20


@pytest.mark.parametrize("kept", [slice(1, None), slice(0, 60), slice(None, None, 2)])
def test_from_a_file_that_lost_rows_only_what_was_held_out_is_taken(run: Run, kept: slice, fresh: Path) -> None:
    model, before = Model.load(run.folder.path), load_dataset(run.recipe.data).test
    assert before is not None
    test = {before[index].tobytes() for index in range(len(before))}
    write(fresh / "x.csv", rows(100)[kept])
    found = held_out(model)
    assert found.note is not None
    assert "x.csv are not those of the training" in found.note
    assert {found.sequences[index].tobytes() for index in range(len(found.sequences))} <= test
    assert len(found.sequences) >= 8
    explicit = call("evaluate", run.folder.path, "x.csv", "--json")
    assert json.loads(explicit.out)["cases"] == len(found.sequences)
    assert "not those of the training" in explicit.err


def test_another_file_in_the_place_of_the_training_file_is_not_taken_for_it(run: Run, fresh: Path) -> None:
    write(fresh / "x.csv", rows(100, seed=5))
    with pytest.raises(DataError, match="none of the 20 sequences that were held out for the test is there"):
        held_out(Model.load(run.folder.path))
    (fresh / "x.csv").rename("y.csv")
    answer = call("evaluate", run.folder.path, "y.csv", "--json")
    assert json.loads(answer.out)["cases"] == 100
    assert "trained on" not in answer.err


@pytest.mark.filterwarnings("default::unrolled.errors.TrainedOnWarning")
def test_sequences_that_were_all_trained_on_are_evaluated_only_when_asked_for(run: Run, fresh: Path) -> None:
    dataset = load_dataset(run.recipe.data)
    with pytest.raises(DataError, match=r"of the 68 sequences of it 68 were trained on; nothing is held out.*--part"):
        choose(run.model, dataset.train, "it")
    assert choose(run.model, dataset.train, "it", "train").sequences.fingerprint == dataset.train.fingerprint
    with pytest.warns(TrainedOnWarning, match="68 of these 68 sequences stand in"):
        assert evaluate(run.model, dataset.train).parts == {"trained on": 68}
    for part, count in (("train", 68), ("validation", 12), ("test", 20), ("all", 100), ("held-out", 20)):
        for data in (["x.csv"], []) if part != "all" else (["x.csv"],):
            answer = call("evaluate", run.folder.path, *data, "--part", part, "--json")
            assert ("flatter" in answer.err) == (part not in ("test", "held-out"))
            found = json.loads(answer.out)
            assert found["cases"] == count
            assert sum(found["parts"].values()) == count
    refused = call("evaluate", run.folder.path, "x.csv", "--part", "new")
    assert "expected some of --part new" in refused.err


def test_predictions_tell_truth_and_part(run: Run, fresh: Path) -> None:
    write(fresh / "more.csv", [*rows(3, seed=1), *rows(100)])
    answer = list(csv.DictReader(call("predict", run.folder.path, "more.csv").out.splitlines()))
    assert Counter(row["part"] for row in answer) == {"trained on": 68, "validation": 12, "held out": 20, "new": 3}
    assert [row["truth"] for row in answer] == [line[-1] for line in [*rows(3, seed=1), *rows(100)]]
    first = json.loads(call("predict", run.folder.path, "more.csv", "--output-format", "jsonl").out.splitlines()[0])
    assert (first["truth"], first["part"]) == ("a", "new")


def test_the_ids_of_held_out_sequences_are_written(fresh: Path) -> None:
    lines = [f"s{i}," + line for i, line in enumerate(rows(60))]
    Path("x.csv").write_text("\n".join(["id," + ",".join(f"t{i}" for i in range(8)) + ",label", *lines]) + "\n")
    run = train("x.csv", id="id", table="wide", max_epochs=1, hidden_size=4, report=False)
    written = list(csv.DictReader(run.folder.held_out.read_text().splitlines()))
    test = load_dataset(run.recipe.data).test
    assert test is not None
    assert test.ids is not None
    assert [row["id"] for row in written if row["part"] == "test"] == test.ids.tolist()
    assert {row["part"] for row in written} == {"validation", "test"}


def test_data_in_memory_are_not_taken_for_the_source_of_their_recipe(fresh: Path) -> None:
    rng = np.random.default_rng(0)
    own = Sequences.from_array(rng.normal(size=(60, 8, 8)), ["a", "b"] * 30)
    run = train("digits", data=replace(own, pictures=True), max_epochs=1, hidden_size=4, report=False)
    assert run.model.facts.data["options"]["source"] == ""
    refused = call("evaluate", run.folder.path)
    assert "does not record where its training data are" in refused.err


def test_copies_of_one_content_are_parted_as_they_were() -> None:
    """Of 12 copies of one sequence 6 were trained on, 2 with another label; 2 were validated by, 4 tested on."""
    values, labels = np.ones((12, 3)), list("aaaabbaabbbb")
    whole = Sequences.from_array(values, labels)
    data = Dataset("x", whole.take(slice(0, 6)), whole.take(slice(6, 8)), whole.take(slice(8, 12)))
    record = data.record
    model = fake(record, whole)
    parts = parts_of(model, whole)
    assert parts is not None
    for index, name in ((0, "a"), (1, "b")):
        for part, of in ((Part.TRAINED_ON, data.train), (Part.VALIDATION, data.validation), (Part.TEST, data.test)):
            assert of is not None
            assert ((parts == part) & (whole.targets == index)).sum() == (of.targets == index).sum(), (name, part)
    more = Sequences.from_array(np.ones((1, 3)), ["a"])
    assert parts_of(model, more).tolist() == [Part.TRAINED_ON]  # type: ignore[union-attr]


def fake(record: DatasetRecord, whole: Sequences) -> Model:
    """A model of which nothing is asked but what it was trained on."""
    config = ModelConfig(hidden_size=2)
    facts = ModelFacts(classes=whole.classes, channels=whole.channels, model=config)
    return Model(Network(config, len(whole.channels), len(whole.classes)), facts, record=record)


@pytest.mark.filterwarnings("default::unrolled.errors.TrainedOnWarning")
def test_a_test_file_that_is_the_training_file_is_refused_and_one_that_shares_sequences_is_said(fresh: Path) -> None:
    write(fresh / "x.csv", rows(60))
    quick = ("--max-epochs", 1, "--hidden-size", 4, "--no-report")
    refused = call("train", "x.csv", "--test", "x.csv", *quick)
    assert "all 60 test sequences also stand in the training data" in refused.err
    assert not (fresh / "runs").exists()
    write(fresh / "test.csv", [*rows(60)[:5], *rows(20, seed=1)])
    answer = call("train", "x.csv", "--test", "test.csv", *quick)
    assert "5 of the 25 test sequences also stand in the training or validation data: 0, 1, 2, 3, 4" in answer.out
    assert "without the sequences whose content was learned" in answer.out
    assert (
        "5 of these 25 sequences stand in the model's training or validation data" in call("evaluate", "runs/x/1").err
    )
    figures = json.loads(Path("runs/x/1/evaluation.json").read_text())
    assert figures["unlearned"]["cases"] == 20


def test_a_model_of_before_this_was_recorded_says_so(run: Run, fresh: Path) -> None:
    model = replace(run.model, record=None)
    dataset = load_dataset(run.recipe.data)
    assert dataset.test is not None
    assert held_out(model).sequences.fingerprint == dataset.test.fingerprint
    assert held_out(model).note is None  # the training part is as it was, so the test part is
    assert parts_of(model, dataset.train) is not None
    with pytest.raises(DataError, match="nothing is held out"):
        choose(model, dataset.train, "it")
    other = choose(model, dataset.test, "new.csv")
    assert other.note == (
        "this model does not record the sequences that it was trained on, so new.csv may hold some of them"
    )
    write(fresh / "x.csv", rows(100)[1:])
    assert "does not record" in str(held_out(model).note)


def test_the_record_travels_with_the_model_and_damage_is_refused(run: Run, tmp_path: Path) -> None:
    folder = run.folder.model
    assert (folder / "sequences.safetensors").stat().st_size < 9 * 100 + 700
    again = Model.load(folder)
    assert again.record is not None
    assert run.model.record is not None
    for name, array in run.model.record.arrays().items():
        assert (again.record.arrays()[name] == array).all()
    (folder / "sequences.safetensors").write_bytes(b"x")
    with pytest.raises(Exception, match=r"sequences\.safetensors is damaged"):
        Model.load(folder)


def test_a_data_set_is_compared_part_by_part(run: Run) -> None:
    dataset = load_dataset(run.recipe.data)
    recorded = fingerprints(dataset)
    assert changed_part(dataset, recorded) is None
    assert changed_part(replace(dataset, test=dataset.train), recorded) == "test"
    assert changed_part(replace(dataset, validation=None), recorded) == "validation"
    assert changed_part(replace(dataset, train=dataset.train.take(slice(1, None))), recorded) == "training"
    del recorded["test_fingerprint"]  # as before it was recorded
    assert changed_part(replace(dataset, test=None), recorded) is None


def test_a_run_is_not_resumed_with_another_test_file(fresh: Path) -> None:
    write(fresh / "x.csv", rows(60))
    write(fresh / "test.csv", rows(20, seed=1))
    run = train("x.csv", test="test.csv", max_epochs=1, hidden_size=4, report=False)
    write(fresh / "test.csv", rows(20, seed=2))
    with pytest.raises(Exception, match="the test data are not those"):
        resume(run.folder.path)


def test_a_source_is_named_by_its_name_or_its_file(run: Run, fresh: Path) -> None:
    shutil.copy("x.csv", "copy.csv")
    for name, expected in (("x.csv", True), ("./x.csv", True), ("copy.csv", False), ("digits", False), ("-", False)):
        assert names_source(run.model, name) == expected
