"""Training every combination of some settings with several seeds, and comparing what came out.

Each training is an ordinary run, found again by what it was made from: one that is finished is not trained
again, one that was stopped goes on.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unrolled.comparison.comparison import Comparison, compare_contenders
from unrolled.comparison.contenders import Contender, answers_of_run, learned_from, setting_text
from unrolled.comparison.rivals import Rival, fit_rival, named_rival
from unrolled.config import FIELDS, Recipe, parse_recipe
from unrolled.data import Dataset, Sequences
from unrolled.data.batches import Batch
from unrolled.errors import ConfigError, DataError, InterruptedRunError, RunError, UnknownNameError, UnrolledError
from unrolled.jobs import Answer, Answered, Job, Share, Watcher, do_jobs, share_cores
from unrolled.runs import RunFolder, Say, dataset_for, find, resume, train
from unrolled.training import Plan, TrainState
from unrolled.training.recorders import Recorder

_TELL_SECONDS = 0.5


@dataclass(frozen=True)
class Setting:
    """One combination of the grid.

    Attributes:
        name: what is special about it, such as ``gru num_layers=2``.
        recipes: one for each seed.
    """

    name: str
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True)
class GridResult:
    """What a grid gave.

    Attributes:
        comparison: of its settings, and of the rivals.
        runs: the run folders of each setting, by its name.
        failures: a line for each training that failed; its setting is compared by its other seeds.
    """

    comparison: Comparison
    runs: dict[str, tuple[Path, ...]]
    failures: tuple[str, ...]


def compare_settings(
    recipe: str | Path | Recipe,
    grid: Mapping[str, Sequence[Any]],
    *,
    seeds: int | Sequence[int] = 1,
    against: Sequence[str | Rival] = (),
    data: Sequences | Dataset | None = None,
    runs: str | Path = "runs",
    jobs: int | None = None,
    watcher: Watcher | None = None,
    say: Say | None = None,
    **options: Any,
) -> GridResult:
    """Trains every combination of some settings, unless that was done before, and compares them.

    Args:
        recipe: a `Recipe`, or what `find` takes.
        grid: values to try, by field name, such as ``{"cell": ["gru", "lstm"], "num_layers": [1, 2]}``.
        seeds: how many, counted from the recipe's own, or which.
        against: classifiers of another kind: ``sklearn:NAME`` or `Rival`.
        data: sequences of your own; the trainings then run one after the other in this process.
        runs: where run folders go, and are looked for.
        jobs: trainings at once; by default as many as `share_cores` says.
        watcher: sees how the trainings go on.
        say: takes each line that a person should read.
        options: fields of the recipe's sections to change for all; reports are written with ``report=True`` only.
    Raises:
        UnknownNameError: for a field that there is not, with the nearest.
        ConfigError: for fewer than two things to compare.
        InterruptedRunError: after Ctrl-C, when checkpoints are saved; the same call goes on.
        RunError: if no training of a setting succeeds.
    """
    say, watcher = say or _silent, watcher or Watcher()
    base = (recipe if isinstance(recipe, Recipe) else find(str(recipe))).with_options({"report": False} | options)
    settings = make_settings(base, grid, seeds)
    rivals = [named_rival(one) if isinstance(one, str) else one for one in against]
    if len(settings) + len(rivals) < 2:
        raise ConfigError("there is one setting only; give at least one field several values, such as --cell gru,lstm.")
    wanted = [recipe for setting in settings for recipe in setting.recipes]
    dataset = dataset_for(wanted[0], data)  # what is said of the data is the same in all
    if dataset.test is None:
        raise DataError(f"nothing of {dataset.name} is held out for the test; raise --test-fraction.")
    trainer = _Trainer(Path(runs), data is not None, jobs, watcher, say)
    found, failures = trainer.train_all(wanted, dataset)
    contenders, paths = [], {}
    for setting in settings:
        done = [found[index] for index in _places(setting, wanted) if index in found]
        if not done:
            raise RunError(f"no training of {setting.name} succeeded: {failures[-1]}")
        paths[setting.name] = tuple(done)
        contenders.append(Contender(setting.name, tuple(answers_of_run(path) for path in done)))
    for rival in rivals:
        say(f"fitting {rival.name}")
        contenders.append(fit_rival(rival, dataset, [recipe.train.seed for recipe in settings[0].recipes]))
    return GridResult(compare_contenders(contenders), paths, tuple(failures))


def _silent(line: str) -> None:
    del line


def _places(setting: Setting, wanted: Sequence[Recipe]) -> list[int]:
    return [index for index, recipe in enumerate(wanted) if any(recipe is own for own in setting.recipes)]


def make_settings(base: Recipe, grid: Mapping[str, Sequence[Any]], seeds: int | Sequence[int] = 1) -> list[Setting]:
    """Every combination of the grid's values, each with every seed.

    Raises:
        UnknownNameError: for a field that there is not, with the nearest.
        ConfigError: for a value that its field does not take, or a field without values.
    """
    for name, values in grid.items():
        if name not in FIELDS:
            raise UnknownNameError("option", name, FIELDS)
        if FIELDS[name] == "data" and len(values) > 1:
            raise ConfigError(f"{name} is about the data; settings are compared on the same ones, so give one value.")
        if not values or any(value == "" for value in values):
            raise ConfigError(f"{name} has an empty value; give one or more, separated by commas.")
    chosen = {name: list(dict.fromkeys(values)) for name, values in grid.items()}
    numbers = _seeds(base, chosen.pop("seed", None), seeds)
    fixed = base.with_options({name: values[0] for name, values in chosen.items() if len(values) == 1})
    varied = {name: values for name, values in chosen.items() if len(values) > 1}
    settings = []
    for combination in itertools.product(*varied.values()):
        recipe = fixed.with_options(dict(zip(varied, combination, strict=True)))
        text = " ".join(setting_text(name, learned_from(recipe).get(name)) for name in varied)
        made = tuple(recipe.with_options({"seed": seed}) for seed in numbers)
        settings.append(Setting(text or base.name, made))
    return settings


def _seeds(base: Recipe, listed: Sequence[Any] | None, seeds: int | Sequence[int]) -> list[int]:
    """The seeds: those listed, or so many from the recipe's own on."""
    if not isinstance(seeds, int):
        return list(seeds)
    if listed and len(listed) > 1:
        if seeds > 1:
            raise ConfigError("give either --seeds, how many, or a list of them by --seed, not both.")
        return [base.with_options({"seed": seed}).train.seed for seed in listed]
    first = base.with_options({"seed": listed[0]}).train.seed if listed else base.train.seed
    return list(range(first, first + seeds))


@dataclass(frozen=True)
class _Trainer:
    """Trains recipes, in this process or in several.

    Attributes:
        runs: where run folders go.
        in_memory: whether the sequences are in memory rather than named by the recipes.
        jobs: trainings at once.
        watcher, say: see `compare_settings`.
    """

    runs: Path
    in_memory: bool
    jobs: int | None
    watcher: Watcher
    say: Say

    def train_all(self, wanted: Sequence[Recipe], dataset: Dataset) -> tuple[dict[int, Path], list[str]]:
        """The folder of each recipe's run, by the recipe's place; and a line for each that failed."""
        known = _known_runs(self.runs / wanted[0].name, dataset)
        there = [known.get(_key(recipe)) for recipe in wanted]
        found = {index: folder.path for index, folder in enumerate(there) if folder is not None and folder.is_finished}
        left = [index for index in range(len(wanted)) if index not in found]
        share = self._share(len(left), wanted)
        if found:
            self.say(f"{len(found)} of {len(wanted)} trainings were finished before")
        if not left:
            return found, []
        self.say(
            f"{len(left)} training{'s' if len(left) > 1 else ''}, {share.reason}" if len(left) > 1 else "1 training"
        )
        jobs = [
            {"recipe": wanted[index].model_dump(mode="json"), "runs": str(self.runs), "folder": _path(there[index])}
            for index in left
        ]
        failures: list[str] = []

        def answered(number: int, answer: Answer) -> None:
            place = left[number]
            label = f"{_label(wanted, place)}:"
            if "done" in answer:
                found[place] = Path(answer["done"]["run"])
                self.watcher.finished(number, f"{label} {answer['done']['line']}")
            else:
                failures.append(f"{label} {answer['failed']}")
                self.watcher.finished(number, failures[-1])

        self.watcher.begin(len(wanted), len(found))
        try:
            self._do(jobs, share, dataset, answered)
        except InterruptedRunError:
            raise InterruptedRunError(
                f"Stopped; {len(found)} of {len(wanted)} trainings are finished. The same command goes on from here."
            ) from None
        finally:
            self.watcher.end()
        return found, failures

    def _share(self, count: int, wanted: Sequence[Recipe]) -> Share:
        if self.in_memory:
            return Share(1, None, "one after the other, for the data are in memory")
        train = wanted[0].train
        return share_cores(count, jobs=self.jobs, threads=train.threads, device=train.device)

    def _do(self, jobs: Sequence[dict[str, Any]], share: Share, dataset: Dataset, answered: Answered) -> None:
        left = iter(jobs)

        def next_job() -> Job | None:
            job = next(left, None)
            return None if job is None else ("train", job)

        do_jobs(
            share,
            next_job,
            lambda job, number: train_one(**job, data=dataset, moved=partial(self.watcher.moved, number)),
            self.watcher.moved,
            answered,
        )


def _path(folder: RunFolder | None) -> str | None:
    return None if folder is None else str(folder.path)


def _label(wanted: Sequence[Recipe], place: int) -> str:
    """What a training is called among the others: the fields that are not alike in all."""
    contents = [learned_from(recipe) for recipe in wanted]
    names = [name for name in contents[0] if len({repr(one[name]) for one in contents}) > 1]
    return " ".join(setting_text(name, contents[place][name]) for name in names) or wanted[place].name


def _key(recipe: Recipe) -> str:
    """Equal for recipes that learn the same."""
    return repr(sorted(learned_from(recipe).items()))


def _known_runs(parent: Path, dataset: Dataset) -> dict[str, RunFolder]:
    """The runs in a folder that learned from these data, by what they were made from; a finished one comes first."""
    known: dict[str, RunFolder] = {}
    validation = dataset.validation.fingerprint if dataset.validation else None
    for path in sorted(parent.iterdir()) if parent.is_dir() else []:
        try:
            folder = RunFolder.open(path)
            recipe, facts = folder.read_config()
        except UnrolledError:  # something else, or a run that cannot go on
            continue
        data = facts["data"]
        if (data["fingerprint"], data.get("validation_fingerprint")) != (dataset.train.fingerprint, validation):
            continue
        key = _key(recipe)
        if key not in known or (folder.is_finished and not known[key].is_finished):
            known[key] = folder
    return known


def train_one(
    recipe: Mapping[str, Any],
    runs: str,
    folder: str | None,
    *,
    moved: Callable[[float], None],
    data: Dataset | None = None,
) -> dict[str, Any]:
    """One training of the grid, from plain values, so that another process can be asked to do it.

    Args:
        recipe: as JSON has it.
        runs: where its folder goes.
        folder: of the run to go on with, if it was begun.
        moved: told how far it is, 0 to 1.
        data: the sequences; by default the recipe's, which are kept for the next training.
    Returns:
        ``run``, its folder, and ``line``, for a person.
    """
    parsed = parse_recipe(recipe, "recipe")
    dataset = data or _loaded(parsed)
    recorders = [Moving(moved)]
    if folder is not None:
        run = resume(folder, data=dataset, recorders=recorders)
    else:
        run = train(parsed, data=dataset, runs=runs, recorders=recorders)
    accuracy = "" if run.evaluation is None else f"{100 * run.evaluation.accuracy.value:.2f} % "
    return {"run": str(run.folder.path), "line": f"{accuracy}in {run.seconds:.1f} s, {run.folder.path}"}


_kept: dict[str, Dataset] = {}
"""The data of one training are those of the next, in a process that does nothing else."""


def _loaded(recipe: Recipe) -> Dataset:
    key = repr((recipe.data, recipe.model.missing))
    if key not in _kept:
        _kept.clear()
        _kept[key] = dataset_for(recipe, None)
    return _kept[key]


class Moving(Recorder):
    """Tells now and then how far a training is."""

    def __init__(self, moved: Callable[[float], None]) -> None:
        self.moved, self.told = moved, time.perf_counter()

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Learns how long it will be."""
        del state
        self.total = plan.total_steps

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Tells, if it is time."""
        del batch
        now = time.perf_counter()
        if now - self.told >= _TELL_SECONDS:
            self.told = now
            self.moved(state.step / self.total)
