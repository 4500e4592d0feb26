"""A search for better settings on validation data.

space.py  the search space: ranges and lists of values
study.py  the trials so far, in one SQLite file or in a shared database
trial.py  one trial: a training that is stopped early if it lags behind others
"""

from unrolled.tuning.search import Trial, Tuning, tune

__all__ = [
    "Trial",
    "Tuning",
    "tune",
]
