"""Training every combination of some settings with several seeds, and comparing what came out.

Each training is an ordinary run, found again by what it was made from: one that is finished is not trained
again, one that was stopped goes on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.comparison.comparison import Comparison, compare_entries
from unrolled.comparison.entries import Entry, answers_of_run, learned_from, setting_text
from unrolled.comparison.references import ReferenceClassifier, fit_reference, named_reference
from unrolled.config import FIELDS, Recipe
from unrolled.data import Dataset, Sequences
from unrolled.errors import ConfigError, DataError, InterruptedRunError, RunError, UnknownNameError, UnrolledError
from unrolled.evaluation import changed_part
from unrolled.jobs import Answer, Job, Moved, Moving, Watcher, do_jobs, share_cores
from unrolled.runs import RunFolder, Say, dataset_for, recipe_for, resume, train


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
        comparison: of its settings, and of the reference classifiers.
        runs: the run folders of each setting, by its name.
        failures: a line for each training that failed; its setting is compared by its other seeds.

    Example:
        >>> grid = {"cell": ["gru", "lstm"]}
        >>> result = unrolled.compare_settings(run.recipe, grid, data=dataset, max_epochs=2, jobs=1)
        >>> sorted(result.runs), result.failures
        (['gru', 'lstm'], ())
    """

    comparison: Comparison
    runs: dict[str, tuple[Path, ...]]
    failures: tuple[str, ...]


def compare_settings(
    recipe: str | Path | Recipe,
    grid: Mapping[str, Sequence[Any]],
    *,
    seeds: int | Sequence[int] = 1,
    against: Sequence[str | ReferenceClassifier] = (),
    data: Sequences | Dataset | None = None,
    runs: str | Path = "runs",
    jobs: int | None = None,
    watcher: Watcher | None = None,
    say: Say | None = None,
    **options: Any,
) -> GridResult:
    """Trains every combination of some settings, unless that was done before, and compares them.

    Args:
        recipe: a `Recipe`, or what `recipe_for` takes.
        grid: values to try, by field name, such as ``{"cell": ["gru", "lstm"], "num_layers": [1, 2]}``.
        seeds: how many, counted from the recipe's own, or which.
        against: classifiers of another kind: ``sklearn:NAME`` or `ReferenceClassifier`.
        data: sequences of your own.
        runs: where run folders go, and are looked for.
        jobs: trainings at once; by default as many as `share_cores` says.
        watcher: sees how the trainings go on.
        say: takes each line that a person should read.
        options: fields of the recipe's sections to change for all; reports are written with ``report=True`` only.
    Returns:
        The comparison, and the run folders of each setting.
    Raises:
        UnknownNameError: for a field that there is not, with the nearest.
        ConfigError: for fewer than two things to compare.
        InterruptedRunError: after Ctrl-C, when checkpoints are saved; the same call goes on.
        RunError: if no training of a setting succeeds.

    Example:
        >>> grid = {"cell": ["gru", "lstm"]}
        >>> result = unrolled.compare_settings(run.recipe, grid, seeds=2, data=dataset, max_epochs=5, jobs=1)
        >>> sorted(row.name for row in result.comparison.rows)
        ['gru', 'lstm']
    """
    say, watcher = say or _silent, watcher or Watcher()
    base = (recipe if isinstance(recipe, Recipe) else recipe_for(str(recipe))).with_options({"report": False} | options)
    settings = make_settings(base, grid, seeds)
    references = [named_reference(one) if isinstance(one, str) else one for one in against]
    if len(settings) + len(references) < 2:
        raise ConfigError("there is one setting only; give at least one field several values, such as --cell gru,lstm.")
    wanted = [recipe for setting in settings for recipe in setting.recipes]
    dataset = dataset_for(wanted[0], data)  # what is said of the data is the same in all
    if dataset.test is None:
        raise DataError(f"nothing of {dataset.name} is held out for the test; raise --test-fraction.")
    trainer = _Trainer(Path(runs), jobs, watcher, say)
    found, failures = trainer.train_all(wanted, dataset)
    entries, paths = [], {}
    for setting in settings:
        done = [found[index] for index in _places(setting, wanted) if index in found]
        if not done:
            own = next(failures[index] for index in reversed(_places(setting, wanted)))
            raise RunError(f"no training of {setting.name} succeeded: {own}")
        paths[setting.name] = tuple(done)
        entries.append(Entry(setting.name, tuple(answers_of_run(path) for path in done)))
    for reference in references:
        say(f"fitting {reference.name}")
        entries.append(fit_reference(reference, dataset, [recipe.train.seed for recipe in settings[0].recipes]))
    return GridResult(compare_entries(entries), paths, tuple(failures.values()))


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
        jobs: trainings at once.
        watcher, say: see `compare_settings`.
    """

    runs: Path
    jobs: int | None
    watcher: Watcher
    say: Say

    def train_all(self, wanted: Sequence[Recipe], dataset: Dataset) -> tuple[dict[int, Path], dict[int, str]]:
        """The folder of each recipe's run, and a line for each that failed, both by the recipe's place."""
        known = _known_runs(self.runs / wanted[0].name, dataset)
        there = [known.get(_key(recipe)) for recipe in wanted]
        found = {index: folder.path for index, folder in enumerate(there) if folder is not None and folder.is_finished}
        left = [index for index in range(len(wanted)) if index not in found]
        common = wanted[0].train
        share = share_cores(len(left), jobs=self.jobs, threads=common.threads, device=common.device)
        if found:
            self.say(f"{len(found)} of {len(wanted)} trainings were finished before")
        if not left:
            return found, {}
        self.say(
            f"{len(left)} training{'s' if len(left) > 1 else ''}, {share.reason}" if len(left) > 1 else "1 training"
        )
        jobs = [
            Job(train_one, {"recipe": wanted[i], "data": dataset, "runs": self.runs, "folder": there[i]}) for i in left
        ]
        failures: dict[int, str] = {}

        def answered(number: int, answer: Answer) -> None:
            place = left[number]
            label = f"{_label(wanted, place)}:"
            if answer.failure is None:
                found[place], line = answer.result
                self.watcher.finished(number, f"{label} {line}")
            else:
                failures[place] = f"{label} {answer.failure}"
                self.watcher.finished(number, failures[place])

        self.watcher.begin(len(wanted), len(found))
        try:
            do_jobs(share, jobs, self.watcher.moved, answered, self.runs / wanted[0].name)
        except InterruptedRunError:
            raise InterruptedRunError(
                f"Stopped; {len(found)} of {len(wanted)} trainings are finished. The same command goes on from here."
            ) from None
        finally:
            self.watcher.end()
        return found, failures


def _label(wanted: Sequence[Recipe], place: int) -> str:
    """What a training is called among the others: the fields that are not alike in all."""
    contents = [learned_from(recipe) for recipe in wanted]
    names = [name for name in contents[0] if len({repr(one[name]) for one in contents}) > 1]
    return " ".join(setting_text(name, contents[place][name]) for name in names) or wanted[place].name


def _key(recipe: Recipe) -> str:
    """Equal for recipes that learn the same."""
    return repr(sorted(learned_from(recipe).items()))


def _known_runs(parent: Path, dataset: Dataset) -> dict[str, RunFolder]:
    """The runs in a folder that had these data, the test's too, by what they were made from; a finished one first."""
    known: dict[str, RunFolder] = {}
    for path in sorted(parent.iterdir()) if parent.is_dir() else []:
        try:
            folder = RunFolder.open(path)
            recipe, facts = folder.read_config()
        except UnrolledError:  # something else, or a run that cannot go on
            continue
        if changed_part(dataset, facts["data"]) is not None:
            continue
        key = _key(recipe)
        if key not in known or (folder.is_finished and not known[key].is_finished):
            known[key] = folder
    return known


def train_one(recipe: Recipe, data: Dataset, runs: Path, folder: RunFolder | None, *, moved: Moved) -> tuple[Path, str]:
    """One training of the grid; a job.

    Args:
        recipe: what to train.
        data: the sequences.
        runs: where its folder goes.
        folder: of the run to go on with, if it was begun.
        moved: told how far it is.
    Returns:
        The run's folder, and a line for a person.
    """
    recorders = [Moving(moved)]
    if folder is not None:
        run = resume(folder.path, data=data, recorders=recorders)
    else:
        run = train(recipe, data=data, runs=runs, recorders=recorders)
    accuracy = "" if run.evaluation is None else f"{100 * run.evaluation.accuracy.value:.2f} % "
    return run.folder.path, f"{accuracy}in {run.seconds:.1f} s, {run.folder.path}"
