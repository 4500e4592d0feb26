"""Each channel in summaries, over the whole sequence and over parts of it: what a specialist would compute first."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from unrolled.baselines.features import Doubles, of_one_length
from unrolled.data import Sequences

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
FIGURES = 2 + len(QUANTILES) + 2
"""Figures of one channel in one part."""

PARTS = (1, 2, 4, 8)
"""Numbers of equal parts into which a sequence is divided, the coarsest first."""

MOST_FEATURES = 2_048
"""Finer parts are left out where they would make more features than this."""

MOST_SORTED = 256
"""Most steps of a part that its quantiles are taken from, evenly spaced."""


def bands_width(sequences: Sequences) -> int | None:
    """Number of features of `bands`; None for text."""
    if sequences.symbols is not None:
        return None
    widths = [_width(level, len(sequences.channels)) for level in range(1, len(PARTS) + 1)]
    return max(width for width in widths if width <= max(widths[0], MOST_FEATURES))


def bands(sequences: Sequences, width: int) -> Iterator[Doubles]:
    """Figures of each channel over the whole sequence, its halves, quarters and eighths, and the length, [N, width].

    The figures are mean, standard deviation, smallest value, quartiles, largest value, and the mean size and the
    standard deviation of the changes from step to step. Missing values do not count; a feature without any value is
    NaN.
    """
    levels = next(n for n in range(1, len(PARTS) + 1) if _width(n, len(sequences.channels)) == width)
    table = np.empty((len(sequences), width))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of parts without a value: NaN is the answer
        for indices, rows in of_one_length(sequences):
            parts = [figures for count in PARTS[:levels] for figures in _parts(rows, count)]
            table[indices, :-1] = np.concatenate(parts, 1)
            table[indices, -1] = rows.shape[1]
    yield table


def _width(levels: int, channels: int) -> int:
    return FIGURES * channels * sum(PARTS[:levels]) + 1


def _parts(rows: Doubles, count: int) -> Iterator[Doubles]:
    """The figures of each of so many parts, [n, FIGURES · F]; a short sequence has parts that overlap."""
    steps = rows.shape[1]
    for part in range(count):
        first = part * steps // count
        last = max((part + 1) * steps // count, first + 1)
        yield _figures(rows[:, first:last], np.diff(rows[:, first : last + 1], axis=1))


def _figures(rows: Doubles, changes: Doubles) -> Doubles:
    """The figures of one part, from its values [n, T, F] and their changes [n, T', F]."""
    mean, deviation = (np.nanmean, np.nanstd) if np.isnan(rows.sum()) else (np.mean, np.std)  # twice as fast
    found = [mean(rows, 1), deviation(rows, 1), *_quantiles(rows)]
    if changes.shape[1]:
        found += [mean(np.abs(changes), 1), deviation(changes, 1)]
    else:
        found += [np.zeros_like(found[0])] * 2
    return np.concatenate(found, 1)


def _quantiles(rows: Doubles) -> list[Doubles]:
    """Each of `QUANTILES`, [n, F]: a value that is there, the nearest to the rank."""
    thinned = rows[:, np.unique(np.linspace(0, rows.shape[1] - 1, MOST_SORTED).round().astype(int))]
    ordered = np.sort(thinned, axis=1)  # missing values last
    last = np.maximum((~np.isnan(ordered)).sum(1) - 1, 0)  # [n, F]
    inner = [np.take_along_axis(ordered, np.rint(q * last)[:, None].astype(int), 1)[:, 0] for q in QUANTILES[1:-1]]
    return [np.fmin.reduce(rows, 1), *inner, np.fmax.reduce(rows, 1)]
