"""What a user hands to the classifier, as `Sequences`; and the weights of the cases.

A 2-D array is read as sequences of one channel, which is scikit-learn's own notion of a case: a row of
numbers. Everything else has its channels last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unrolled.config import TokenKind
from unrolled.data import Integers, Sequences, as_sequences, from_texts
from unrolled.errors import DataError

Weights = npt.NDArray[np.float64]
ClassWeight = Mapping[Any, float] | Literal["balanced"] | None


def unwrapped(values: Any) -> Any:
    """A pandas Series of sequences as an array of them; anything else as it is."""
    return values.to_numpy() if hasattr(values, "to_numpy") and getattr(values, "ndim", 2) == 1 else values


def is_table(values: Any) -> bool:
    """Whether this is scikit-learn's own form: rows of numbers, [N, T], or something that becomes them.

    A list of arrays is none, nor an array of them: those are sequences with lengths of their own, even
    where a fold of a cross-validation happens to hold equal ones.
    """
    if isinstance(values, Sequences):
        return False
    if isinstance(values, np.ndarray):
        return values.ndim != 3 and not _is_list_of_sequences(values)
    return not (isinstance(values, list | tuple) and _is_list_of_sequences(values))


def to_sequences(values: Any, tokens: TokenKind | None = None) -> Sequences:
    """`Sequences` from anything but a table.

    Args:
        values: see `SequenceClassifier`.
        tokens: of texts, what a step is; by default words where there is a space in any text.
    Raises:
        DataError: for what is none.
    """
    if are_texts(values):
        return from_texts(values, tokens or ("words" if any(" " in text.strip() for text in values) else "characters"))
    if isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1:
        values = list(values)
    return as_sequences(values)


def are_texts(values: Any) -> bool:
    """Whether all items are texts."""
    items = isinstance(values, list | tuple) or (isinstance(values, np.ndarray) and values.ndim == 1)
    return items and len(values) > 0 and all(isinstance(item, str) for item in values)


def with_targets(sequences: Sequences, targets: Integers, classes: tuple[str, ...]) -> Sequences:
    """The sequences with these labels in the place of their own."""
    return replace(sequences, labels=targets, classes=classes)


def distinct_cases(sequences: Sequences, weights: Weights) -> tuple[Sequences, Weights]:
    """The cases that differ, each once, with the sum of their weights, in an order that is their content's.

    A training on these cannot depend on the order in which cases were given; a case of weight 2 and the
    same case twice are the same thing to it, to the last bit, and a case of weight 0 is absent.

    Args:
        sequences: labelled.
        weights: [N], none below 0.
    Raises:
        DataError: where no case has a weight.
    """
    present = np.flatnonzero(weights)
    if not present.size:
        raise DataError("the weights of all sequences are zero; at least one must count.")
    digests = np.array([_digest(sequences, index) for index in present.tolist()])
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    sums: Weights = np.bincount(inverse, weights[present]).astype(np.float64)
    return sequences.take(present[first]), sums


def class_factors(wish: ClassWeight, classes: npt.NDArray[Any], targets: Integers, weights: Weights) -> Weights:
    """The factor that each class's cases are weighed by, [C].

    ``balanced`` gives a class W / (C · W_c), where W is the weight of all cases and W_c that of its own:
    scikit-learn's rule, with weights in the place of counts.

    Raises:
        DataError: for a label that is no class, a weight below 0, or another word than ``balanced``.
    """
    if wish is None:
        return np.ones(len(classes))
    if isinstance(wish, str):
        if wish != "balanced":
            raise DataError(f"class_weight = {wish!r}; expected 'balanced', a dict by label, or None.")
        sums = np.bincount(targets, weights, len(classes))
        balanced: Weights = sums.sum() / (len(classes) * sums)
        return balanced
    position = {label: index for index, label in enumerate(classes.tolist())}
    unknown = [label for label in wish if label not in position]
    if unknown:
        raise DataError(f"class_weight names the label {unknown[0]!r}; the classes are {classes.tolist()}.")
    if any(weight < 0 for weight in wish.values()):
        raise DataError(f"class_weight = {dict(wish)}; expected weights of 0 or more.")
    factors = np.ones(len(classes))
    for label, weight in wish.items():
        factors[position[label]] = weight
    return factors


def _digest(sequences: Sequences, index: int) -> bytes:
    """16 bytes that stand for one case: its label and its steps."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(int(sequences.targets[index]).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(sequences[index]).view(np.uint8).data)
    # as text: NumPy takes a byte of zero at the end of bytes for their end
    return digest.hexdigest().encode()


def _is_list_of_sequences(values: Any) -> bool:
    """Whether the items are arrays, or texts, or lists of steps."""
    if len(values) == 0:
        return False
    if isinstance(values, np.ndarray):
        if values.ndim != 1 or values.dtype.kind not in "OUS":
            return False
        return not np.isscalar(values[0]) or isinstance(values[0], str)
    first = values[0]
    if isinstance(first, np.ndarray):
        return first.ndim >= 1
    if isinstance(first, str):
        return True
    ragged = len({len(item) for item in values if isinstance(item, list | tuple)}) > 1
    nested = isinstance(first, list | tuple) and len(first) > 0 and isinstance(first[0], list | tuple | np.ndarray)
    return ragged or nested
