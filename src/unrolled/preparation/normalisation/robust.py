"""Normalisation of each channel by its median and quartiles over the training data."""

from __future__ import annotations

import numpy as np

from unrolled.data import Sequences
from unrolled.preparation.normalisation.normaliser import Normaliser, Statistics

_NORMAL_RANGE = 1.3489795003921634
"""Distance of the quartiles of a normal distribution of deviation 1."""


class RobustNormaliser(Normaliser):
    """Subtracts each channel's median over the training data and divides by the deviation that its quartiles show.

    That deviation is their distance divided by 1.349, as of normally distributed values; a few extreme values hardly
    change it. A channel whose quartiles are equal is divided by its standard deviation.
    """

    def statistics(self, train: Sequences, by_channel: Statistics) -> Statistics:
        """See `Normaliser`."""
        mean, deviation = by_channel[0].copy(), by_channel[1].copy()
        chosen = np.concatenate([np.arange(s, s + n) for s, n in zip(train.starts, train.lengths, strict=True)])
        for channel in range(len(mean)):
            values = train.values[chosen, channel].astype(np.float64) * train.scale
            values = values[np.isfinite(values)]
            if len(values):
                low, mean[channel], high = np.quantile(values, [0.25, 0.5, 0.75])
                deviation[channel] = (high - low) / _NORMAL_RANGE or deviation[channel]
        return mean, deviation
