"""Cross-validation: every sequence held out once in each repeat, and a model that was trained on all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from unrolled.comparison import compare, compare_settings
from unrolled.config import DataConfig, Recipe
from unrolled.data import Dataset, Sequences, divide
from unrolled.data.batches import Batch
from unrolled.errors import ConfigError, DataError, MismatchError, RunError
from unrolled.evaluation import Evaluation, Outcomes
from unrolled.jobs import Watcher
from unrolled.runs import Run, finish, list_runs, resume, train
from unrolled.statistics import share
from unrolled.training import TrainState
from unrolled.training.recorders import Recorder

QUICK: dict[str, Any] = {"hidden_size": 4, "max_epochs": 2, "batch_size": 8, "threads": 1, "report": False}
RECIPE = Recipe(name="own")


def problem(count: int = 48, groups: int | None = None, noise: float = 1.5) -> Sequences:
    """Sequences of two classes whose level differs; with groups of several sequences each."""
    rng = np.random.default_rng(3)
    labels = np.arange(count) % 2
    values = rng.normal(labels[:, None, None], noise, (count, 5, 2)).astype(np.float32)
    names = None if groups is None else [f"g{number}" for number in rng.integers(0, groups, count)]
    return Sequences.from_steps(
        values.reshape(-1, 2), np.full(count, 5), np.array(["low", "high"])[labels], groups=names
    )


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(RECIPE, data=problem(), runs=tmp_path_factory.mktemp("runs"), folds=3, repeats=2, **QUICK)


def stored(run: Run) -> Outcomes:
    outcomes = Outcomes.load(run.folder.predictions)
    assert outcomes is not None
    return outcomes


@pytest.mark.parametrize("groups", [None, 9])
def test_folds_are_scikit_learns_with_a_seed_for_each_repeat(groups: int | None) -> None:
    sequences, config = problem(groups=groups), DataConfig(folds=4, repeats=3, split_seed=5)
    found = divide(sequences, config)
    for repeat, numbers in enumerate(found):
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        splits = kind(4, shuffle=True, random_state=5 + repeat).split(
            sequences.targets, sequences.targets, sequences.groups
        )
        for fold, (_, held) in enumerate(splits):
            assert np.flatnonzero(numbers == fold).tolist() == held.tolist()


def test_equal_sequences_are_in_one_fold_also_across_groups() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 4))
    values[40:50] = values[:10]
    groups = [f"g{index // 2}" for index in range(60)]
    for names in (None, groups):
        sequences = Sequences.from_steps(
            values.reshape(-1, 1).astype(np.float32), np.full(60, 4), np.arange(60) % 2, groups=names
        )
        for numbers in divide(sequences, DataConfig(folds=5, repeats=4)):
            assert (numbers[40:50] == numbers[:10]).all()
            assert set(numbers) == set(range(5))
            if names is not None:
                assert all(len({int(n) for n, g in zip(numbers, names, strict=True) if g == one}) == 1 for one in names)


def test_every_class_can_be_learned_in_every_fold() -> None:
    """A class of two sequences or groups is never held out whole."""
    values, labels = np.random.default_rng(1).normal(size=(40, 3, 1)), ["rare"] * 2 + ["often"] * 38
    for groups in (None, ["a", "b", *(f"g{index % 12}" for index in range(38))]):
        sequences = Sequences.from_steps(
            values.reshape(-1, 1).astype(np.float32), np.full(40, 3), labels, groups=groups
        )
        for numbers in divide(sequences, DataConfig(folds=5, repeats=5)):
            assert numbers[0] != numbers[1]


@pytest.mark.parametrize(
    ("labels", "groups", "folds", "message"),
    [
        (["a"] * 19 + ["b"], None, 5, "class 'b' has one different sequence only"),
        (["a", "b"] * 10, ["x", "y"] * 10, 2, "class 'a' has one group only"),
        (["a", "b"] * 10, ["x", "x", "y", "y"] * 5, 3, "there are 2 groups .* choose --folds 2 or fewer"),
        (["a", "b"] * 10, None, 11, "the largest class has 10 sequences; choose --folds 10"),
    ],
)
def test_folds_that_cannot_be_are_refused(
    labels: list[str], groups: list[str] | None, folds: int, message: str
) -> None:
    values = np.random.default_rng(1).normal(size=(60, 1)).astype(np.float32)
    sequences = Sequences.from_steps(values, np.full(20, 3), labels, groups=groups)
    with pytest.raises(DataError, match=message):
        divide(sequences, DataConfig(folds=folds))


@pytest.mark.parametrize(
    "options",
    [
        {"folds": 5, "test": "other.csv"},
        {"folds": 5, "test_fraction": 0.3},
        {"folds": 5, "split": "time"},
        {"repeats": 3},
    ],
)
def test_options_without_effect_beside_folds_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"would have no effect|give folds too"):
        RECIPE.with_options(options)


@pytest.mark.slow
def test_the_figures_are_those_of_all_held_out_answers(crossed: Run) -> None:
    outcomes, found, whole = stored(crossed), crossed.evaluation, problem()
    assert found is not None
    assert found.cross_validation is not None
    assert outcomes.targets.tolist() == np.tile(whole.targets, 2).tolist()  # in the order of the data, for each repeat
    assert found.accuracy.value == accuracy_score(outcomes.targets, outcomes.predictions)
    true = outcomes.likelihoods.astype(np.float64)
    probabilities = np.where(outcomes.targets[:, None] == [0, 1], true[:, None], 1 - true[:, None])
    assert found.loss == pytest.approx(log_loss(outcomes.targets, probabilities), abs=1e-5)
    assert (found.cases, found.cross_validation.sequences) == (96, 48)
    assert np.mean(found.cross_validation.accuracies) == pytest.approx(found.accuracy.value)
    assert sum(map(len, found.cross_validation.accuracies)) == 6
    assert Evaluation.from_dict(json.loads(crossed.folder.evaluation.read_text())) == found
    assert [one.accuracy.cases for one in found.regressions] == [96, 96]


def test_each_fold_answers_by_a_model_that_did_not_see_its_sequences(crossed: Run) -> None:
    """Beside single trainings on the other folds, one for each fold of the second repeat."""
    whole, recipe = problem(), crossed.recipe
    numbers, outcomes = divide(whole, recipe.data)[1], stored(crossed)
    for fold in range(3):
        held = np.flatnonzero(numbers == fold)
        rest = whole.take(np.flatnonzero(numbers != fold))
        plain = recipe.with_options({"folds": None, "repeats": 1, "test_fraction": 0.0, "seed": recipe.train.seed + 1})
        alone = train(plain, data=rest, runs=crossed.folder.path.parent / "alone").model
        expected = alone.predict_proba(whole.take(held)).max(1)
        np.testing.assert_allclose(outcomes.confidences[48:][held], expected, rtol=1e-5)


def test_the_model_is_trained_on_everything_and_says_that_it_was_not_tested(crossed: Run) -> None:
    record = crossed.model.record
    assert record is not None
    assert len(record.train.hashes) + len(record.validation.hashes) == 48
    assert len(record.test.hashes) == 0
    card = (crossed.folder.model / "README.md").read_text()
    assert "cross-validated (3 folds × 2, 48 sequences)" in card
    assert "was not tested" in card
    plain = crossed.recipe.with_options({"folds": None, "repeats": 1, "test_fraction": 0.0})
    alone = train(plain, data=problem(), runs=crossed.folder.path.parent / "whole")
    for one, two in zip(alone.model.network.parameters(), crossed.model.network.parameters(), strict=True):
        assert bool((one == two).all())


def test_the_report_says_how_the_figures_came_about(tmp_path: Path) -> None:
    run = train(RECIPE, data=problem(24), runs=tmp_path, folds=2, **{**QUICK, "report": True})
    page = run.folder.report.read_text(encoding="utf-8")
    assert "Cross-validated, 2 folds: each of 24 sequences was held out once" in page
    assert "it was not tested" in page
    assert "No sequences are shown: those of a cross-validation were held out from other networks" in page


class Cut(Recorder):
    """Cuts the power in the training of the model itself."""

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if state.step == 3:
            raise MemoryError


class CutAfter(Watcher):
    """Counts finished folds, and stops after some."""

    def __init__(self, most: int) -> None:
        self.most, self.lines = most, list[str]()

    def finished(self, place: int, line: str) -> None:
        del place
        self.lines.append(line)
        if len(self.lines) == self.most:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_stopped_cross_validation_trains_no_finished_fold_again(tmp_path: Path, crossed: Run) -> None:
    whole = problem()
    first = CutAfter(4)
    with pytest.raises(KeyboardInterrupt):
        train(crossed.recipe, data=whole, runs=tmp_path, watcher=first)
    folder = tmp_path / "own" / "1"
    second = CutAfter(99)
    with pytest.raises(MemoryError):
        resume(folder, data=whole, watcher=second, recorders=[Cut()])
    assert len(second.lines) == 2
    third = CutAfter(99)
    run = resume(folder, data=whole, watcher=third)
    assert third.lines == []
    assert run.evaluation is not None
    assert crossed.evaluation is not None
    assert run.evaluation.accuracy == crossed.evaluation.accuracy
    assert (run.folder.model / "model.safetensors").read_bytes() == (
        crossed.folder.model / "model.safetensors"
    ).read_bytes()


@pytest.mark.slow
def test_folds_in_several_processes_are_the_same_bit_for_bit(tmp_path: Path, crossed: Run) -> None:
    run = train(crossed.recipe, data=problem(), runs=tmp_path, jobs=2)
    assert np.array_equal(stored(run).likelihoods, stored(crossed).likelihoods)


@pytest.mark.slow
def test_an_extended_cross_validation_is_one_of_that_length(tmp_path: Path) -> None:
    options = QUICK | {"schedule": "constant", "method": "trained", "folds": 2}
    whole = train(RECIPE, data=problem(), runs=tmp_path / "whole", **options | {"max_epochs": 3})
    short = train(RECIPE, data=problem(), runs=tmp_path / "short", **options)
    longer = resume(short.folder.path, data=problem(), max_epochs=3)
    assert np.array_equal(stored(longer).likelihoods, stored(whole).likelihoods)
    assert [log.epoch for log in longer.history] == [1, 2, 3]


@pytest.mark.slow
def test_a_cross_validation_is_finished_early_only_after_its_folds(tmp_path: Path) -> None:
    options = QUICK | {"folds": 2, "max_epochs": 9, "method": "trained", "checkpoint_every_steps": 1}
    with pytest.raises(MemoryError):
        train(RECIPE, data=problem(), runs=tmp_path, recorders=[Cut()], **options)
    state = list_runs(tmp_path)[0]
    assert (state.state, state.folds) == ("stopped", (2, 2))
    found = finish(state.path, data=problem())
    assert found is not None
    assert found.evaluation is not None
    assert found.evaluation.cross_validation is not None
    assert found.model.facts.training["ended"]["reason"] == "request"
    next(state.path.glob("folds/*/held-out.npz")).unlink()
    with pytest.raises(RunError, match="need all folds, and 1 of 2 are trained"):
        finish(state.path, data=problem())


@pytest.mark.slow
def test_cross_validated_runs_are_compared_sequence_by_sequence(tmp_path: Path, crossed: Run) -> None:
    other = train(crossed.recipe, data=problem(), runs=tmp_path, cell="gru")
    found = compare([crossed.folder.path, other.folder.path])
    assert found.paired
    assert [row.cases for row in found.rows] == [48, 48]
    assert crossed.evaluation is not None
    own = next(row for row in found.rows if row.runs[0].startswith(str(crossed.folder.path)))
    accuracy = crossed.evaluation.accuracy
    assert (own.low, own.high) == pytest.approx((accuracy.low, accuracy.high))
    plain = share(stored(crossed).predictions[:48] == stored(crossed).targets[:48])
    assert accuracy.high - accuracy.low > plain.high - plain.low
    single = train(RECIPE, data=problem(), runs=tmp_path, **QUICK)
    with pytest.raises(MismatchError, match="were tested on different data"):
        compare([crossed.folder.path, single.folder.path])
    with pytest.raises(ConfigError, match="folds would have no effect"):
        compare_settings(RECIPE, {"cell": ["gru", "lstm"]}, data=problem(), folds=3)


def test_data_that_are_divided_already_are_refused() -> None:
    whole = problem()
    parts = Dataset("own", whole.take(slice(0, 40)), None, whole.take(slice(40, 48)))
    with pytest.raises(ConfigError, match="has test sequences of its own"):
        train(RECIPE, data=parts, folds=3, **QUICK)


@pytest.mark.slow
def test_few_held_out_sequences_or_groups_suggest_folds(tmp_path: Path) -> None:
    said: list[str] = []
    train(RECIPE, data=problem(40), runs=tmp_path, say=said.append, **QUICK)
    train(RECIPE, data=problem(600, groups=30), runs=tmp_path, say=said.append, **QUICK)
    train(RECIPE, data=problem(600), runs=tmp_path, say=said.append, **QUICK)
    notes = [line for line in said if "folds = 5" in line]
    assert len(notes) == 2
    assert notes[0].startswith("note: 8 sequences are held out")
    assert "of 6 groups are held out" in notes[1]
