"""Rows of unequal length: a sequence a row, as a list of numbers, with its label in front or at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unrolled.data.numbers import Notation, notations
from unrolled.data.tables import MOST_CLASSES_SHARE, NULLS

Side = Literal["first", "last", "none"]
"""The place of a row's label."""


@dataclass(frozen=True)
class Ragged:
    """How rows of unequal length are written.

    Attributes:
        delimiter: separates the cells.
        side: the place of the label.
        shortest, longest: cells of the rows that were looked at.
    """

    delimiter: str
    side: Side
    shortest: int
    longest: int


def ragged(rows: Sequence[Sequence[str]], delimiter: str, *, labelled: bool = True) -> Ragged | None:
    """What rows of cells show; None if they have one length, or hold other things than numbers and a label.

    Args:
        rows: split by the delimiter.
        delimiter: what split them.
        labelled: whether a number may be a label.
    """
    cells = [list(map(str.strip, _without_empty(row))) for row in rows]
    sizes = Counter(map(len, cells))
    if len(sizes) < 2 or max(sizes) < 3 or min(sizes) < 1:
        return None
    side = _side(cells, labelled)
    inner = [cell for row in cells for cell in values_of(row, side)]
    if not inner or not all(cell in NULLS or notations(cell) for cell in inner):
        return None
    return Ragged(delimiter, side, min(sizes), max(sizes))


def as_list(row: Sequence[str], side: Side, numbers: Notation) -> str:
    """A row as its label, a tab, and its numbers between brackets; without the former if there is no label."""
    row = list(map(str.strip, _without_empty(row)))
    values = " ".join(_plain(cell, numbers) for cell in values_of(row, side))
    label = {"first": row[:1], "last": row[-1:], "none": []}[side]
    return "\t".join([*label, f"[{values}]"])


def values_of(row: Sequence[str], side: Side) -> Sequence[str]:
    """The cells of a row that are no label."""
    return row[1:] if side == "first" else row[:-1] if side == "last" else row


def _plain(cell: str, numbers: Notation) -> str:
    return "NaN" if cell in NULLS else numbers.plain(cell) or cell.replace(" ", "_")  # which is no number


def _side(rows: Sequence[Sequence[str]], labelled: bool) -> Side:
    firsts, lasts = [row[0] for row in rows], [row[-1] for row in rows]
    if not any(map(notations, firsts)):
        return "first"
    if not any(map(notations, lasts)):
        return "last"
    whole = all(cell.lstrip("+-").isdecimal() for cell in firsts)
    few = len(set(firsts)) <= MOST_CLASSES_SHARE * len(firsts)
    broken = any("." in cell or "," in cell for row in rows for cell in row[1:])
    return "first" if labelled and whole and (few or broken) else "none"


def _without_empty(row: Sequence[str]) -> Sequence[str]:
    """A row without empty cells at its end."""
    size = next((index for index in range(len(row), 0, -1) if row[index - 1].strip()), 0)
    return row[:size]
