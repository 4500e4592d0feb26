"""One trial: a training with values from the search space, measured on validation data, stopped early if it lags."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import optuna

from unrolled.config import Dimension, Range, Recipe
from unrolled.data import DEFAULT_VALIDATION_FRACTION, Dataset
from unrolled.data.sources import SOURCES
from unrolled.errors import DivergedError
from unrolled.jobs import Progress, ProgressRecorder
from unrolled.preparation import learn_preprocessor
from unrolled.readout import set_up
from unrolled.runs import dataset_for
from unrolled.runtime import choose_device, using_threads
from unrolled.training import EpochLog, TrainState, training_threads
from unrolled.training.recorders import Recorder
from unrolled.tuning.repeats import PASSED_OVER, REPEATED, ExhaustedError, PassedOver, pass_over_unless_new, unseen
from unrolled.tuning.space import as_field
from unrolled.tuning.study import helping, load_study, sampler


def load_without_test(recipe: Recipe) -> Dataset:
    """The training and validation sequences of a search.

    A test file is not even opened. A recipe without validation sequences gets the usual share of them here.
    """
    config = recipe.data
    changes: dict[str, Any] = {}
    if config.validation_fraction == 0:
        changes["validation_fraction"] = DEFAULT_VALIDATION_FRACTION
    if config.test is not None and config.source not in SOURCES:
        changes |= {"test": None, "test_fraction": 0.0}
    return replace(dataset_for(recipe.with_options(changes), None), test=None)


def run_trial(
    recipe: Recipe,
    space: Mapping[str, Dimension],
    data: Dataset,
    url: str,
    name: str,
    first: Mapping[str, Any] | None,
    most: int,
    ends: float,
    *,
    progress: Progress,
) -> str | None:
    """One trial of a study, with a setting that no earlier trial has; a job.

    Args:
        recipe: the recipe that the trial starts from.
        space: the search space.
        data: the sequences, without test sequences.
        url, name: storage and name of the study.
        first: the setting of the study's first trial; None: one that is drawn.
        most: number of trials of the whole study, on all machines.
        ends: the time after which no trial begins, in seconds since 1970.
        progress: called with the trial's progress, 0 to 1.
    Returns:
        A line for the user; None if it was too late to begin, or nothing is left to try.
    """
    done: list[optuna.trial.FrozenTrial] = []
    given: Mapping[str, Any] | None = None

    def objective(trial: optuna.Trial) -> float:
        trial.study.sampler = sampler(recipe.train.seed, trial.number, given if trial.number else first)
        chosen = {field: suggest(trial, field, one) for field, one in space.items()}
        pass_over_unless_new(trial, len(space), most)
        return learn(recipe.with_options(chosen), data, trial, progress)

    with helping(url):
        study = load_study(url, name)
        while not done or done[-1].user_attrs.get(PASSED_OVER) == REPEATED:
            try:
                alternative = unseen(study, space)
            except ExhaustedError:
                return None
            given = alternative if done else None
            if time.time() >= ends:
                return None
            study.optimize(objective, n_trials=1, catch=(PassedOver,), callbacks=[lambda _, one: done.append(one)])
        trial = done[-1]
        if PASSED_OVER in trial.user_attrs:
            return None
        complete = any(one.state.name == "COMPLETE" for one in study.get_trials(deepcopy=False))
        return describe(trial, recipe.train.monitor, study.best_trial if complete else None)


def suggest(trial: optuna.Trial, name: str, dimension: Dimension) -> Any:
    """The trial's value for a field."""
    if not isinstance(dimension, Range):
        return trial.suggest_categorical(name, list(dimension))
    low, high = as_field(name, dimension.low), as_field(name, dimension.high)
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, step=int(dimension.step or 1), log=dimension.log)
    return trial.suggest_float(name, low, high, step=dimension.step, log=dimension.log)


def learn(recipe: Recipe, dataset: Dataset, trial: optuna.Trial, progress: Progress) -> float:
    """Trains in memory and returns the validation figure of the weights that the recipe would keep.

    Raises:
        optuna.TrialPruned: if the trial lags behind, or the loss is not finite.
    """
    started = time.perf_counter()
    ready = learn_preprocessor(dataset.train, recipe.data).dataset(dataset)
    training = set_up(recipe, ready.train, ready.validation, choose_device(recipe.train.device))
    recorders = [Pruning(trial, recipe.train.monitor), ProgressRecorder(progress)]
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
    """Reports the validation figure of each epoch to the study, and stops a training that lags behind the others."""

    def __init__(self, trial: optuna.Trial, monitor: str) -> None:
        self.trial, self.monitor = trial, monitor

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Reports the figure, and stops the training if the study says so."""
        _, loss, accuracy = _figures_of(log)
        self.trial.report(loss if self.monitor == "loss" else accuracy, log.epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _figures_kept(state: TrainState, keep: str) -> tuple[int, float, float]:
    """The epoch of the kept weights, 0 for the fitted start, with their validation loss and accuracy."""
    selection = state.selection
    if selection.start is not None and not selection.best_epoch:
        return 0, *selection.start
    return _figures_of(state.history[selection.best_epoch - 1 if keep == "best" else -1])


def _figures_of(log: EpochLog) -> tuple[int, float, float]:
    """An epoch's number, its validation loss and accuracy."""
    assert log.validation_loss is not None  # noqa: S101  # `tune` makes sure that there are validation sequences
    assert log.validation_accuracy is not None  # noqa: S101
    return log.epoch, log.validation_loss, log.validation_accuracy


def describe(trial: optuna.trial.FrozenTrial, monitor: str, best: optuna.trial.FrozenTrial | None) -> str:
    """The result of a trial in one line."""
    values = " ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in trial.params.items()
    )
    if trial.state.name == "COMPLETE":
        mark = ", the best so far" if best is not None and best.number == trial.number else ""
        outcome = f"validation {monitor} {trial.value:.4f}{mark}"
    elif trial.user_attrs.get("diverged"):
        outcome = "stopped: the loss was not finite"
    else:
        outcome = f"stopped after {len(trial.intermediate_values)} epochs, behind the others"
    return f"trial {trial.number}: {outcome} ({values})"
