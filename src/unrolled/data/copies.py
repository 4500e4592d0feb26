"""Sequences of the same content within one set: a split keeps them on one side, and `inspect` counts them."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from unrolled.data.arrays import Integers
from unrolled.data.sequences import Sequences


def first_copies(sequences: Sequences) -> Integers:
    """The index of the first sequence with the same values and length, or the same text, for each sequence, [N]."""
    first: dict[bytes, int] = {}
    digests = (blake2b(np.ascontiguousarray(steps).data, digest_size=16).digest() for steps in sequences)
    return np.array([first.setdefault(digest, index) for index, digest in enumerate(digests)], np.int64)
