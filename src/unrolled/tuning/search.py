"""Searches for the settings that are best on validation data; test data take no part in it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.comparison import learned_from
from unrolled.config import Dimension, Recipe, seconds_of
from unrolled.data import Dataset, Sequences
from unrolled.drawing import draw_search, to_png
from unrolled.errors import ConfigError, DataError, InterruptedRunError, StudyError, option, present_name
from unrolled.jobs import Answer, Job, Watcher, do_jobs, share_cores
from unrolled.runs import Say, dataset_for, in_memory, recipe_for, silent
from unrolled.storage import make_folder, write_bytes, write_json, write_text
from unrolled.training import refuse_idle
from unrolled.tuning.repeats import PASSED_OVER
from unrolled.tuning.space import ends, inside, search_space, to_search
from unrolled.tuning.study import helping, open_study, storage_url
from unrolled.tuning.trial import load_without_test, run_trial

if TYPE_CHECKING:
    import optuna

FINISHED = ("COMPLETE", "PRUNED")
"""States of trials that count: completed, and stopped early because they lagged behind."""


@dataclass(frozen=True)
class Trial:
    """One trial of a study.

    Attributes:
        number: from 0.
        state: ``complete``, ``pruned``, ``failed`` (stopped by something else) or ``running``.
        value: the validation figure, of a pruned trial the last one; None before the first, or if it is not finite.
        settings: the values of the searched fields.
        seconds: duration.

    Example:
        >>> recipe = run.recipe.model_copy(update={"tune": {"cell": ("gru", "lstm")}})
        >>> tuning = unrolled.tune(recipe, trials=2, data=dataset, max_epochs=2, jobs=1)
        >>> trial = tuning.trials[0]  # the first is the recipe as it is
        >>> trial.state, trial.settings
        ('complete', {'cell': 'lstm'})
    """

    number: int
    state: str
    value: float | None
    settings: dict[str, Any]
    seconds: float | None


@dataclass(frozen=True)
class Tuning:
    """The result of a search.

    Attributes:
        folder: the folder of ``best.toml``, ``tuning.json``, ``tuning.png`` and, by default, the study.
        recipe: the recipe with the best settings.
        monitor: the validation figure: ``loss`` or ``accuracy``.
        value: its best value.
        best: number of the best trial.
        trials: all trials.
        importance: share of the figure's variance that each field explains (fANOVA, Hutter, Hoos and
            Leyton-Brown 2014); empty for too few trials.

    Example:
        >>> recipe = run.recipe.model_copy(update={"tune": {"cell": ("gru", "lstm")}})
        >>> tuning = unrolled.tune(recipe, trials=2, data=dataset, max_epochs=2, jobs=1)
        >>> tuning.monitor, tuning.recipe_file.name
        ('loss', 'best.toml')
    """

    folder: Path
    recipe: Recipe
    monitor: str
    value: float
    best: int
    trials: tuple[Trial, ...]
    importance: dict[str, float]

    @property
    def recipe_file(self) -> Path:
        """The recipe file, for `unrolled train`."""
        return self.folder / "best.toml"

    def to_dict(self) -> dict[str, Any]:
        """The content of ``tuning.json``."""
        settings = next(trial.settings for trial in self.trials if trial.number == self.best)
        return {
            "schema_version": 1,
            "monitor": f"validation {self.monitor}",
            "value": self.value,
            "best": self.best,
            "settings": settings,
            "importance": self.importance,
            "trials": [asdict(trial) for trial in self.trials],
        }


def tune(
    recipe: str | Path | Recipe,
    *,
    trials: int = 50,
    time_limit: float | str | None = None,
    jobs: int | None = None,
    storage: str | Path | None = None,
    name: str = "tuning",
    data: Sequences | Dataset | None = None,
    runs: str | Path = "runs",
    watcher: Watcher | None = None,
    say: Say | None = None,
    **options: Any,
) -> Tuning:
    """Searches for the settings of a recipe that are best on validation data.

    The first trial is the recipe itself, if it lies in the search space. The same call goes on with a stopped study;
    its finished trials count.

    Trials are trained by gradients, unless the recipe, the options or the space ask for a method: with the method
    ``auto`` many trials would keep the fitted start, which half of the usual fields do not change. With the method
    ``fitted`` the fields that matter in training alone are left out of the space. Optuna's tree-structured Parzen
    estimator (Bergstra et al. 2011) chooses the settings; trials that lag behind are given up.

    Args:
        recipe: a `Recipe`, or what `recipe_for` takes; its ``tune`` is the search space (`search_space`).
        trials: number of finished trials to reach, those of earlier calls included.
        time_limit: time after which no further trial begins: seconds, or a text such as ``90m``.
        jobs: trials at a time; by default `share_cores` chooses.
        storage: a SQLite file, or a database's URL for several machines; by default a file in the folder.
        name: name of the study, and of its folder ``runs/<recipe>/<name>``.
        data: sequences of your own.
        runs: the folder for this folder.
        watcher: listens to the progress of the trials.
        say: called with each line for the user.
        options: fields of the recipe to set; they are not searched.
    Raises:
        ConfigError: for an invalid search space, or without Optuna.
        StudyError: for a study that is locked, damaged or of another recipe, or if no trial was completed.
        InterruptedRunError: after Ctrl-C; finished trials are kept, and the same call goes on.

    Example:
        >>> space = {"hidden_size": (4, 8), "learning_rate": unrolled.Range(low=1e-3, high=1e-1, log=True)}
        >>> recipe = run.recipe.model_copy(update={"tune": space})
        >>> tuning = unrolled.tune(recipe, trials=3, data=dataset, max_epochs=3, jobs=1)
        >>> len(tuning.trials), tuning.recipe.name
        (3, 'levels-tuned')
        >>> best = unrolled.train(tuning.recipe, data=dataset)  # the test sequences took no part until now
    """
    say, watcher = say or silent, watcher or Watcher()
    options = {present_name(field): value for field, value in options.items()}
    seconds = _limit(options.pop("time_limit", time_limit))
    base = to_search((recipe if isinstance(recipe, Recipe) else recipe_for(str(recipe))).with_options(options), options)
    base = base if data is None else in_memory(base, data)
    space = search_space(base, options)
    base.without_folds("tune")
    dataset = load_without_test(base) if data is None else replace(dataset_for(base, data), test=None)
    corners = [base.with_options({field: value}) for field, one in space.items() for value in ends(field, one)]
    refuse_idle(corners, options, text=dataset.train.symbols is not None)
    if dataset.validation is None:
        raise DataError(f"a search needs validation data, and there are none; set {option('validation_fraction')}.")
    if base.data.validation_fraction == 0 and data is None:
        say(f"the recipe keeps nothing for validation; here {len(dataset.validation):,} sequences are kept to judge by")
    folder = make_folder(Path(runs) / base.name / name)
    url = storage_url(storage or folder / "study.db")
    settings = {key: value for key, value in learned_from(base).items() if key not in space}
    identity = {
        "data": [dataset.train.fingerprint, dataset.validation.fingerprint],
        "recipe": {key: str(value) for key, value in settings.items()},
        "search space": {key: str(value) for key, value in space.items()},
    }
    study = open_study(url, f"{base.name}/{name}", base.train.monitor, identity)
    own = inside(space, base)
    if own is None:
        say("the recipe itself lies outside of the search space, so it is not the first trial")
    search = _Search(base, space, own, url, study, trials, seconds, dataset, folder)
    try:
        search.go_on(jobs, watcher, say)
    finally:
        found = _result(folder, base, study)
        if found is not None:
            _write(found)
    if found is None:
        raise StudyError(f"no trial of {study.study_name!r} came to its end; try more --trials, or a narrower space.")
    return found


def _limit(value: float | str | None) -> float | None:
    """A limit of time in seconds."""
    try:
        seconds: float | None = seconds_of(value)
    except ValueError as error:
        raise ConfigError(f"{option('time_limit', value)}: {error}.") from None
    return seconds


@dataclass(frozen=True)
class _Search:
    """The remaining trials of a study."""

    base: Recipe
    space: dict[str, Dimension]
    first: dict[str, Any] | None
    url: str
    study: optuna.Study
    trials: int
    time_limit: float | None
    dataset: Dataset
    folder: Path

    def go_on(self, jobs: int | None, watcher: Watcher, say: Say) -> None:
        """Makes the remaining trials."""
        done = self._finished()
        left = self.trials - done
        if done:
            say(f"{done} trial{'s were' if done > 1 else ' was'} finished before")
        if left <= 0:
            return
        common = self.base.train
        share = share_cores(left, jobs=jobs, threads=common.threads, device=common.device)
        say(f"{left} trials, {share.reason}" if left > 1 else "1 trial")
        ends = math.inf if self.time_limit is None else time.time() + self.time_limit
        study = {"url": self.url, "name": self.study.study_name, "first": self.first, "most": self.trials, "ends": ends}
        job = Job(run_trial, {"recipe": self.base, "space": self.space, "data": self.dataset, **study})

        def answered(place: int, answer: Answer) -> None:
            if answer.failure is not None:
                raise ConfigError(answer.failure)
            if answer.result is not None:
                watcher.finished(place, answer.result)

        watcher.begin(self.trials, done)
        try:
            do_jobs(share, itertools.repeat(job, left), watcher.moved, answered, self.folder)
        except InterruptedRunError:
            raise InterruptedRunError(
                f"Stopped; {self._finished()} of {self.trials} trials are finished and kept. The same command goes on "
                "from here."
            ) from None
        finally:
            watcher.end()

        if self._finished() < self.trials and time.time() < ends:
            say("every setting of the search space was tried, or another machine tries the rest")

    def _finished(self) -> int:
        with helping(self.url):
            return sum(trial.state.name in FINISHED for trial in self.study.get_trials(deepcopy=False))


def _result(folder: Path, base: Recipe, study: optuna.Study) -> Tuning | None:
    """The result of the study; None if no trial was completed."""
    with helping("the study"):
        frozen = [one for one in study.get_trials(deepcopy=False) if PASSED_OVER not in one.user_attrs]
        if not any(trial.state.name == "COMPLETE" for trial in frozen):
            return None
        best = study.best_trial
    assert best.value is not None  # noqa: S101  # it was completed
    monitor = base.train.monitor
    recipe = base.with_options(best.params)
    count = sum(trial.state.name in FINISHED for trial in frozen)
    text = f"{base.name}, the best of {count} trials: validation {monitor} {best.value:.4f}"
    tuned = recipe.model_copy(update={"name": f"{base.name}-tuned", "description": text, "aliases": (), "tune": {}})
    trials = tuple(_trial(trial) for trial in frozen)
    return Tuning(folder, tuned, monitor, best.value, best.number, trials, _importance(study, frozen))


def _trial(trial: optuna.trial.FrozenTrial) -> Trial:
    state = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}.get(trial.state.name, "running")
    value = trial.value
    if value is None and trial.intermediate_values:
        value = trial.intermediate_values[max(trial.intermediate_values)]
    if value is not None and not math.isfinite(value):  # the training diverged
        value = None
    return Trial(trial.number, state, value, dict(trial.params), trial.user_attrs.get("seconds"))


def _importance(study: optuna.Study, trials: Sequence[optuna.trial.FrozenTrial]) -> dict[str, float]:
    """The importance of the fields; empty if the trials are too few or too similar."""
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    if len(complete) < 4 or len({trial.value for trial in complete}) < 2:
        return {}
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    evaluator = FanovaImportanceEvaluator(seed=0)
    found: Mapping[str, float] = get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _write(found: Tuning) -> None:
    """Writes the recipe, the figures and the picture."""
    write_text(found.recipe_file, found.recipe.to_toml())
    write_json(found.folder / "tuning.json", found.to_dict())
    complete, pruned = (
        {one.number: one.value for one in found.trials if one.state == state and one.value is not None}
        for state in ("complete", "pruned")
    )
    picture = draw_search(complete, pruned, found.monitor, found.importance)
    write_bytes(found.folder / "tuning.png", to_png(picture))
