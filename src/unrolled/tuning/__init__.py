"""A search for better settings on validation data."""

from unrolled.tuning.search import Trial, Tuning, tune

__all__ = [
    "Trial",
    "Tuning",
    "tune",
]
