"""What becomes of sequences between where they are read and where they are batched, in training and ever after.

Long ones are cut, without a copy; the characters or words of text become codes of the vocabulary that the
training data taught. What becomes of values is the network's own affair (`unrolled.preparation.scaling`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrolled.config import DataConfig, KeptSteps
from unrolled.data import Dataset, Sequences

UNKNOWN = ""
"""Stands at code 0 for every token that is not in the vocabulary; no token is empty."""


@dataclass(frozen=True)
class Intake:
    """The steps between reading and batching; see `learn_intake`.

    Attributes:
        max_length: steps that are kept of a longer sequence; None for all.
        keep_steps: which ones.
        vocabulary: of text, the tokens of the training data, the most frequent first; token n has the
            code n + 1. None for numbers.
    """

    max_length: int | None = None
    keep_steps: KeptSteps = "first"
    vocabulary: tuple[str, ...] | None = None

    def __call__(self, sequences: Sequences) -> Sequences:
        """The sequences as they are batched. Doing it twice changes nothing."""
        cut = truncated(sequences, self.max_length, self.keep_steps)
        return cut if self.vocabulary is None else encoded(cut, self.vocabulary)

    def dataset(self, dataset: Dataset) -> Dataset:
        """All parts of a data set as they are batched."""
        return replace(
            dataset,
            train=self(dataset.train),
            validation=None if dataset.validation is None else self(dataset.validation),
            test=None if dataset.test is None else self(dataset.test),
        )


def learn_intake(train: Sequences, config: DataConfig) -> Intake:
    """What the data section asks for, with the vocabulary of the training sequences, and of nothing else."""
    bare = Intake(config.max_length, config.keep_steps)
    return bare if train.symbols is None else replace(bare, vocabulary=learn_vocabulary(bare(train)))


def truncated(sequences: Sequences, max_length: int | None, keep: KeptSteps) -> Sequences:
    """The first or the last ``max_length`` steps of longer sequences, sharing the values."""
    if max_length is None or not (sequences.lengths > max_length).any():
        return sequences
    lengths = np.minimum(sequences.lengths, max_length)
    starts = sequences.starts if keep == "first" else sequences.starts + sequences.lengths - lengths
    return replace(sequences, starts=starts, lengths=lengths)


def late_windows(sequences: Sequences, max_length: int) -> Sequences:
    """The last ``max_length`` steps of every prefix that is longer, by sequence and then by prefix, sharing the values.

    A sequence of T steps gives T − ``max_length`` of them, or none.
    """
    counts = np.maximum(sequences.lengths - max_length, 0)
    passed = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + 1  # steps before the window
    starts = np.repeat(sequences.starts, counts) + passed
    lengths = np.full(len(starts), max_length, np.int64)
    return replace(sequences, starts=starts, lengths=lengths, labels=None, ids=None, groups=None, times=None)


def learn_vocabulary(train: Sequences) -> tuple[str, ...]:
    """The tokens of training text, the most frequent first, equally frequent ones in sorted order."""
    symbols = train.symbols or ()
    counts = np.zeros(len(symbols), np.int64)
    for first, last in train.stretches():
        counts += np.bincount(train.values[first:last, 0], minlength=len(symbols))
    found = [(-int(counts[code]), symbol) for code, symbol in enumerate(symbols) if counts[code] and symbol != UNKNOWN]
    return tuple(symbol for _, symbol in sorted(found))


def encoded(sequences: Sequences, vocabulary: tuple[str, ...]) -> Sequences:
    """Text in the codes of a vocabulary, 0 for what is not in it; the values are copied."""
    symbols = (UNKNOWN, *vocabulary)
    if sequences.symbols == symbols:
        return sequences
    codes = {symbol: code for code, symbol in enumerate(symbols)}
    table = np.array([codes.get(symbol, 0) for symbol in sequences.symbols or ()], np.int32)
    return replace(sequences, values=table[sequences.values], symbols=symbols)
