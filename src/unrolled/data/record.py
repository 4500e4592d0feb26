"""The content of a data set's training, validation and test sequences: a hash and the label of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from unrolled.data.arrays import Values
from unrolled.data.labels import label_indices
from unrolled.data.sequences import BLOCK_STEPS, Sequences

Hashes = npt.NDArray[np.uint64]

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class PartRecord:
    """The sequences of one part.

    Attributes:
        hashes: of their contents, sorted, [N]; see `content_hashes`.
        labels: indices of their classes in the training data's order, [N].
    """

    hashes: Hashes
    labels: npt.NDArray[np.unsignedinteger]

    @classmethod
    def of(cls, part: Sequences | None, classes: tuple[str, ...]) -> PartRecord:
        """The record of labelled sequences whose labels are all in ``classes``; None is an empty part."""
        dtype = np.min_scalar_type(max(len(classes) - 1, 0))
        if part is None:
            return cls(np.empty(0, np.uint64), np.empty(0, dtype))
        hashes, labels = content_hashes(part), label_indices(part, classes)
        order = np.lexsort((labels, hashes))
        return cls(hashes[order], labels[order].astype(dtype))


@dataclass(frozen=True)
class DatasetRecord:
    """The sequences of each part of a data set, in 9 bytes a sequence for up to 256 classes."""

    train: PartRecord
    validation: PartRecord
    test: PartRecord

    def __repr__(self) -> str:
        """The number of sequences of each part."""
        return f"DatasetRecord({', '.join(f'{name}: {len(getattr(self, name).hashes):,}' for name in PARTS)})"

    @property
    def learned(self) -> Hashes:
        """The hashes of the training and the validation sequences."""
        return np.concatenate([self.train.hashes, self.validation.hashes])

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> DatasetRecord:
        """The record from the arrays that `arrays` returned.

        Raises:
            KeyError: if an array is missing.
        """
        return cls(*(PartRecord(arrays[f"{name}/hashes"], arrays[f"{name}/labels"]) for name in PARTS))  # type: ignore[arg-type]

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """The record as arrays, by name."""
        return {
            f"{name}/{field}": getattr(getattr(self, name), field) for name in PARTS for field in ("hashes", "labels")
        }


def content_hashes(sequences: Sequences) -> Hashes:
    """A 64-bit hash of each sequence's values in the real unit and of its shape, or of its tokens, [N].

    It does not depend on the file, the order of the sequences, the other sequences or the label. A million different
    sequences have two equal hashes with a probability of 1 in 37 million.
    """
    tokens = None
    if sequences.symbols is not None:
        tokens = np.array([_hash(symbol.encode(errors="surrogatepass")) for symbol in sequences.symbols], np.uint64)
    width = b"%d" % len(sequences.channels)
    ends = np.cumsum(sequences.lengths)
    digests, first = [], 0
    while first < len(sequences):  # many short sequences together, or one long sequence in pieces
        done = ends[first] - sequences.lengths[first]
        last = max(int(np.searchsorted(ends, done + BLOCK_STEPS, "right")), first + 1)
        some = sequences.take(slice(first, last))
        digests += [_hash_of_one(some, tokens, width)] if last == first + 1 else _hashes_of_many(some, tokens, width)
        first = last
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def _hashes_of_many(sequences: Sequences, tokens: Hashes | None, width: bytes) -> list[bytes]:
    """The hash of each of many short sequences."""
    ends = np.cumsum(sequences.lengths)
    places = np.arange(ends[-1]) + np.repeat(sequences.starts - (ends - sequences.lengths), sequences.lengths)
    content = _content(sequences, sequences.values[places], tokens).cast("B")
    edges = [0, *(ends * (len(content) // int(ends[-1]))).tolist()]
    return [blake2b(content[low:high], digest_size=8, person=width).digest() for low, high in pairwise(edges)]


def _hash_of_one(sequences: Sequences, tokens: Hashes | None, width: bytes) -> bytes:
    """The hash of one sequence, in bounded memory."""
    digest = blake2b(digest_size=8, person=width)
    for block in sequences.blocks():
        digest.update(_content(sequences, block, tokens))
    return digest.digest()


def _content(sequences: Sequences, steps: Values, tokens: Hashes | None) -> memoryview:
    """The bytes to hash: values in the real unit, with one zero and one NaN; for text, the tokens' hashes."""
    if tokens is not None:
        return tokens[steps[:, 0]].data
    values = steps.astype("<f4", order="C")
    values *= np.float32(sequences.scale)
    if sequences.offsets is not None:
        values = (values + sequences.offsets).astype("<f8")
    values += np.float32(0)
    if steps.dtype.kind == "f" and (missing := np.isnan(values)).any():
        values[missing] = np.nan
    return values.data


def _hash(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")
