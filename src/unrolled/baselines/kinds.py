"""The kinds of features that a baseline reads: one file and one line in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse, vstack

from unrolled.baselines.bands import bands, bands_width
from unrolled.baselines.features import Doubles, flattened, summaries, token_counts
from unrolled.baselines.ngrams import ngrams, ngrams_width, rarity, weighted
from unrolled.data import Sequences

Features = Literal["flattened", "tokens", "bands", "ngrams", "summary"]
Table = Any
"""Features of N sequences, [N, width]: a NumPy array, or a sparse one of SciPy."""

MOST_FEATURES = 1_024
"""Sequences of more values are not flattened; no more different tokens are counted."""


_ROWS = 4_096
"""Rows that are computed together, so that temporary arrays stay small."""


def column_scales(table: Doubles) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation of each column, without missing values; 0 and 1 for a column without values."""
    count, total, squares = (np.zeros(table.shape[1]) for _ in range(3))
    for rows in _in_parts(table):
        count += (~np.isnan(rows)).sum(0)
        total += np.nansum(rows, 0)
    mean = total / np.maximum(count, 1)
    for rows in _in_parts(table):
        squares += np.nansum(np.square(rows - mean), 0)
    deviation = np.sqrt(squares / np.maximum(count, 1))
    deviation[deviation <= 1e-9 * np.abs(mean)] = 1
    return mean, deviation


def standardise(table: Doubles, mean: Doubles, deviation: Doubles) -> Doubles:
    """Gives the columns mean 0 and deviation 1, in place; a missing value becomes 0."""
    for rows in _in_parts(table):
        rows -= mean
        rows /= deviation
        np.nan_to_num(rows, copy=False, nan=0.0)
    return table


def _in_parts(table: Doubles) -> Iterator[Doubles]:
    return (table[first : first + _ROWS] for first in range(0, len(table), _ROWS))


@dataclass(frozen=True)
class Kind:
    """A kind of features.

    Attributes:
        width: number of features for training sequences; None where they cannot have these.
        blocks: the features of sequences, in blocks [n, width]; NaN for a missing one.
        scales: mean and deviation of each feature.
        standardise: makes of a block what the regression gets, by mean and deviation.
        one_length: whether only sequences of the training sequences' length have these features.
        reads_raw: whether they are computed from sequences as they were read, rather than as the network gets them.
        is_sparse: whether the blocks are sparse.
        penalty: scikit-learn's C, the inverse of the L2 penalty.
        most_steps: most steps of the training sequences together; of more sequences a random part is taken.
    """

    width: Callable[[Sequences], int | None]
    blocks: Callable[[Sequences, int], Iterable[Table]]
    scales: Callable[[Table], tuple[Doubles, Doubles]] = column_scales
    standardise: Callable[[Table, Doubles, Doubles], Table] = standardise
    one_length: bool = False
    reads_raw: bool = False
    is_sparse: bool = False
    penalty: float = 1.0
    most_steps: int = 100_000_000


def _flattened_width(sequences: Sequences) -> int | None:
    width = (sequences.equal_length or 0) * len(sequences.channels)
    return width if sequences.symbols is None and 0 < width <= MOST_FEATURES else None


def _tokens_width(sequences: Sequences) -> int | None:
    return None if sequences.symbols is None else min(len(sequences.symbols), MOST_FEATURES)


def _never(sequences: Sequences) -> int | None:
    del sequences
    return None


def _summary(sequences: Sequences, width: int) -> Iterator[Table]:
    del width
    yield summaries(sequences)


def _flattened(sequences: Sequences, width: int) -> Iterable[Table]:
    del width
    return flattened(sequences)


KINDS: dict[Features, Kind] = {
    "flattened": Kind(_flattened_width, _flattened, one_length=True),
    "tokens": Kind(_tokens_width, token_counts),
    "bands": Kind(bands_width, bands),
    "ngrams": Kind(
        ngrams_width, ngrams, rarity, weighted, reads_raw=True, is_sparse=True, penalty=10, most_steps=2_000_000
    ),
    "summary": Kind(_never, _summary),  # in models of version 0.1.0 only
}

FITTED: tuple[Features, ...] = tuple(name for name, kind in KINDS.items() if kind.width is not _never)


def stacked(blocks: Iterable[Table], count: int) -> Table:
    """The blocks of so many sequences as one table."""
    iterator: Iterator[Any] = iter(blocks)
    first = next(iterator)
    if issparse(first):
        all_blocks: Any = [first, *iterator]
        return vstack(all_blocks, format="csr")
    if len(first) == count:
        return first
    table, filled = np.empty((count, first.shape[1])), 0
    for block in chain([first], iterator):
        table[filled : filled + len(block)] = block
        filled += len(block)
    return table
