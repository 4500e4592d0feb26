"""Trains every combination of some settings with several seeds, and compares the results.

Each training is an ordinary run. A later call finds it by its recipe and data: a finished run is not trained again, and
a stopped one goes on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.comparison.comparison import Comparison, compare_entries
from unrolled.comparison.entries import Entry, learned_from, results_of_run, setting_text
from unrolled.comparison.references import ReferenceClassifier, fit_reference, named_reference
from unrolled.config import FIELDS, Recipe
from unrolled.data import Dataset, Sequences
from unrolled.errors import (
    ConfigError,
    DataError,
    InterruptedRunError,
    RunError,
    UnknownNameError,
    UnrolledError,
    option,
)
from unrolled.evaluation import changed_part
from unrolled.jobs import Answer, Job, Watcher, do_jobs, share_cores
from unrolled.runs import RunFolder, Say, dataset_for, in_memory, recipe_for, silent, train_one
from unrolled.training import refuse_idle


@dataclass(frozen=True)
class Setting:
    """One combination of the grid.

    Attributes:
        name: the values that differ from other settings', such as ``gru num_layers=2``.
        recipes: one for each seed.
    """

    name: str
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True)
class GridResult:
    """The result of a grid.

    Attributes:
        comparison: the comparison of its settings and of the reference classifiers.
        runs: the run folders of each setting, by its name.
        failures: a line for each failed training; the comparison uses the other seeds of its setting.

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
    """Trains every combination of some settings that was not trained before, and compares them all.

    Args:
        recipe: a `Recipe`, or what `recipe_for` takes.
        grid: values to try, by field name, such as ``{"cell": ["gru", "lstm"], "num_layers": [1, 2]}``.
        seeds: their number, counted from the recipe's own seed, or a list of seeds.
        against: reference classifiers: ``sklearn:NAME`` or `ReferenceClassifier`.
        data: sequences of your own.
        runs: the folder for run folders; earlier runs are looked for there.
        jobs: trainings at a time; by default `share_cores` chooses.
        watcher: listens to the progress of the trainings.
        say: called with each line for the user.
        options: fields of the recipe to change in all trainings; reports are written only with ``report=True``.
    Returns:
        The comparison, and the run folders of each setting.
    Raises:
        UnknownNameError: for an unknown field, with the nearest name.
        ConfigError: for fewer than two classifiers to compare.
        InterruptedRunError: after Ctrl-C, once checkpoints are saved; the same call goes on.
        RunError: if no training of a setting succeeds.

    Example:
        >>> grid = {"cell": ["gru", "lstm"]}
        >>> result = unrolled.compare_settings(run.recipe, grid, seeds=2, data=dataset, max_epochs=5, jobs=1)
        >>> sorted(row.name for row in result.comparison.rows)
        ['gru', 'lstm']
    """
    say, watcher = say or silent, watcher or Watcher()
    base = (recipe if isinstance(recipe, Recipe) else recipe_for(str(recipe))).with_options({"report": False} | options)
    base.without_folds("compare")
    settings = make_settings(base if data is None else in_memory(base, data), grid, seeds)
    references = [named_reference(one) if isinstance(one, str) else one for one in against]
    if len(settings) + len(references) < 2:
        raise ConfigError(
            "there is one setting only; give at least one field several values, such as "
            f"{option('cell', ('gru', 'lstm'))}."
        )
    wanted = [recipe for setting in settings for recipe in setting.recipes]
    dataset = dataset_for(wanted[0], data)  # the recipes differ in nothing that concerns the data
    if dataset.test is None:
        raise DataError(f"nothing of {dataset.name} is held out for the test; raise {option('test_fraction')}.")
    refuse_idle(wanted, [*grid, *options], text=dataset.train.symbols is not None)
    found, failures = _train_all(wanted, dataset, Path(runs), jobs, watcher, say)
    entries, paths = [], {}
    places = itertools.count()
    for setting in settings:
        own = list(itertools.islice(places, len(setting.recipes)))
        done = [found[place] for place in own if place in found]
        if not done:
            raise RunError(f"no training of {setting.name} succeeded: {_label(wanted, own[-1])}: {failures[own[-1]]}")
        paths[setting.name] = tuple(done)
        entries.append(Entry(setting.name, tuple(one for path in done for one in results_of_run(path))))
    for reference in references:
        say(f"fitting {reference.name}")
        entries.append(fit_reference(reference, dataset, [recipe.train.seed for recipe in settings[0].recipes]))
    return GridResult(
        compare_entries(entries), paths, tuple(f"{_label(wanted, place)}: {why}" for place, why in failures.items())
    )


def make_settings(base: Recipe, grid: Mapping[str, Sequence[Any]], seeds: int | Sequence[int] = 1) -> list[Setting]:
    """Every combination of the grid's values, each with every seed.

    Raises:
        UnknownNameError: for an unknown field, with the nearest name.
        ConfigError: for a value that its field does not take, or a field without values.
    """
    for name, values in grid.items():
        if name not in FIELDS:
            raise UnknownNameError("option", name, FIELDS)
        if FIELDS[name] == "data" and len(values) > 1:
            raise ConfigError(
                f"{option(name)} concerns the data; settings are compared on the same data, so give one value."
            )
        if not values or any(value == "" for value in values):
            raise ConfigError(f"{option(name)} has an empty value; give one or more, separated by commas.")
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
    """The listed seeds, or a number of seeds counted from the recipe's own."""
    if not isinstance(seeds, int):
        return list(seeds)
    if listed and len(listed) > 1:
        if seeds > 1:
            raise ConfigError(
                f"give either a number of seeds by {option('seeds')} or a list of seeds by {option('seed')}, not both."
            )
        return [base.with_options({"seed": seed}).train.seed for seed in listed]
    first = base.with_options({"seed": listed[0]}).train.seed if listed else base.train.seed
    return list(range(first, first + seeds))


def _train_all(
    wanted: Sequence[Recipe], dataset: Dataset, runs: Path, jobs: int | None, watcher: Watcher, say: Say
) -> tuple[dict[int, Path], dict[int, str]]:
    """Trains recipes that were not trained before; returns run folders and failures, both by the recipe's place."""
    known = _known_runs(runs / wanted[0].name, dataset)
    there = [known.get(_key(recipe)) for recipe in wanted]
    found = {place: folder.path for place, folder in enumerate(there) if folder is not None and folder.is_finished}
    failures: dict[int, str] = {}
    left = [place for place in range(len(wanted)) if place not in found]
    if found:
        say(f"{len(found)} of {len(wanted)} trainings were finished before")
    if not left:
        return found, failures
    common = wanted[0].train
    share = share_cores(len(left), jobs=jobs, threads=common.threads, device=common.device)
    say(f"{len(left)} trainings, {share.reason}" if len(left) > 1 else "1 training")
    tasks = [Job(train_one, {"recipe": wanted[i], "data": dataset, "runs": runs, "folder": there[i]}) for i in left]

    def answered(number: int, answer: Answer) -> None:
        place = left[number]
        if answer.failure is None:
            found[place], line = answer.result
        else:
            line = failures[place] = answer.failure
        watcher.finished(number, f"{_label(wanted, place)}: {line}")

    watcher.begin(len(wanted), len(found))
    try:
        do_jobs(share, tasks, watcher.moved, answered, runs / wanted[0].name)
    except InterruptedRunError:
        raise InterruptedRunError(
            f"Stopped; {len(found)} of {len(wanted)} trainings are finished. The same command goes on from here."
        ) from None
    finally:
        watcher.end()
    return found, failures


def _label(wanted: Sequence[Recipe], place: int) -> str:
    """The name of a training: the fields in which the trainings differ."""
    contents = [learned_from(recipe) for recipe in wanted]
    names = [name for name in contents[0] if len({repr(one[name]) for one in contents}) > 1]
    return " ".join(setting_text(name, contents[place][name]) for name in names) or wanted[place].name


def _key(recipe: Recipe) -> str:
    """Equal for recipes that learn the same."""
    return repr(sorted(learned_from(recipe).items()))


def _known_runs(parent: Path, dataset: Dataset) -> dict[str, RunFolder]:
    """The runs in a folder with the same data, test data included, by `_key`; finished runs take precedence."""
    known: dict[str, RunFolder] = {}
    for path in sorted(parent.iterdir()) if parent.is_dir() else []:
        try:
            folder = RunFolder.open(path)
            recipe, facts = folder.read_config()
        except UnrolledError:  # no run, or a run that cannot go on
            continue
        if changed_part(dataset, facts["data"]) is not None:
            continue
        key = _key(recipe)
        if key not in known or (folder.is_finished and not known[key].is_finished):
            known[key] = folder
    return known
