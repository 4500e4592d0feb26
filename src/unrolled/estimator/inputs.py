"""The conversion of X and y into `Sequences`, and the weights of the sequences.

Each row of a 2-D array is a sequence of one channel, since scikit-learn's classifiers take a row of numbers for each
label. Everything else has its channels last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unrolled.config import TokenKind
from unrolled.data import Integers, Sequences, as_sequences, from_texts, guess_kind
from unrolled.errors import DataError

Weights = npt.NDArray[np.float64]
ClassWeight = Mapping[Any, float] | Literal["balanced"] | None


def unwrapped(values: Any) -> Any:
    """A pandas Series of sequences as an array of them; anything else as it is."""
    return values.to_numpy() if hasattr(values, "to_numpy") and getattr(values, "ndim", 2) == 1 else values


def is_table(values: Any) -> bool:
    """Whether X is a table [N, T], scikit-learn's own form: an array or a data frame with two axes.

    The answer depends on the type of X only, so a fold of a cross-validation is read like the whole: each item of a
    list is a sequence, even if all have the same length, and so is each item of an array of such items.
    """
    if isinstance(values, Sequences | list | tuple):
        return False
    return not (isinstance(values, np.ndarray) and (values.ndim == 3 or _holds_sequences(values)))


def squared(values: Any) -> Any:
    """A list of rows of numbers of one length as an array, as scikit-learn does; anything else as it is.

    For `fit` both are the same sequences; the array determines the number of columns of later arrays.
    """
    rows = isinstance(values, list | tuple) and len(values) > 0 and all(isinstance(v, list | tuple) for v in values)
    flat = rows and len({len(row) for row in values}) == 1 and all(np.ndim(item) == 0 for item in values[0])
    return np.asarray(values) if flat else values


def kind_of_texts(values: Any, wish: TokenKind | None) -> TokenKind | None:
    """The kind of tokens of texts, by default that of `guess_kind`; None for numbers."""
    if isinstance(values, Sequences):
        return values.text_kind
    texts = len(values) > 0 and isinstance(next(iter(values)), str)
    return (wish or guess_kind(values)) if texts else None


def to_sequences(values: Any, tokens: TokenKind | None) -> Sequences:
    """`Sequences` from anything but a table.

    Args:
        values: see `SequenceClassifier`.
        tokens: kind of tokens of texts; None for numbers.
    Raises:
        DataError: for values that are not sequences.
    """
    if isinstance(values, Sequences):
        return values
    if tokens is not None:
        return from_texts(values, tokens)
    return as_sequences(list(values) if isinstance(values, np.ndarray) and values.ndim == 1 else values)


def distinct(sequences: Sequences, weights: Weights) -> tuple[Sequences, Weights]:
    """The distinct sequences with the sums of their weights, in an order that depends on their content only.

    A training on these does not depend on the order of the given sequences. A sequence with weight 2 and the same
    sequence given twice have the same results, bit for bit, and a sequence with weight 0 has no effect.

    Args:
        sequences: labelled.
        weights: [N], all ≥ 0.
    Raises:
        DataError: if all weights are 0.
    """
    present = np.flatnonzero(weights)
    if not present.size:
        raise DataError("the weights of all sequences are zero; at least one must be positive.")
    digests = np.array([_digest(sequences, index) for index in present.tolist()])
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    sums: Weights = np.bincount(inverse, weights[present]).astype(np.float64)
    return sequences.take(present[first]), sums


def class_factors(wish: ClassWeight, classes: npt.NDArray[Any], targets: Integers, weights: Weights) -> Weights:
    """The factor for the weights of each class's sequences, [C].

    ``balanced`` gives a class W / (C · W_c), where W is the weight of all sequences and W_c that of the class:
    scikit-learn's rule, with weights in place of counts.

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
    labels = classes.tolist()
    unknown = [label for label in wish if label not in labels]
    if unknown:
        raise DataError(f"class_weight names the label {unknown[0]!r}; the classes are {labels}.")
    if any(weight < 0 for weight in wish.values()):
        raise DataError(f"class_weight = {dict(wish)}; expected weights of 0 or more.")
    return np.array([float(wish.get(label, 1)) for label in labels])


def _digest(sequences: Sequences, index: int) -> bytes:
    """A hash of one sequence: its label and its steps."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(int(sequences.targets[index]).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(sequences[index]).view(np.uint8).data)
    # as text: NumPy removes zero bytes at the end of bytes
    return digest.hexdigest().encode()


def _holds_sequences(values: npt.NDArray[Any]) -> bool:
    """Whether the items of an array are sequences or texts."""
    return values.ndim == 1 and len(values) > 0 and (isinstance(values[0], str) or np.ndim(values[0]) > 0)
