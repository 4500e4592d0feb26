"""One trial: a training with values from the search space, judged on validation data, ended early where it lags."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import optuna

from unrolled.comparison import Moving
from unrolled.config import Dimension, Range, Recipe, parse_recipe
from unrolled.data import DEFAULT_VALIDATION_FRACTION, Dataset
from unrolled.data.sources import SOURCES
from unrolled.errors import DivergedError
from unrolled.preparation import learn_intake
from unrolled.readout import set_up
from unrolled.runs import dataset_for
from unrolled.runtime import choose_device, using_threads
from unrolled.training import EpochLog, TrainState, training_threads
from unrolled.training.recorders import Recorder
from unrolled.tuning.space import as_field, search_space
from unrolled.tuning.study import helping, load_study


def load_without_test(recipe: Recipe) -> Dataset:
    """The sequences that a search may see: to learn from, and to judge by.

    A test file is not even opened. Where the recipe keeps nothing for validation, the usual share is kept here.
    """
    config = recipe.data
    changes: dict[str, Any] = {}
    if config.validation_fraction == 0:
        changes["validation_fraction"] = DEFAULT_VALIDATION_FRACTION
    if config.test is not None and config.source not in SOURCES:
        changes |= {"test": None, "test_fraction": 0.0}
    return replace(dataset_for(recipe.with_options(changes), None), test=None)


_kept: dict[str, Dataset] = {}
"""The data of one trial are those of the next, in a process that does nothing else."""


def _loaded(recipe: Recipe) -> Dataset:
    key = repr((recipe.data, recipe.model.missing))
    if key not in _kept:
        _kept.clear()
        _kept[key] = load_without_test(recipe)
    return _kept[key]


def run_trial(
    recipe: Mapping[str, Any],
    fixed: list[str],
    url: str,
    name: str,
    number: int,
    *,
    moved: Callable[[float], None],
    data: Dataset | None = None,
) -> dict[str, Any]:
    """One trial of a study, from plain values, so that another process can be asked for it.

    Args:
        recipe: as JSON has it, with the search space.
        fixed: fields that are not searched.
        url, name: of the study.
        number: of trials so far.
        moved: told how far it is, 0 to 1.
        data: the sequences, without any for the test; by default the recipe's, which are kept for the next trial.
    Returns:
        ``number`` of the trial and ``line``, for a person.
    """
    base = parse_recipe(recipe, "recipe")
    space = search_space(base, fixed)
    dataset = data or _loaded(base)
    study = load_study(url, name, number, base.train.seed)
    done: list[optuna.trial.FrozenTrial] = []

    def objective(trial: optuna.Trial) -> float:
        chosen = base.with_options({field: suggest(trial, field, one) for field, one in space.items()})
        return learn(chosen, dataset, trial, moved)

    with helping(url):
        study.optimize(objective, n_trials=1, callbacks=[lambda _, trial: done.append(trial)])
    trial = done[0]
    best = study.best_trial if any(one.state.name == "COMPLETE" for one in study.get_trials(deepcopy=False)) else None
    return {"number": trial.number, "line": describe(trial, base.train.monitor, best)}


def suggest(trial: optuna.Trial, name: str, dimension: Dimension) -> Any:
    """The trial's value for a field."""
    if not isinstance(dimension, Range):
        return trial.suggest_categorical(name, list(dimension))
    low, high = as_field(name, dimension.low), as_field(name, dimension.high)
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, step=int(dimension.step or 1), log=dimension.log)
    return trial.suggest_float(name, low, high, step=dimension.step, log=dimension.log)


def learn(recipe: Recipe, dataset: Dataset, trial: optuna.Trial, moved: Callable[[float], None]) -> float:
    """Trains in memory and gives the validation figure of the weights that the recipe would keep.

    Raises:
        optuna.TrialPruned: where the curve lags behind, or the loss is not finite.
    """
    started = time.perf_counter()
    ready = learn_intake(dataset.train, recipe.data).dataset(dataset)
    training = set_up(recipe, ready.train, ready.validation, choose_device(recipe.train.device))
    recorders = [Pruning(trial, recipe.train.monitor), Moving(moved)]
    try:
        with using_threads(training_threads(recipe.train, ready.train, training.state.network)):
            training.fit(recorders)
    except DivergedError:
        trial.set_user_attr("diverged", True)
        raise optuna.TrialPruned from None
    finally:
        trial.set_user_attr("seconds", time.perf_counter() - started)
    epoch, loss, accuracy = _figures_kept(training.state, recipe.train.keep)
    trial.set_user_attr("validation_loss", loss)
    trial.set_user_attr("validation_accuracy", accuracy)
    trial.set_user_attr("epoch", epoch)
    return loss if recipe.train.monitor == "loss" else accuracy


class Pruning(Recorder):
    """Tells the study the validation figure of each pass, and ends a training that lags behind the others."""

    def __init__(self, trial: optuna.Trial, monitor: str) -> None:
        self.trial, self.monitor = trial, monitor

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Reports, and asks."""
        del state
        _, loss, accuracy = _figures_of(log)
        self.trial.report(loss if self.monitor == "loss" else accuracy, log.epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _figures_kept(state: TrainState, keep: str) -> tuple[int, float, float]:
    """Epoch of the weights that are kept, 0 for the fitted start, with their validation loss and accuracy."""
    selection = state.selection
    if selection.start is not None and not selection.best_epoch:
        return 0, *selection.start
    return _figures_of(state.history[selection.best_epoch - 1 if keep == "best" else -1])


def _figures_of(log: EpochLog) -> tuple[int, float, float]:
    """An epoch's number, its validation loss and accuracy."""
    assert log.validation_loss is not None  # noqa: S101  # there are validation sequences: `tune` makes sure
    assert log.validation_accuracy is not None  # noqa: S101
    return log.epoch, log.validation_loss, log.validation_accuracy


def describe(trial: optuna.trial.FrozenTrial, monitor: str, best: optuna.trial.FrozenTrial | None) -> str:
    """A trial in a line."""
    values = " ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in trial.params.items()
    )
    if trial.state.name == "COMPLETE":
        mark = ", the best so far" if best is not None and best.number == trial.number else ""
        outcome = f"validation {monitor} {trial.value:.4f}{mark}"
    elif trial.user_attrs.get("diverged"):
        outcome = "given up: the loss was not finite"
    else:
        outcome = f"given up after {len(trial.intermediate_values)} passes, behind the others"
    return f"trial {trial.number}: {outcome} ({values})"
