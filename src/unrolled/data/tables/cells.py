"""Cells of text: what they hold, and lists of numbers that are written as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from unrolled.data.numbers import parse_number
from unrolled.errors import ReadError, quoted

NULLS = ("", "NA", "N/A", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "#N/A", "?")
"""Spellings of a missing number."""
_WRAPPED = re.compile(
    r"\s*(?:np\.)?(?:array|tensor|Series|list)?\s*\(?\s*([\[(].*[\])])(?:\s*,\s*dtype=[\w.]+)?\s*\)?\s*", re.DOTALL
)
_BETWEEN = re.compile(r"[\s,;|]+")
_CUT = ("...", "…")


def is_list_text(text: str) -> bool:
    """Whether a text is several numbers, or numbers between brackets: ``[0.1, 0.2]``, ``(1 2)``, ``1 2 3``."""
    parts, bracketed = _parts(text)
    if not parts or (len(parts) < 2 and not bracketed):
        return False
    return all(parse_number(part) is not None or part in NULLS or (bracketed and part in _CUT) for part in parts)


def parse_list(text: str) -> list[Any] | None:
    """The numbers of a list that is written as text, or the lists of numbers in it; None where it holds others."""
    match = _WRAPPED.fullmatch(text)
    inner = match[1] if match else ""
    if inner.startswith(("[[", "[(", "([", "((")) or re.match(r"[\[(]\s*[\[(]", inner):
        rows = [parse_list(row) for row in re.findall(r"[\[(][^\[\]()]*[\])]", inner[1:-1])]
        return None if any(row is None for row in rows) else rows
    parts, bracketed = _parts(text)
    if not parts and not bracketed:
        return None
    numbers = [None if part in NULLS else parse_number(part) for part in parts]
    return (
        None
        if any(number is None and part not in NULLS for number, part in zip(numbers, parts, strict=True))
        else numbers
    )


def lists_of(texts: Sequence[str | None], error: Callable[[int, str], ReadError], name: str) -> pa.Array:
    """A column of lists that are written as text.

    Args:
        texts: the cells.
        error: makes an error about a row.
        name: of the column, for messages.
    """
    lists = []
    for row, text in enumerate(texts):
        found = None if text is None else parse_list(text)
        if found is None and text is not None and text.strip():
            cut = any(mark in text for mark in _CUT)
            raise error(
                row,
                f"column {name!r} holds {quoted(text)}; expected a list of numbers, as in the rows before."
                + (
                    " It was cut when it was printed: write every number, as values.tolist() gives them." if cut else ""
                ),
            )
        lists.append(found)
    nested = any(isinstance(item, list) for found in lists for item in (found or [])[:1])
    kind = pa.list_(pa.float64())
    try:
        return pa.array(lists, pa.list_(kind) if nested else kind)
    except (pa.ArrowException, TypeError):
        raise error(0, f"column {name!r} holds lists of numbers and lists of lists; expected one of the two.") from None


def _parts(text: str) -> tuple[list[str], bool]:
    """The parts of a list, and whether brackets enclose them."""
    match = _WRAPPED.fullmatch(text)
    inner = re.sub(r"[\[\]()]", " ", match[1]) if match else text
    return [part for part in _BETWEEN.split(inner.strip()) if part], match is not None
