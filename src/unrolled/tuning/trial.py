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
from unrolled.runs import dataset_for
from unrolled.runtime import choose_device, using_threads
from unrolled.training import EpochLog, TrainState, build_network, case_weights, fit, new_state, training_threads
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
    network = build_network(recipe.model, ready.train, recipe.train.seed, case_weights(recipe.train, ready.train))
    network = network.to(choose_device(recipe.train.device))
    state = new_state(network, recipe.train)
    recorders = [Pruning(trial, recipe.train.monitor), Moving(moved)]
    try:
        with using_threads(training_threads(recipe.train, ready.train, network)):
            fit(state, ready.train, ready.validation, recipe.train, recipe.augment, recorders=recorders)
    except DivergedError:
        trial.set_user_attr("diverged", True)
        raise optuna.TrialPruned from None
    finally:
        trial.set_user_attr("seconds", time.perf_counter() - started)
    kept = _figures_kept(state, recipe.train.keep)
    trial.set_user_attr("validation_loss", kept.validation_loss)
    trial.set_user_attr("validation_accuracy", kept.validation_accuracy)
    trial.set_user_attr("epoch", kept.epoch)
    return _figure(kept, recipe.train.monitor)


class Pruning(Recorder):
    """Tells the study the validation figure of each pass, and ends a training that lags behind the others."""

    def __init__(self, trial: optuna.Trial, monitor: str) -> None:
        self.trial, self.monitor = trial, monitor

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Reports, and asks."""
        del state
        self.trial.report(_figure(log, self.monitor), log.epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _figures_kept(state: TrainState, keep: str) -> EpochLog:
    """The figures of the weights that are kept: a pass's, or those of a start that no pass was shown to better."""
    if keep == "best" and not state.best_epoch and state.start is not None:
        loss, accuracy = state.start
        return replace(state.history[0], epoch=0, step=0, validation_loss=loss, validation_accuracy=accuracy)
    return state.history[state.best_epoch - 1 if keep == "best" else -1]


def _figure(log: EpochLog, monitor: str) -> float:
    value = log.validation_loss if monitor == "loss" else log.validation_accuracy
    assert value is not None  # noqa: S101  # there are validation sequences: `tune` makes sure
    return value


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
