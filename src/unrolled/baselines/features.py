"""Sequences as arrays of one size, for classifiers that cannot read sequences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers, Sequences

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_CHUNK_VALUES = 4_000_000


def summary_width(channels: int) -> int:
    """Number of features that `summaries` computes."""
    return 6 * channels + 1


def summaries(sequences: Sequences) -> Array:
    """Each channel's mean, deviation, smallest, largest, first and last value, and the length, [N, 6 F + 1].

    Missing values do not count; the features of a channel without any value are NaN. Mean and deviation are computed
    in double precision: a float32 sum over a long recording with an offset loses too many digits.
    """
    return np.stack([_summary(sequences.scaled(index)) for index in range(len(sequences))])


def _summary(steps: Array) -> Array:
    """The features of one sequence, [6 F + 1]."""
    present, channels = ~np.isnan(steps), np.arange(steps.shape[1])
    count = np.where(present.any(0), present.sum(0), np.nan)
    mean = np.where(present, steps, 0).sum(0, dtype=np.float64) / count
    deviation = np.sqrt(np.square(np.where(present, steps - mean, 0)).sum(0) / count)
    first, last = present.argmax(0), len(steps) - 1 - present[::-1].argmax(0)
    ends = [steps[first, channels], steps[last, channels]]
    parts = [mean, deviation, np.fmin.reduce(steps), np.fmax.reduce(steps), *ends]
    return np.append(parts, len(steps)).astype(np.float32)


def flattened(sequences: Sequences) -> Iterator[Doubles]:
    """All values of each sequence in a row, for sequences of one length, in blocks [n, T·F]."""
    for _, rows in of_one_length(sequences):
        yield rows.reshape(len(rows), -1)


def of_one_length(sequences: Sequences) -> Iterator[tuple[Integers, Doubles]]:
    """The sequences in blocks of one length, of bounded size: their indices, [n], and their values, [n, T, F]."""
    order = np.argsort(sequences.lengths, kind="stable")
    lengths, firsts = np.unique(sequences.lengths[order], return_index=True)
    for length, members in zip(lengths.tolist(), np.split(order, firsts[1:]), strict=True):
        size = max(1, _CHUNK_VALUES // (length * len(sequences.channels)))
        for low in range(0, len(members), size):
            indices = members[low : low + size]
            rows = sequences.values[sequences.starts[indices, None] + np.arange(length)]
            yield indices, rows * np.float64(sequences.scale)


def token_counts(sequences: Sequences, width: int) -> Iterator[Array]:
    """The counts of the first ``width`` tokens in each text, in blocks [n, width]."""
    size = max(1, _CHUNK_VALUES // width)
    for low in range(0, len(sequences), size):
        codes = [sequences[index][:, 0] for index in range(low, min(low + size, len(sequences)))]
        counts = [np.bincount(row[row < width], minlength=width) for row in codes]
        yield np.stack(counts).astype(np.float32)


def padded(sequences: Sequences, length: int) -> Array:
    """All sequences cut or padded with zeros to a length, [N, length, F]."""
    steps = np.arange(length)
    valid = steps < sequences.lengths[:, None]  # [N, length]
    places = np.where(valid, sequences.starts[:, None] + steps, 0)
    rows: Array = sequences.values[places].astype(np.float32) * np.float32(sequences.scale)
    rows[~valid] = 0
    return rows
