"""A run: from a recipe to a trained model with its figures, in a run folder.

run.py               `train`, `resume` and `finish`: what a user calls

naming.py            the recipe that a word of the command line names
datasets.py          the sequences of a run, read and divided, and what is recorded of them
starting.py          a run that begins with the weights of another model
accompanied.py       a training with further workers beside the first
preparing.py         a run that is ready to train: sequences, network, and their description
beginning.py         a new run
going_on.py          a run that goes on from its last checkpoint
extending.py         a run that goes on longer than it was meant to
completing.py        from a prepared training to the saved model with its figures
finished.py          `Run`: a finished run
best_so_far.py       a model of the best weights beside each checkpoint

job.py               a run that is one of several jobs
folds.py             what a cross-validated run is trained on
cross_validation.py  the trainings of its folds

folder.py            the run folder: the place of each file, the lock, recipe and data
listing.py           the runs of a folder, and how far each is
verifying.py         a finished run is trained again, and its bits are compared
reporting.py         figures and report of a run, from its folder
"""

from unrolled.runs.accompanied import Launched, follow, launched
from unrolled.runs.completing import Say, silent
from unrolled.runs.datasets import dataset_for, in_memory
from unrolled.runs.extending import EXTENDING
from unrolled.runs.finished import Run
from unrolled.runs.folder import RunFolder
from unrolled.runs.job import train_one
from unrolled.runs.listing import RunState, list_runs, metrics_of, state_of
from unrolled.runs.naming import recipe_for
from unrolled.runs.reporting import report
from unrolled.runs.run import finish, resume, train
from unrolled.runs.verifying import Verification, verify

__all__ = [
    "EXTENDING",
    "Launched",
    "Run",
    "RunFolder",
    "RunState",
    "Say",
    "Verification",
    "dataset_for",
    "finish",
    "follow",
    "in_memory",
    "launched",
    "list_runs",
    "metrics_of",
    "recipe_for",
    "report",
    "resume",
    "silent",
    "state_of",
    "train",
    "train_one",
    "verify",
]
