"""A hash of what a network reads of sequences."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from unrolled.data.sequences import Sequences


def fingerprint_of(sequences: Sequences) -> str:
    """See `Sequences.fingerprint`."""
    digest = hashlib.sha256(repr((sequences.classes, len(sequences.channels), sequences.scale)).encode())
    if sequences.symbols is not None:
        digest.update(repr(sequences.symbols).encode(errors="surrogatepass"))
    for column in (sequences.offsets, sequences.lengths, sequences.labels):
        if column is not None:
            digest.update(column.tobytes())
    for block in sequences.blocks():
        digest.update(np.ascontiguousarray(block).view(np.uint8).data)
    return digest.hexdigest()
