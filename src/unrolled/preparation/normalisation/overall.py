"""Normalisation of all channels by the same statistics over the training data."""

from __future__ import annotations

from unrolled.data import Sequences
from unrolled.preparation.normalisation.normaliser import Normaliser, Statistics
from unrolled.preparation.statistics import overall_statistics


class OverallNormaliser(Normaliser):
    """Subtracts the mean of all channels together and divides by their deviation."""

    def statistics(self, train: Sequences, by_channel: Statistics) -> Statistics:
        """See `Normaliser`."""
        return overall_statistics(train)
