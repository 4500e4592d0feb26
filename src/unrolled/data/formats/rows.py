"""Lines split into rows of cells, and what the cells look like."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from unrolled.data.moments import is_moment
from unrolled.data.numbers import notations
from unrolled.data.tables import NULLS, is_list_text

SPACES = " "
"""As a delimiter: runs of spaces and tabs."""
DELIMITERS = {"\t": "a tab", ";": "a semicolon", ",": "a comma", "|": "a bar", SPACES: "spaces"}
"""What separates cells, and the words for it."""

Cells = list[str]


def split(lines: Sequence[str], delimiter: str, quoted: bool = True) -> list[Cells]:
    """The cells of lines."""
    if delimiter == SPACES:
        lines, delimiter = tabbed("\n".join(lines).encode()).decode().split("\n"), "\t"
    rows: list[Cells] = []
    with suppress(csv.Error):  # the reader of the whole file says where
        rows.extend(csv.reader([f"{line}\n" for line in lines], delimiter=delimiter, quoting=quoting(quoted)))
    return list(filter(None, rows))


def quoting(quoted: bool) -> Literal[0, 3]:
    """How Python's `csv` treats quotation marks."""
    return csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE


def tabbed(text: bytes) -> bytes:
    """Lines whose cells are separated by runs of spaces, with a tab in the place of each run."""
    text = re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", text)
    if b'"' not in text:
        return re.sub(rb"[ \t]+", b"\t", text)
    return re.sub(rb'("[^"\r\n]*")|[ \t]+', lambda match: match[1] or b"\t", text)


def shares_of_numbers(rows: Sequence[Cells]) -> list[float]:
    """The share of numbers, times and lists of numbers in each column of rows of one width."""
    return [sum(map(is_value, column)) / max(len(column), 1) for column in zip(*rows, strict=True)]


def is_value(cell: str) -> bool:
    """Whether a cell holds a number, a time or a list of numbers, or is empty."""
    return is_single_value(cell) or is_list_text(cell.strip())


def is_single_value(cell: str) -> bool:
    """Whether a cell holds a number or a time, or is empty."""
    cell = cell.strip()
    return bool(notations(cell)) or cell in NULLS or is_moment(cell)


def modal_width(rows: Sequence[Cells]) -> int:
    """The number of cells that most rows of the second half have."""
    tail = rows[len(rows) // 2 :] if len(rows) > 2 else rows
    widths = Counter(map(len, tail))
    return max(widths, key=lambda width: (widths[width], width), default=0)


def lines_before(rows: Sequence[Cells], width: int) -> int:
    """The rows in front that are too short to be the table's: its title and the like."""
    front = next((index for index, row in enumerate(rows) if len(row) >= width - 1), 0)
    return front if width > 2 and front < len(rows) / 2 else 0
