"""Cross-validation: a training for each fold, in a folder of its own below the run's, and their held-out sequences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from unrolled.config import Recipe
from unrolled.data import Dataset, Integers, Sequences, divide, fold_datasets
from unrolled.errors import RunError
from unrolled.evaluation import Evaluation, FoldOutcome, evaluate_folds, save_outcomes
from unrolled.jobs import Answer, Job, Watcher, do_jobs, share_cores
from unrolled.model import Model
from unrolled.runs.extending import EXTENDING
from unrolled.runs.folder import RunFolder
from unrolled.runs.job import train_one
from unrolled.runs.listing import state_of
from unrolled.storage import write_json

_FOLDS = "folds"


def cross_validate(
    folder: RunFolder,
    recipe: Recipe,
    whole: Sequences,
    jobs: int | None,
    watcher: Watcher,
) -> Evaluation:
    """Trains on every fold that is not finished, and writes the figures over all held-out sequences.

    A fold that was trained for a shorter length than the recipe's goes on, like any run that is extended.

    Args:
        folder: the run's folder.
        recipe: its recipe, with a number of folds.
        whole: all sequences.
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
    for name in names:
        if _longer(RunFolder(folder.folds / name), recipe):
            folder.outcome_of(name).unlink(missing_ok=True)
    outcomes = [_outcome(folder, name, dataset) for name, dataset in zip(names, datasets, strict=True)]
    left = [place for place, outcome in enumerate(outcomes) if outcome is None]
    tasks = [
        Job(
            train_fold,
            {
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
    found = [_outcome(folder, name, dataset) for name, dataset in zip(names, datasets, strict=True)]
    return _figures(folder, recipe, whole, fold_of, [one for one in found if one is not None])


def fold_recipe(recipe: Recipe, repeat: int) -> Recipe:
    """The recipe of a fold's training: the run's, with a seed of its own for each repeat, and no output."""
    quiet: dict[str, Any] = {"folds": None, "repeats": 1, "report": False, "tensorboard": False, "trackers": ()}
    quiet |= {"print_style": "progress", "watch": None, "examples": 0, "seed": recipe.train.seed + repeat}
    return recipe.with_options(quiet).model_copy(update={"name": _FOLDS})


def train_fold(recipe: Recipe, dataset: Dataset, folder: Path, name: str, **progress: Any) -> str:
    """Trains one fold, or goes on with it, and writes its predictions for the held-out sequences; a job.

    Returns:
        A line for the user.
    """
    assert dataset.test is not None  # noqa: S101  # a fold holds sequences out
    run = RunFolder(folder)
    begun = RunFolder(run.folds / name)
    longer = _longer(begun, recipe)
    if longer or state_of(begun.path).state != "finished":
        there = begun if begun.config.is_file() else None
        train_one(recipe, replace(dataset, test=None), folder, there, name=name, options=longer, **progress)
    outcome = FoldOutcome.of(Model.load(begun.path), dataset.test)
    outcome.save(run.outcome_of(name))
    right = int((outcome.predictions.logits.argmax(1) == outcome.predictions.targets).sum())
    return f"{right:,} of {len(outcome):,} right"


def _longer(fold: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """The options that extend a fold to the length of the run's recipe; none for a fold that is not begun."""
    if not fold.config.is_file():
        return {}
    own = fold.read_config()[0].train
    wanted = {name: getattr(recipe.train, name) for name in EXTENDING}
    return {name: value for name, value in wanted.items() if value != getattr(own, name)}


def _outcome(folder: RunFolder, name: str, dataset: Dataset) -> FoldOutcome | None:
    """The outcome of a fold that is finished."""
    outcome = FoldOutcome.load(folder.outcome_of(name))
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
