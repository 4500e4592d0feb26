"""A search for better settings on validation data.

search.py   `tune`: the trials of a study, and its result
space.py    the search space: ranges and lists of values
study.py    the trials so far, in one SQLite file or in a shared database
trial.py    one trial: a training that is stopped early if it lags behind others
repeats.py  no setting twice, and no more trials than were asked for
"""

from unrolled.tuning.search import Trial, Tuning, tune

__all__ = [
    "Trial",
    "Tuning",
    "tune",
]
