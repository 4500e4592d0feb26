"""Runs of 1 to 4 letters of a text, counted and weighted: the baseline that is hard to beat on texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from unrolled.baselines.features import Doubles
from unrolled.data import Sequences

LONGEST = 4
COLUMNS = 2**15
MOST_WEIGHTS = 2**20
"""Most weights of a regression, 4 MB: with many classes there are fewer columns."""

MOST_TOKENS = 2_000
"""Tokens of a text that are read."""

_CHUNK = 1_000


def ngrams_width(sequences: Sequences) -> int | None:
    """Number of columns; None for numbers."""
    if sequences.symbols is None:
        return None
    return int(min(COLUMNS, 2 ** int(np.log2(MOST_WEIGHTS / len(sequences.classes)))))


def ngrams(sequences: Sequences, width: int) -> Iterator[csr_array]:
    """1 + log of the count of each run of 1 to 4 letters, hashed into so many columns, in blocks [n, width].

    Letters count without their case; the ends of a text are letters of their own.
    """
    maker = HashingVectorizer(
        analyzer="char", ngram_range=(1, LONGEST), n_features=width, alternate_sign=False, norm=None, lowercase=False
    )
    between = " " if sequences.text_kind != "characters" else ""
    texts = (_text(sequences, index, between) for index in range(len(sequences)))
    while some := list(islice(texts, _CHUNK)):
        counts = csr_array(maker.transform(some))
        counts.data = 1 + np.log(counts.data)
        yield counts


def rarity(table: csr_array) -> tuple[Doubles, Doubles]:
    """0 and the inverse of a column's rarity, as mean and deviation of each column.

    The rarity is scikit-learn's smoothed inverse document frequency, ln((1 + N) / (1 + n)) + 1.
    """
    rows, width = table.shape
    found = np.bincount(table.indices, minlength=width)
    return np.zeros(width), 1 / (np.log((1 + rows) / (1 + found)) + 1)


def weighted(block: csr_array, mean: Doubles, deviation: Doubles) -> csr_array:
    """The counts times the rarity of their columns, each row of length 1."""
    del mean
    return csr_array(normalize(csr_array(block / deviation[None, :])))


def _text(sequences: Sequences, index: int, between: str) -> str:
    tokens = sequences.take(slice(index, index + 1)).tokens(0) or []
    return f"\x02{between.join(tokens[:MOST_TOKENS]).lower()}\x03"
