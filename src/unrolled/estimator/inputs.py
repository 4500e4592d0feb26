"""What a user hands to the classifier, as `Sequences`; and the weights of the cases.

A 2-D array is read as sequences of one channel, which is scikit-learn's own notion of a sample: a row of
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
from unrolled.data import Integers, Sequences, as_sequences, from_texts, guess_kind, token_kind
from unrolled.errors import DataError

Weights = npt.NDArray[np.float64]
ClassWeight = Mapping[Any, float] | Literal["balanced"] | None


def unwrapped(values: Any) -> Any:
    """A pandas Series of sequences as an array of them; anything else as it is."""
    return values.to_numpy() if hasattr(values, "to_numpy") and getattr(values, "ndim", 2) == 1 else values


def is_table(values: Any) -> bool:
    """Whether this is scikit-learn's own form, rows of numbers [N, T]: an array or a frame of two axes.

    What X is does not depend on the values in it, so a fold of a cross-validation is read as the whole is: a list
    holds one sequence an item, even where all happen to be of one length, and so does an array of such items.
    """
    if isinstance(values, Sequences | list | tuple):
        return False
    return not (isinstance(values, np.ndarray) and (values.ndim == 3 or _holds_sequences(values)))


def squared(values: Any) -> Any:
    """A list of rows of numbers of one length as the array that scikit-learn takes it for; anything else as it is.

    To fit, both are the same sequences; the array tells how many columns later arrays need.
    """
    rows = isinstance(values, list | tuple) and len(values) > 0 and all(isinstance(v, list | tuple) for v in values)
    flat = rows and len({len(row) for row in values}) == 1 and all(np.ndim(item) == 0 for item in values[0])
    return np.asarray(values) if flat else values


def kind_of_texts(values: Any, wish: TokenKind | None) -> TokenKind | None:
    """What a step of these texts is, by default as `guess_kind` says; None where they are numbers."""
    if isinstance(values, Sequences):
        return None if values.symbols is None else token_kind(values.symbols)
    texts = len(values) > 0 and isinstance(next(iter(values)), str)
    return (wish or guess_kind(values)) if texts else None


def to_sequences(values: Any, tokens: TokenKind | None) -> Sequences:
    """`Sequences` from anything but a table.

    Args:
        values: see `SequenceClassifier`.
        tokens: of texts, what a step is; None for numbers.
    Raises:
        DataError: for what is none.
    """
    if isinstance(values, Sequences):
        return values
    if tokens is not None:
        return from_texts(values, tokens)
    return as_sequences(list(values) if isinstance(values, np.ndarray) and values.ndim == 1 else values)


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


def _holds_sequences(values: npt.NDArray[Any]) -> bool:
    """Whether the items of an array are sequences or texts."""
    return values.ndim == 1 and len(values) > 0 and (isinstance(values[0], str) or np.ndim(values[0]) > 0)
