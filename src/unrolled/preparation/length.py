"""The steps of long sequences that are read: their first or last ones, and a window for late prefixes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrolled.config import KeptSteps
from unrolled.data import Sequences


def truncated(sequences: Sequences, max_length: int | None, keep: KeptSteps) -> Sequences:
    """The sequences, of which longer ones keep their first or last ``max_length`` steps; they share the values."""
    if max_length is None or not (sequences.lengths > max_length).any():
        return sequences
    lengths = np.minimum(sequences.lengths, max_length)
    starts = sequences.starts if keep == "first" else sequences.starts + sequences.lengths - lengths
    return replace(sequences, starts=starts, lengths=lengths)


def late_windows(sequences: Sequences, max_length: int) -> Sequences:
    """The last ``max_length`` steps of every longer prefix, by sequence and then by prefix; they share the values.

    A sequence of T steps has T − ``max_length`` such prefixes, or none.
    """
    counts = np.maximum(sequences.lengths - max_length, 0)
    passed = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + 1  # steps before the window
    starts = np.repeat(sequences.starts, counts) + passed
    lengths = np.full(len(starts), max_length, np.int64)
    return replace(sequences, starts=starts, lengths=lengths, labels=None, ids=None, groups=None, times=None, cut=None)
