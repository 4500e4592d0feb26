"""Sequences as arrays of one size, for classifiers that know no sequences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences

Array = npt.NDArray[np.float32]

_CHUNK_VALUES = 4_000_000


def summary_width(channels: int) -> int:
    """Features that `summaries` gives of so many channels."""
    return 6 * channels + 1


def summaries(sequences: Sequences) -> Array:
    """Each channel's mean, deviation, least, largest, first and last value, and the length, [N, 6 F + 1].

    Missing values do not count; of a channel that has no others all are NaN. Mean and deviation are computed in
    double precision: a float32 sum over a long recording loses what an offset leaves of it.
    """
    return np.stack([_summary(sequences.scaled(index)) for index in range(len(sequences))])


def _summary(steps: Array) -> Array:
    """Of one sequence, [6 F + 1]."""
    if np.isnan(steps).any():
        columns = [column[~np.isnan(column)] for column in steps.T]
        parts = np.array([_of_channel(column) for column in columns]).T
    else:
        mean, deviation = steps.mean(0, dtype=np.float64), steps.std(0, dtype=np.float64)
        parts = np.stack([mean, deviation, steps.min(0), steps.max(0), steps[0], steps[-1]])
    return np.append(parts, len(steps)).astype(np.float32)


def _of_channel(values: Array) -> list[float]:
    if not len(values):
        return [np.nan] * 6
    mean, deviation = values.mean(dtype=np.float64), values.std(dtype=np.float64)
    return [mean, deviation, values.min(), values.max(), values[0], values[-1]]


def flattened(sequences: Sequences) -> Iterator[Array]:
    """All values of sequences of one length in a row, some sequences at a time, [n, T·F]."""
    length = sequences.equal_length or 0
    size = max(1, _CHUNK_VALUES // (length * len(sequences.channels)))
    for low in range(0, len(sequences), size):
        rows = sequences.values[sequences.starts[low : low + size, None] + np.arange(length)]  # [n, T, F]
        yield rows.reshape(len(rows), -1).astype(np.float32) * np.float32(sequences.scale)


def token_counts(sequences: Sequences, width: int) -> Iterator[Array]:
    """How often each of the first ``width`` tokens occurs in each text, some texts at a time, [n, width]."""
    size = max(1, _CHUNK_VALUES // width)
    for low in range(0, len(sequences), size):
        codes = [sequences[index][:, 0] for index in range(low, min(low + size, len(sequences)))]
        counts = [np.bincount(row[row < width], minlength=width) for row in codes]
        yield np.stack(counts).astype(np.float32)


def padded(sequences: Sequences, length: int) -> Array:
    """All sequences cut to a length, or filled up to it with zeros behind their last step, [N, length, F]."""
    steps = np.arange(length)
    there = steps < sequences.lengths[:, None]  # [N, length]
    places = np.where(there, sequences.starts[:, None] + steps, 0)
    rows: Array = sequences.values[places].astype(np.float32) * np.float32(sequences.scale)
    rows[~there] = 0
    return rows
