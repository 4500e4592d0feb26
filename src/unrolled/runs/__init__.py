"""A run: from a recipe to a trained model with its figures, in a run folder.

folds.py        the folds of a cross-validation
run.py          `train`, `resume` and `finish`
extending.py    a run that goes on longer than it was meant to
best_so_far.py  a model of the best weights beside each checkpoint
listing.py      the runs of a folder, and how far each is
folder.py       the run folder: the place of each file, the lock, recipe and data
starting.py     a run that begins with the weights of another model
reporting.py    figures and report of a run, from its folder
"""

from unrolled.runs.extending import EXTENDING
from unrolled.runs.folder import RunFolder
from unrolled.runs.listing import RunState, list_runs, metrics_of, state_of
from unrolled.runs.reporting import report
from unrolled.runs.run import (
    Run,
    Say,
    dataset_for,
    finish,
    in_memory,
    recipe_for,
    resume,
    silent,
    train,
    train_dataset,
    train_one,
)

__all__ = [
    "EXTENDING",
    "Run",
    "RunFolder",
    "RunState",
    "Say",
    "dataset_for",
    "finish",
    "in_memory",
    "list_runs",
    "metrics_of",
    "recipe_for",
    "report",
    "resume",
    "silent",
    "state_of",
    "train",
    "train_dataset",
    "train_one",
]
