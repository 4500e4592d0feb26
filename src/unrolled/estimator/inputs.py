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
from unrolled.data import Integers, Sequences, as_sequences, as_text, from_texts, holds_text
from unrolled.errors import ConfigError, DataError
from unrolled.model import Probabilities

Weights = npt.NDArray[np.float64]
ClassWeight = Mapping[Any, float] | Literal["balanced"] | None


def is_table(values: Any) -> bool:
    """Whether X is a table [N, T], scikit-learn's own form: an array or a data frame with two axes.

    The answer depends on the type of X only, so a fold of a cross-validation is read like the whole: each item of a
    list is a sequence, even if all have the same length, and so is each item of an array of such items.

    Args:
        values: the result of `unrolled.data.unframed`.
    """
    return not isinstance(values, Sequences | list | tuple) and not (
        isinstance(values, np.ndarray) and values.ndim == 3
    )


def squared(values: Any) -> Any:
    """A list of rows of numbers of one length as an array, as scikit-learn does; anything else as it is.

    For `fit` both are the same sequences; the array determines the number of columns of later arrays.
    """
    rows = isinstance(values, list | tuple) and len(values) > 0 and all(isinstance(v, list | tuple) for v in values)
    flat = rows and len({len(row) for row in values}) == 1 and not holds_text(values[0])
    return np.asarray(values) if flat and all(np.ndim(item) == 0 for item in values[0]) else values


def to_sequences(values: Any, tokens: TokenKind | None) -> Sequences:
    """`Sequences` from anything but a table.

    Args:
        values: see `SequenceClassifier`.
        tokens: kind of tokens of texts; None to find out.
    Raises:
        DataError: for values that are not sequences.
        ConfigError: for a kind of tokens where there are no texts, or texts of the other kind.
    """
    texts = isinstance(values, list | tuple) and len(values) > 0 and holds_text(values[0])
    sequences = from_texts(values, tokens) if texts else as_sequences(values)
    if tokens is not None and sequences.text_kind != tokens:
        found = "numbers" if sequences.symbols is None else f"texts of {sequences.text_kind}"
        raise ConfigError(f"tokens = {tokens!r}, and the sequences are {found}; leave tokens out.")
    return sequences


def means_by_recording(probabilities: Probabilities, owners: Integers) -> Probabilities:
    """The mean over the windows of each recording, [N, C], from those of all windows in the order of the recordings."""
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    counts = np.diff(np.append(firsts, len(owners)))[:, None]
    means: Probabilities = (np.add.reduceat(probabilities, firsts, dtype=np.float64) / counts).astype(np.float32)
    return means


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

    As in scikit-learn, a dict may name classes that are not there, as in a fold, if it names all that are.
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
    if any(weight < 0 for weight in wish.values()):
        raise DataError(f"class_weight = {dict(wish)}; expected weights of 0 or more.")
    names = [as_text(label) for label in classes.tolist()]
    weighed = {as_text(label): float(weight) for label, weight in wish.items()}
    unknown = [label for label in wish if as_text(label) not in names]
    if unknown and not weighed.keys() >= set(names):  # a fold may lack a class, but not all classes have other names
        raise DataError(f"class_weight names the label {unknown[0]!r}; the classes are {classes.tolist()}.")
    return np.array([weighed.get(name, 1.0) for name in names])


def class_names(classes: npt.NDArray[Any]) -> tuple[str, ...]:
    """The classes as a model names them, in the given order."""
    return tuple(map(as_text, classes.tolist()))


def _digest(sequences: Sequences, index: int) -> bytes:
    """A hash of one sequence: its label, its group and its steps."""
    digest = hashlib.blake2b(digest_size=16)
    if sequences.groups is not None:
        digest.update(repr(sequences.groups[index]).encode(errors="surrogatepass"))
    digest.update(int(sequences.targets[index]).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(sequences[index]).view(np.uint8).data)
    # as text: NumPy removes zero bytes at the end of bytes
    return digest.hexdigest().encode()
