"""Cross-validation: a training for each fold, in a folder of its own below the run's, and their held-out sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from unrolled.config import DataConfig, Recipe
from unrolled.data import Dataset, Integers, Sequences, divide, fold_datasets, hold_out_validation
from unrolled.errors import ConfigError, RunError
from unrolled.evaluation import Evaluation, FoldOutcome, evaluate_folds, save_outcomes
from unrolled.jobs import Answer, Job, Watcher, do_jobs, share_cores
from unrolled.runs.folder import RunFolder
from unrolled.storage import write_json

FEWEST_SEQUENCES, FEWEST_GROUPS = 100, 20
"""Where fewer are held out for the test, cross-validation is suggested."""

_FOLDS = "folds"

TrainOne = Callable[..., tuple[Path, str]]


def undivided(recipe: Recipe) -> Recipe:
    """The same recipe without validation sequences: what its folds divide."""
    return recipe.with_options({"validation_fraction": 0.0})


def for_the_model(whole: Dataset, config: DataConfig) -> Dataset:
    """What the model itself is trained on: all sequences, but those that choose among its weights.

    Raises:
        ConfigError: for sequences that are divided already.
    """
    if whole.test is not None or whole.validation is not None:
        part = "test" if whole.test is not None else "validation"
        raise ConfigError(
            f"{whole.name} has {part} sequences of its own, and folds divide all sequences themselves; leave out "
            "--folds, or give the sequences in one file."
        )
    train, validation = hold_out_validation(whole.train, config)
    return replace(whole, train=train, validation=validation)


def suggestion(dataset: Dataset, config: DataConfig) -> str | None:
    """A line that suggests cross-validation where a random test part is too small to say much."""
    test = dataset.test
    if test is None or config.test or config.split != "stratified":
        return None
    groups = None if test.groups is None else len(set(test.groups))
    if len(test) >= FEWEST_SEQUENCES and (groups is None or groups >= FEWEST_GROUPS):
        return None
    few = f"{len(test)} sequences" if groups is None else f"{len(test)} sequences of {groups} groups"
    return f"{few} are held out for the test, and others would give other figures: --folds 5 --repeats 3 tests on all"


def cross_validate(
    folder: RunFolder,
    recipe: Recipe,
    whole: Sequences,
    train_one: TrainOne,
    jobs: int | None,
    watcher: Watcher,
) -> Evaluation:
    """Trains on every fold that is not finished, and writes the figures over all held-out sequences.

    Args:
        folder: the run's folder.
        recipe: its recipe, with a number of folds.
        whole: all sequences.
        train_one: trains a fold; a job.
        jobs: trainings at a time; by default one.
        watcher: listens to their progress.
    Raises:
        RunError: for a fold that fails.
        InterruptedRunError: after a stop, once the checkpoints are saved.
    """
    fold_of = divide(whole, recipe.data)
    parts = [fold_datasets(whole, recipe.data, numbers) for numbers in fold_of]
    names = [f"{r + 1}-{k + 1}" for r, row in enumerate(parts) for k in range(len(row))]
    datasets = [dataset for row in parts for dataset in row]
    outcomes = [_finished(folder, name, dataset) for name, dataset in zip(names, datasets, strict=True)]
    left = [place for place, outcome in enumerate(outcomes) if outcome is None]
    tasks = [
        Job(
            train_fold,
            {
                "train_one": train_one,
                "recipe": fold_recipe(recipe, place // len(parts[0])),
                "dataset": datasets[place],
                "folder": folder.path,
                "name": names[place],
            },
        )
        for place in left
    ]
    share = share_cores(max(len(left), 1), jobs=jobs or 1, threads=recipe.train.threads, device=recipe.train.device)

    def answered(number: int, answer: Answer) -> None:
        name = names[left[number]]
        if answer.failure is not None:
            raise RunError(f"fold {name}: {answer.failure}")
        watcher.finished(number, f"fold {name}: {answer.result}")

    watcher.begin(len(names), len(names) - len(left))
    try:
        do_jobs(share, tasks, watcher.moved, answered, folder.path)
    finally:
        watcher.end()
    found = [_finished(folder, name, dataset) for name, dataset in zip(names, datasets, strict=True)]
    return _figures(folder, recipe, whole, fold_of, [one for one in found if one is not None])


def fold_recipe(recipe: Recipe, repeat: int) -> Recipe:
    """The recipe of a fold's training: the run's, with a seed of its own for each repeat, and no output."""
    quiet: dict[str, Any] = {"folds": None, "repeats": 1, "report": False, "tensorboard": False, "trackers": ()}
    quiet |= {"output": "progress", "watch": None, "examples": 0, "seed": recipe.train.seed + repeat}
    return recipe.with_options(quiet).model_copy(update={"name": _FOLDS})


def train_fold(train_one: TrainOne, recipe: Recipe, dataset: Dataset, folder: Path, name: str, **progress: Any) -> str:
    """Trains one fold, or goes on with it, and writes its predictions for the held-out sequences; a job.

    Returns:
        A line for the user.
    """
    from unrolled.model import Model

    assert dataset.test is not None  # noqa: S101  # a fold holds sequences out
    place = folder / _FOLDS / name
    begun = RunFolder(place) if (place / "config.json").is_file() else None
    if begun is None or not begun.is_finished:
        train_one(recipe, replace(dataset, test=None), folder, begun, name=name, **progress)
    outcome = FoldOutcome.of(Model.load(place), dataset.test)
    outcome.save(place / _OUTCOME)
    right = int((outcome.predictions.logits.argmax(1) == outcome.predictions.targets).sum())
    return f"{right:,} of {len(outcome):,} right"


_OUTCOME = "held-out.npz"


def _finished(folder: RunFolder, name: str, dataset: Dataset) -> FoldOutcome | None:
    """The outcome of a fold that is finished."""
    outcome = FoldOutcome.load(folder.folds / name / _OUTCOME)
    assert dataset.test is not None  # noqa: S101
    if outcome is not None and outcome.fingerprint != dataset.test.fingerprint:
        raise RunError(f"{folder.folds / name} held out other sequences; start the run anew.")
    return outcome


def _figures(
    folder: RunFolder, recipe: Recipe, whole: Sequences, fold_of: Integers, found: list[FoldOutcome]
) -> Evaluation:
    folds = len(found) // len(fold_of)
    rows = [found[first : first + folds] for first in range(0, len(found), folds)]
    evaluation, predictions = evaluate_folds(rows, whole, fold_of, recipe.train.headline_sequences)
    save_outcomes(folder.predictions, predictions.targets, predictions.probabilities)
    write_json(folder.evaluation, evaluation.to_dict())
    return evaluation
