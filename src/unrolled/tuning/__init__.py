"""A search for better settings on validation data."""

from unrolled.tuning.search import Tuning, tune

__all__ = [
    "Tuning",
    "tune",
]
