"""What training data tell the normaliser, computed a stretch at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.data.sequences import Sequences

_CHUNK_STEPS = 65_536


def channel_statistics(sequences: Sequences) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation of each channel over all steps, [F] each, in the real unit."""
    count, total, squares = 0, np.zeros(len(sequences.channels)), np.zeros(len(sequences.channels))
    reference = sequences[0][0].astype(np.float64)  # near the mean, so that the squares keep their digits
    for first, last in sequences.stretches():
        for low in range(first, last, _CHUNK_STEPS):
            block = sequences.values[low : min(low + _CHUNK_STEPS, last)].astype(np.float64) - reference
            count += len(block)
            total += block.sum(0)
            squares += (block**2).sum(0)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    return (mean + reference) * sequences.scale, deviation * sequences.scale


def overall_statistics(sequences: Sequences) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation over all channels together, repeated for each, [F]."""
    means, deviations = channel_statistics(sequences)
    mean = means.mean()
    deviation = np.sqrt((deviations**2 + (means - mean) ** 2).mean())
    return np.full_like(means, mean), np.full_like(means, deviation)
