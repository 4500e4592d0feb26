"""A search for better settings on validation data."""

from unrolled.tuning.search import Tuning, tune
from unrolled.tuning.trial import run_trial

__all__ = [
    "Tuning",
    "run_trial",
    "tune",
]
