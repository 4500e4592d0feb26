"""Sequences as arrays of one size, for classifiers that know no sequences."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.data.sequences import Sequences

Array = npt.NDArray[np.float32]


def summaries(sequences: Sequences) -> Array:
    """Each channel's mean, deviation, least, largest, first and last value, and the length, [N, 6 F + 1]."""
    return np.stack([_summary(sequences.scaled(index)) for index in range(len(sequences))])


def _summary(steps: Array) -> Array:
    parts = [steps.mean(0), steps.std(0), steps.min(0), steps.max(0), steps[0], steps[-1], [len(steps)]]
    return np.concatenate(parts).astype(np.float32)


def padded(sequences: Sequences, length: int) -> Array:
    """All sequences cut to a length, or filled up to it with zeros behind their last step, [N, length, F]."""
    steps = np.arange(length)
    there = steps < sequences.lengths[:, None]  # [N, length]
    places = np.where(there, sequences.starts[:, None] + steps, 0)
    rows: Array = sequences.values[places].astype(np.float32) * np.float32(sequences.scale)
    rows[~there] = 0
    return rows
