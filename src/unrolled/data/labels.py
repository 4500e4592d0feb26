"""Labels of any type as indices of classes, and missing labels, which are never a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.data.arrays import Integers
from unrolled.errors import DataError

if TYPE_CHECKING:
    from unrolled.data.sequences import Sequences

NO_LABEL = {"", "?", "NaN", "nan", "NAN", "-nan", "NaT", "<NA>", "#N/A"}
"""Spellings of a missing label, which is never a class."""


def encode_labels(
    labels: Sequence[object] | npt.NDArray[np.generic], classes: Sequence[str] | None = None
) -> tuple[Integers, tuple[str, ...]]:
    """Class indices and class names from labels of any type.

    Numbers are ordered by value and written without a trailing ``.0``; all other labels are ordered as text.

    Raises:
        DataError: for a missing label, labels of types without a common order, and a label that is not in the given
            ``classes``.
    """
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"labels have the shape {array.shape}; expected one label a sequence, [N].")
    missing = missing_labels(array)
    if missing.any():
        first = int(missing.argmax())
        raise DataError(
            f"label {first} is missing ({array.tolist()[first]!r}), {int(missing.sum()):,} in all; expected a class "
            "for each sequence. Leave out those without one."
        )
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise DataError(f"label {int(np.flatnonzero(~np.isfinite(array))[0])} is not finite; expected a class.")
    try:
        found, inverse = np.unique(array, return_inverse=True)
    except TypeError:
        types = ", ".join(sorted({type(value).__name__ for value in array}))
        raise DataError(f"the labels are of different types ({types}); expected all numbers or all texts.") from None
    names = [as_text(value) for value in found]
    if classes is None:
        return inverse.astype(np.int64), tuple(names)
    position = {name: index for index, name in enumerate(classes)}
    unknown = [name for name in names if name not in position]
    if unknown:
        raise DataError(f"label {unknown[0]!r} is not one of the classes: {', '.join(classes)}.")
    return np.array([position[name] for name in names], np.int64)[inverse], tuple(classes)


def encode_step_labels(labels: npt.NDArray[np.object_]) -> tuple[Integers, tuple[str, ...]]:
    """Class indices of steps, [S], −1 for a missing label, and class names; see `encode_labels`."""
    known = ~missing_labels(labels)
    indices, classes = encode_labels(np.array(labels[known].tolist()))
    of_steps = np.full(len(labels), -1, np.int64)
    of_steps[known] = indices
    return of_steps, classes


def label_indices(sequences: Sequences, classes: tuple[str, ...]) -> Integers:
    """The labels as indices of other classes, by name, [N]; −1 for a class that is not one of these."""
    places = {name: index for index, name in enumerate(classes)}
    table: Integers = np.array([places.get(name, -1) for name in sequences.classes], np.int64)
    return table[sequences.targets]


def missing_labels(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each label is missing, [N]: NaN, None, an empty text or one of `NO_LABEL`."""
    if labels.dtype.kind in "biu":
        return np.zeros(len(labels), bool)
    if labels.dtype.kind in "fc":
        nan: npt.NDArray[np.bool_] = np.isnan(labels)
        return nan
    return np.array([value is None or str(value).strip() in NO_LABEL for value in labels.tolist()], bool)


def as_text(value: object) -> str:
    """A label or name of any type as text; whole numbers without a trailing ``.0``."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
