"""Labels of files: the order of their classes, and missing labels, which are never a class."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from unrolled.data.arrays import Integers, as_names
from unrolled.data.files import Request
from unrolled.data.labels import as_text, missing_labels
from unrolled.data.numbers import parse_number
from unrolled.data.sequences import Sequences
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
        texts: the different labels, of which some may spell a missing one.
        request: says whether labels are needed.
        column: of the labels, for messages.
    Returns:
        The sequences; without labels if some are missing and none are needed, or all are missing.
    Raises:
        ReadError: if some labels are missing and labels are needed.
    """
    known = ~missing_labels(as_names(texts))
    missing = ~np.append(known, False)[numbers]
    if not all_known(missing, request, f"column {column!r}", sequences):
        return sequences
    places = np.cumsum(known) - 1
    classes, names = ordered([text for text, there in zip(texts, known, strict=True) if there])
    return replace(sequences, labels=np.array(classes, np.int64)[places[numbers]], classes=names)


def with_step_labels(recordings: Sequences, numbers: Integers, texts: list[str]) -> Sequences:
    """Recordings with a label a step.

    Args:
        recordings: without labels, S steps in all.
        numbers: index in ``texts`` of each step's label, [S]; -1 for a missing label.
        texts: the different labels, of which some may spell a missing one.
    """
    known = ~missing_labels(as_names(texts))
    if not known.any():
        return recordings
    classes, names = ordered([text for text, there in zip(texts, known, strict=True) if there])
    of_text = np.full(len(texts) + 1, -1, np.int64)
    of_text[:-1][known] = classes
    return replace(recordings, step_labels=of_text[numbers], classes=names)


def joined_step_labels(parts: list[Sequences]) -> tuple[Integers | None, tuple[str, ...]]:
    """The label of each step of several recordings, one after the other, [S], and the classes of all.

    None where some of them have none.
    """
    if any(part.step_labels is None for part in parts):
        return None, ()
    _, classes = ordered(sorted({name for part in parts for name in part.classes}))
    found = []
    for part in parts:
        places = np.array([*(classes.index(name) for name in part.classes), -1], np.int64)
        found.append(places[part.step_labels])
    return np.concatenate(found), classes


def all_known(
    missing: npt.NDArray[np.bool_], request: Request, place: str = "the file", sequences: Sequences | None = None
) -> bool:
    """Whether the labels can be used: none is missing.

    Args:
        missing: whether each sequence's label is missing, [N].
        request: says whether labels are needed, and receives a note if some are missing.
        place: of the labels, for messages.
        sequences: with the ids for messages, if there are any.
    Raises:
        ReadError: if labels are needed and some are missing, but not all.
    """
    count = int(missing.sum())
    if not count:
        return True
    if count == len(missing):
        request.note(f"{place} is without labels")
    elif request.labels_needed:
        first = int(np.argmax(missing))
        name = f" ({sequences.ids[first]})" if sequences is not None and sequences.ids is not None else ""
        raise ReadError(
            request.path,
            f"{place} has no label for {count:,} of {len(missing):,} sequences, the first is sequence {first}{name}, "
            "counted from 0. Label them all, or remove those.",
        )
    else:
        request.note(f"{place} has no label for {count:,} of {len(missing):,} sequences; no label is used")
    return False
