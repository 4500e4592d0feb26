"""Means and deviations of training data, computed block by block; missing values never count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences

Doubles = npt.NDArray[np.float64]


def channel_statistics(sequences: Sequences) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation of each channel over all steps, [F] each, in the real unit.

    A channel without any value has the mean and the deviation 0.
    """
    count, mean, squares = _moments(sequences)
    return mean * sequences.scale, np.sqrt(squares / np.maximum(count, 1)) * sequences.scale


def overall_statistics(sequences: Sequences) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation over all channels together, repeated for each, [F]."""
    count, means, squares = _moments(sequences)
    total = max(count.sum(), 1.0)
    mean = (count * means).sum() / total
    deviation = np.sqrt((squares + count * (means - mean) ** 2).sum() / total)
    return np.full_like(means, mean * sequences.scale), np.full_like(means, deviation * sequences.scale)


def _moments(sequences: Sequences) -> tuple[Doubles, Doubles, Doubles]:
    """The number of values of each channel, their mean, and the sum of their squared distances from it, [F] each.

    The moments of blocks are combined as by Chan, Golub and LeVeque 1983, so that large means cost no digits.
    """
    channels = len(sequences.channels)
    count, mean, squares = np.zeros(channels), np.zeros(channels), np.zeros(channels)
    for block in sequences.blocks():
        added, block_mean, block_squares = _block_moments(block)
        total = np.maximum(count + added, 1)
        distance = block_mean - mean
        mean = mean + distance * added / total
        squares = squares + block_squares + distance**2 * count * added / total
        count = count + added
    return count, mean, squares


def _block_moments(values: npt.NDArray[np.generic]) -> tuple[Doubles, Doubles, Doubles]:
    block = values.astype(np.float64)
    missing = np.isnan(block)
    block[missing] = 0
    count = len(block) - np.count_nonzero(missing, axis=0).astype(np.float64)
    mean = block.sum(0) / np.maximum(count, 1)
    block -= mean
    block[missing] = 0
    return count, mean, np.einsum("tf,tf->f", block, block)
