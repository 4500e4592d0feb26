"""A fitted start, and the gradients that have to show that they better it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.config import ModelConfig, TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.network.network import Network
from unrolled.readout import holdout
from unrolled.readout.holdout import Cases, set_aside
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.loop import fit, new_state
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.start import build_network
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


def trained(train: Sequences, validation: Sequences | None = None, **options: Any) -> tuple[Network, TrainState]:
    """The start, fitted to all of the training data, and the state after the training."""
    config = TrainConfig.model_validate({"max_epochs": 8, "keep": "best", **options})
    start = build_network(MODEL, train, config.seed)
    state = new_state(build_network(MODEL, train, config.seed), config)
    return start, fit(state, train, validation, config)


def numbers(sequences: Sequences) -> list[float]:
    """The one value of each."""
    return [float(sequences[index][0, 0]) for index in range(len(sequences))]


def watches(state: TrainState) -> bool:
    """Whether each pass was judged by cases that it had not read."""
    return all(log.validation_loss is not None for log in state.history)


def same(first: Network, second: Network) -> bool:
    return all(value.equal(second.state_dict()[name]) for name, value in first.state_dict().items())


def test_a_quarter_of_each_class_is_set_aside_at_least_one_and_the_weights_go_along() -> None:
    train = Sequences.from_list([[float(index)] for index in range(44)], ["a"] * 20 + ["b"] * 20 + ["c"] * 3 + ["d"])
    weights = np.arange(1.0, 45.0)
    left, held = set_aside(Cases(train, weights), 0)
    assert held is not None
    assert np.bincount(held.sequences.targets, minlength=4).tolist() == [5, 5, 1, 0]
    assert np.bincount(left.sequences.targets).tolist() == [15, 15, 2, 1]
    assert numbers(held.sequences) == (held.weights - 1).tolist()
    assert left.weights.mean() == pytest.approx(1)
    np.testing.assert_allclose(
        left.weights / left.weights[0],
        weights[np.int64(numbers(left.sequences))] / weights[int(numbers(left.sequences)[0])],
    )
    assert sorted(numbers(left.sequences) + numbers(held.sequences)) == list(range(44))
    other = set_aside(Cases(train, None), 1)[1]
    assert numbers(held.sequences) != numbers(other.sequences)  # another seed, other cases


@pytest.mark.parametrize("labels", [[0, 1] * 4, [0] * 40 + [1]])
def test_nothing_is_set_aside_of_what_could_not_tell(labels: list[int]) -> None:
    few = Cases(Sequences.from_list([[float(index)] for index in range(len(labels))], labels), None)
    assert set_aside(few, 0) == (few, None)


def test_of_many_cases_no_more_are_set_aside_than_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdout, "MOST", 20)
    held = set_aside(Cases(noisy(400), None), 0)[1]
    assert held is not None
    assert np.bincount(held.sequences.targets).tolist() == [10, 10]


@pytest.mark.parametrize("tells", [False, True])
def test_where_nothing_can_be_set_aside_a_start_that_tells_something_is_kept(tells: bool) -> None:
    train = noisy(8, shift=8.0 if tells else 0.0)
    start, state = trained(train, max_epochs=8)
    assert bool(start.output.weight.any()) == tells
    assert state.epoch == 8  # nothing is given up
    assert (state.best_epoch == 0) == tells
    assert same(start, state.judged) == tells


def test_what_is_not_shown_to_be_better_leaves_the_start_as_it_was_fitted_to_all() -> None:
    start, state = trained(noisy(40))
    assert watches(state)
    assert state.best_epoch == 0
    assert same(start, state.judged)


def test_a_start_is_left_for_what_is_shown_to_be_better() -> None:
    start, state = trained(exclusive_or(200), max_epochs=80, learning_rate=0.03)
    assert watches(state)
    assert state.best_epoch > 0
    assert not same(start, state.judged)


def test_given_validation_data_have_to_show_it_too() -> None:
    """The best of some passes is a little better than the start by chance."""
    start, state = trained(noisy(40), noisy(12, 6), learning_rate=0.01, max_epochs=3)
    assert any(log.improved for log in state.history)
    assert state.epoch == 3  # nothing is given up
    assert state.best_epoch == 0
    assert same(start, state.judged)


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_either_figure_may_be_watched(monitor: str) -> None:
    state = trained(exclusive_or(200), exclusive_or(100, 1), max_epochs=40, learning_rate=0.03, monitor=monitor)[1]
    assert state.best_epoch > 0


def test_passes_that_are_no_better_than_a_telling_start_are_given_up_after_a_quarter() -> None:
    state = trained(noisy(40), max_epochs=20, learning_rate=0.3)[1]
    assert 5 <= state.epoch < 20
    assert state.best_epoch == 0


class KillAt(Recorder):
    """Ends a training after some update, saving nothing."""

    def __init__(self, step: int) -> None:
        self.at = step

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if state.step == self.at:
            raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 3, 14, 100])
@pytest.mark.parametrize("learns", [False, True])
def test_a_training_that_was_killed_ends_as_if_it_had_not_been(learns: bool, step: int, tmp_path: Path) -> None:
    data = exclusive_or(200) if learns else noisy(40)
    options = {"max_epochs": 80, "learning_rate": 0.03} if learns else {"max_epochs": 60}
    config = TrainConfig.model_validate({"keep": "best", "checkpoint_every_steps": 2, **options})
    whole = fit(new_state(build_network(MODEL, data, 0), config), data, None, config)
    store = CheckpointStore(tmp_path / "checkpoints")
    state = new_state(build_network(MODEL, data, 0), config)
    with contextlib.suppress(KeyboardInterrupt):
        fit(state, data, None, config, recorders=[KillAt(step)], store=store)
    state = new_state(build_network(MODEL, data, 0), config)
    if store.newest() is not None:
        state.restore(store.load_last()[0])
    fit(state, data, None, config, store=store)
    again = new_state(build_network(MODEL, data, 0), config)
    again.restore(store.load_last()[0])
    fit(again, data, None, config, store=store)  # of a finished one nothing is left to do
    for other in (state, again):
        assert same(whole.judged, other.judged)
        assert (whole.best_epoch, whole.best_value, whole.epoch) == (other.best_epoch, other.best_value, other.epoch)
    assert (whole.best_epoch > 0) == learns


def test_weights_that_have_learned_before_go_on_with_all_cases() -> None:
    config = TrainConfig(max_epochs=2, keep="best")
    state = new_state(build_network(MODEL, noisy(40), 0), config, goes_on=True)
    fit(state, noisy(40), None, config)
    assert not watches(state)
