"""Labels in text: the order of their classes, and missing labels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request
from unrolled.data.numbers import parse_number
from unrolled.data.sequences import Integers, Sequences, as_text
from unrolled.errors import ReadError


def ordered(texts: list[str]) -> tuple[list[int], tuple[str, ...]]:
    """The class index of each label, and the classes in their order.

    Numbers are ordered by value, and written without a trailing ``.0`` if some are written with a point; other labels
    are ordered as text.
    """
    numbers = [number for text in texts if (number := parse_number(text)) is not None and math.isfinite(number)]
    if len(numbers) < len(texts):
        classes, names = sorted(set(texts)), texts
    else:
        names = [as_text(n) for n in numbers] if any(not text.lstrip("+-").isdecimal() for text in texts) else texts
        by_value = dict(zip(names, numbers, strict=True))
        classes = sorted(by_value, key=lambda name: (by_value[name], name))
    position = {name: index for index, name in enumerate(classes)}
    return [position[name] for name in names], tuple(classes)


def with_labels(sequences: Sequences, numbers: Integers, texts: list[str], request: Request, column: str) -> Sequences:
    """Sequences with their labels.

    Args:
        sequences: without labels.
        numbers: index in ``texts`` of each sequence's label, [N]; -1 for a missing label.
        texts: the different labels.
        request: says whether labels are needed.
        column: of the labels, for messages.
    Returns:
        The sequences; without labels if all are missing, or some are missing and none are needed.
    Raises:
        ReadError: if some labels are missing and labels are needed.
    """
    missing = numbers < 0
    if missing.all():
        request.note(f"column {column!r} is empty; the sequences have no labels")
        return sequences
    if missing.any():
        if request.labels_needed:
            raise _missing(sequences, missing, request, column)
        request.note(f"{int(missing.sum()):,} labels are missing in column {column!r}; no label is used")
        return sequences
    classes, names = ordered(texts)
    return replace(sequences, labels=np.array(classes, np.int64)[numbers], classes=names)


def _missing(sequences: Sequences, missing: npt.NDArray[np.bool_], request: Request, column: str) -> ReadError:
    first = int(np.argmax(missing))
    name = f" ({sequences.ids[first]})" if sequences.ids is not None else ""
    return ReadError(
        request.path,
        f"column {column!r} has no label for {int(missing.sum()):,} of {len(sequences):,} sequences, the first is "
        f"sequence {first}{name}, counted from 0. Label them all, or remove those.",
    )
