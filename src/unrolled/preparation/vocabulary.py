"""The vocabulary of training text, and texts in its codes.

`unrolled.data.tokens` cuts texts into tokens. Code 0 is the unknown token. Whitespace that no training text held is
skipped: a model of characters that learned bits reads ``01 10`` as ``0110``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unrolled.data import Sequences

UNKNOWN = ""
"""The symbol of code 0, for every token outside the vocabulary; no token is empty."""

Vocabulary = tuple[str, ...]
"""The tokens of training text, the most frequent first; token n has the code n + 1."""


def learn_vocabulary(train: Sequences) -> Vocabulary:
    """The tokens of training text, the most frequent first; equally frequent tokens are sorted."""
    symbols = train.symbols or ()
    counts = np.zeros(len(symbols), np.int64)
    for block in train.blocks():
        counts += np.bincount(block[:, 0], minlength=len(symbols))
    found = [(-int(counts[code]), symbol) for code, symbol in enumerate(symbols) if counts[code] and symbol != UNKNOWN]
    return tuple(symbol for _, symbol in sorted(found))


def known(tokens: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """The tokens of a text without whitespace outside the vocabulary."""
    return [token for token in tokens if not token.isspace() or token in vocabulary]


def encoded(sequences: Sequences, vocabulary: Vocabulary) -> Sequences:
    """Text in the codes of a vocabulary, without whitespace outside it; the values are copied."""
    symbols = (UNKNOWN, *vocabulary)
    own = sequences.symbols or ()
    if own == symbols:
        return sequences
    codes = {symbol: code for code, symbol in enumerate(symbols)}
    table = np.array([codes.get(symbol, -1 if symbol.isspace() else 0) for symbol in own], np.int32)
    recoded = replace(sequences, values=table[sequences.values], symbols=symbols)
    return recoded if (table >= 0).all() else _without_gaps(recoded)


def _without_gaps(sequences: Sequences) -> Sequences:
    """The sequences without steps of code −1."""
    kept = [np.flatnonzero(row[:, 0] >= 0) + start for row, start in zip(sequences, sequences.starts, strict=True)]
    lengths = np.array([len(steps) for steps in kept], np.int64)
    values = sequences.values[np.concatenate(kept)]
    return replace(sequences, values=values, starts=np.cumsum(lengths) - lengths, lengths=lengths)
