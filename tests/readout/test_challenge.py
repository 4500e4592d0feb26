"""A fitted start, and the gradients that have to show that they better it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.config import DataConfig, ModelConfig, Recipe
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.network.network import Network
from unrolled.readout import aside
from unrolled.readout.aside import choose_aside
from unrolled.readout.methods import Training, build_network, go_on, set_up
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import TrainState

MODEL = ModelConfig(
    hidden_size=6, pooling="statistics", context_steps=2, initializer="filters", output_initializer="ridge"
)


def noisy(cases: int, seed: int = 0, shift: float = 1.0) -> Sequences:
    """Two classes whose levels differ by so many deviations of the noise of a step: never quite told apart."""
    rng = np.random.default_rng(seed)
    targets = np.arange(cases) % 2
    values = [rng.normal(size=(4, 1)) + shift * target for target in targets]
    return Sequences.from_list(values, targets.tolist())


def exclusive_or(cases: int, seed: int = 0) -> Sequences:
    """Whether an even number of the values are high: no linear reading of a few units tells."""
    bits = np.random.default_rng(seed).integers(0, 2, (cases, 6, 1))
    return Sequences.from_list(list(2.0 * bits - 1), (bits.sum((1, 2)) % 2).tolist())


def task(
    train: Sequences, validation: Sequences | None = None, weights: Any = None, data: Any = None, **options: Any
) -> Training:
    content = {"name": "x", "model": MODEL, "data": data or {}, "train": {"max_epochs": 8, **options}}
    return set_up(Recipe.model_validate(content), train, validation, torch.device("cpu"), weights)


def trained(train: Sequences, validation: Sequences | None = None, **options: Any) -> tuple[Network, TrainState]:
    """The start, fitted to all of the training data, and the state after the training."""
    return build_network(MODEL, train, 0), task(train, validation, **options).fit()


def numbers(sequences: Sequences) -> list[float]:
    """The one value of each."""
    return [float(sequences[index][0, 0]) for index in range(len(sequences))]


def watches(state: TrainState) -> bool:
    """Whether each pass was judged by cases that it had not read."""
    return all(log.validation_loss is not None for log in state.history)


def same(first: Network, second: Network) -> bool:
    return all(value.equal(second.state_dict()[name]) for name, value in first.state_dict().items())


def chosen(train: Sequences, seed: int = 0, **split: Any) -> list[int]:
    found = choose_aside(train, seed, DataConfig(**split))
    assert found is not None
    return [int(index) for index in found]


def test_a_quarter_of_each_class_is_set_aside_at_least_one_and_the_weights_go_along() -> None:
    train = Sequences.from_list([[float(index)] for index in range(44)], ["a"] * 20 + ["b"] * 20 + ["c"] * 3 + ["d"])
    held = chosen(train)
    assert np.bincount(train.targets[held], minlength=4).tolist() == [5, 5, 1, 0]
    assert held == sorted(set(held))
    assert held != chosen(train, 1)  # another seed, other sequences
    weights = np.arange(1.0, 45.0)
    found = task(train, weights=weights)
    assert found.validation is not None
    assert numbers(found.validation) == held
    assert found.validation_weights is not None
    assert found.validation_weights.tolist() == [index + 1 for index in held]
    assert found.sample_weights is not None
    assert sorted(numbers(found.train) + held) == list(range(44))
    assert found.sample_weights.mean() == pytest.approx(1)
    left = weights[np.int64(numbers(found.train))]
    np.testing.assert_allclose(found.sample_weights / found.sample_weights[0], left / left[0])


@pytest.mark.parametrize("labels", [[0, 1] * 4, [0] * 40 + [1]])
def test_nothing_is_set_aside_of_what_could_not_tell(labels: list[int]) -> None:
    few = Sequences.from_list([[float(index)] for index in range(len(labels))], labels)
    assert choose_aside(few, 0, DataConfig()) is None


def test_of_many_cases_no_more_are_set_aside_than_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "MOST", 20)
    many = noisy(400)
    assert np.bincount(many.targets[chosen(many)]).tolist() == [10, 10]


def test_no_person_stands_on_both_sides() -> None:
    persons = [f"person {index % 9}" for index in range(90)]
    train = replace(noisy(90), groups=np.array(persons, object))
    found = task(train)
    assert found.validation is not None
    sides = [set(part.groups.tolist()) for part in (found.train, found.validation) if part.groups is not None]
    assert len(sides) == 2
    assert not sides[0] & sides[1]
    assert 15 <= len(found.validation) <= 30
    alone = replace(noisy(90), groups=np.array(["one person"] * 90, object))
    assert choose_aside(alone, 0, DataConfig()) is None


@pytest.mark.parametrize("rule", ["time", "order"])
def test_the_latest_are_set_aside_where_data_are_split_so(rule: str) -> None:
    times = np.random.default_rng(0).permutation(40).astype(float)
    train = replace(noisy(40), times=times)
    latest = sorted(np.argsort(times)[30:].tolist()) if rule == "time" else list(range(30, 40))
    assert chosen(train, split=rule) == latest
    assert choose_aside(noisy(40), 0, DataConfig(split="time")) is None  # no times are known


@pytest.mark.parametrize("tells", [False, True])
@pytest.mark.parametrize("validation", [None, noisy(4, 1)])
def test_where_nothing_could_be_shown_a_start_that_tells_something_is_kept_untrained(
    tells: bool, validation: Sequences | None
) -> None:
    train = noisy(8, shift=8.0 if tells else 0.0)
    start, state = trained(train, validation, max_epochs=8, learning_rate=0.02)
    assert bool(start.output.weight.any()) == tells
    assert state.epoch == (0 if tells else 8)
    assert state.selection.method == ("fitted" if tells else "trained")
    assert (state.selection.best_epoch == 0) == tells
    assert same(start, state.shipped) == tells


def test_what_is_not_shown_to_be_better_leaves_the_start_as_it_was_fitted_to_all() -> None:
    start, state = trained(noisy(40))
    assert watches(state)
    assert state.selection.best_epoch == 0
    assert same(start, state.shipped)


def test_a_start_is_left_for_what_is_shown_to_be_better() -> None:
    start, state = trained(exclusive_or(200), max_epochs=80, learning_rate=0.03)
    assert watches(state)
    assert state.selection.best_epoch > 0
    assert not same(start, state.shipped)


def test_given_validation_data_have_to_show_it_too() -> None:
    """The best of some passes is a little better than the start by chance."""
    start, state = trained(noisy(40), noisy(12, 6), learning_rate=0.01, max_epochs=3)
    assert any(log.improved for log in state.history)
    assert state.epoch == 3  # nothing is given up
    assert state.selection.best_epoch == 0
    assert same(start, state.shipped)


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_either_figure_may_be_watched(monitor: str) -> None:
    state = trained(exclusive_or(200), exclusive_or(100, 1), max_epochs=40, learning_rate=0.03, monitor=monitor)[1]
    assert state.selection.best_epoch > 0


def test_passes_that_are_no_better_than_a_telling_start_are_given_up_after_a_quarter() -> None:
    state = trained(noisy(40), max_epochs=20, learning_rate=0.3)[1]
    assert 5 <= state.epoch < 20
    assert state.selection.best_epoch == 0


class KilledError(Exception):
    """Stands for a SIGKILL."""


class KillAt(Recorder):
    """Ends a training after some update, saving nothing."""

    def __init__(self, step: int) -> None:
        self.at = step

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if state.step == self.at:
            raise KilledError


KILLED: dict[str, tuple[Sequences, Sequences | None, dict[str, Any], bool]] = {
    "aside, kept": (noisy(40), None, {"max_epochs": 60}, False),
    "aside, replaced": (exclusive_or(200), None, {"max_epochs": 80, "learning_rate": 0.03}, True),
    "validated, kept": (noisy(40), noisy(12, 6), {"max_epochs": 60}, False),
    "few": (noisy(8, shift=0.0), None, {"max_epochs": 60}, True),
    "averaged": (noisy(40), noisy(12, 6), {"max_epochs": 60, "average_decay": 0.9}, False),
    "trained": (noisy(40), None, {"max_epochs": 60, "method": "trained"}, True),
}


@pytest.mark.parametrize("step", [1, 3, 14, 100])
@pytest.mark.slow
@pytest.mark.parametrize("name", KILLED)
def test_a_training_that_was_killed_ends_as_if_it_had_not_been(name: str, step: int, tmp_path: Path) -> None:
    data, validation, options, learns = KILLED[name]

    def ready() -> Training:
        return task(data, validation, checkpoint_every_steps=2, **options)

    whole = ready().fit()
    store = CheckpointStore(tmp_path / "checkpoints")
    with contextlib.suppress(KilledError):
        ready().fit([KillAt(step)], store)
    resumed = ready()
    if store.newest() is not None:
        resumed.state.restore(store.load_last()[0])
    resumed.fit(store=store)
    again = ready()
    again.state.restore(store.load_last()[0])
    again.fit(store=store)  # of a finished one nothing is left to do
    for other in (resumed.state, again.state):
        assert same(whole.shipped, other.shipped)
        assert whole.epoch == other.epoch
        assert whole.selection.facts() == other.selection.facts()
    assert whole.selection.method == ("trained" if learns else "fitted")


@pytest.mark.parametrize("validation", [None, noisy(12, 6)])
def test_a_stop_before_the_first_step_changes_nothing(validation: Sequences | None, tmp_path: Path) -> None:
    """Ctrl-C may come before the start is measured, and what there is is saved."""
    ends = []
    for stopped in (False, True):
        training = task(noisy(40), validation, max_epochs=3)
        if stopped:
            store = CheckpointStore(tmp_path)
            store.save_last(training.state.tensors(), training.state.facts())
            training.state.restore(store.load_last()[0])
        ends.append(training.fit())
    assert same(ends[0].shipped, ends[1].shipped)
    assert ends[0].selection.facts() == ends[1].selection.facts()


def test_weights_that_have_learned_before_go_on_with_all_cases() -> None:
    train = noisy(40)
    recipe = Recipe.model_validate({"name": "x", "model": MODEL, "train": {"max_epochs": 2}})
    state = go_on(recipe, build_network(MODEL, train, 0), train, None).fit()
    assert not watches(state)
    assert state.selection.method == "trained"
