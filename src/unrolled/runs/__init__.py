"""A run: from a recipe to a trained model with its figures, in a run folder.

folds.py      the folds of a cross-validation
run.py        `train` and `resume`
folder.py     the run folder: the place of each file, the lock, recipe and data
reporting.py  figures and report of a run, from its folder
"""

from unrolled.runs.folder import RunFolder
from unrolled.runs.reporting import report
from unrolled.runs.run import (
    Run,
    Say,
    dataset_for,
    in_memory,
    recipe_for,
    resume,
    silent,
    train,
    train_dataset,
    train_one,
)

__all__ = [
    "Run",
    "RunFolder",
    "Say",
    "dataset_for",
    "in_memory",
    "recipe_for",
    "report",
    "resume",
    "silent",
    "train",
    "train_dataset",
    "train_one",
]
