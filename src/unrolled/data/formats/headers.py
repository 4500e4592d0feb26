"""What names the columns of a text table: its first row, or a comment; and the row of units below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from unrolled.data.files import Request
from unrolled.data.formats.dialect import Dialect
from unrolled.data.formats.rows import SPACES, Cells, is_value, shares_of_numbers, split
from unrolled.data.moments import is_moment
from unrolled.data.numbers import notations
from unrolled.data.tables import NULLS, is_list_text, is_well_known
from unrolled.errors import shortened

_BEFORE_NAMES = re.compile(r"(?:the )?(?:columns?|fields?|names?|variables?|header|format)\b\s*[:=]?\s*", re.IGNORECASE)
_UNIT = re.compile(
    r"\[.*\]|\(.*\)|-|:?-{2,}:?|%|[munkµ]?(?:s|sec|g|m|V|A|Pa|Hz|T|N|W|l|L)|ms-?[12]|min|h|cm|bar|counts?|units?|bpm|dB|Nm|K|F|"
    r"a\.?u\.?|°\w*(?:/s)?|(?:rad|deg|m|km)(?:/s.{0,2}|/h)?|(?:degrees?|seconds?|meters?|volts?)(?: C)?",
)
_ALIKE, _LONG_NAME = 3, 16
"""Different texts that show what a column's look like, and letters beyond which a text is hardly a name."""
_NEARLY_ALL = 0.9
"""Share of numbers that shows a column of numbers."""


def with_names(dialect: Dialect, rows: list[Cells], width: int, comments: list[str], request: Request) -> Dialect:
    """The dialect with what names the columns."""
    first = [cell.strip() for cell in rows[0]]
    names = _names_of_comment(comments, dialect, width) if request.config.header is None else None
    numbered = any(dialect.numbers.parse(cell) is not None for cell in first)
    header = not (names and numbered) and _is_header(request, rows, dialect)
    if header and len(rows) > 1 and len(first) == width - 1 and len(rows[1]) == width:
        names = ("", *first)
        request.note(f"the header names {width - 1} of {width} columns; the first column has no name")
    elif header:
        names = None
    elif names:
        request.note(f"a comment in front names the columns: {shortened(', '.join(names), 60)}")
    if dialect.blocks:
        header = header and not dialect.labelled
        names = _with_blocks(names or (first if header else map(str, range(width))), dialect)
    units = header and len(rows) > 2 and _is_units(rows[1], rows[2:])
    if units:
        request.note(
            f"the row below the names holds units ({shortened(', '.join(filter(None, rows[1])))}); it is skipped"
        )
    return replace(dialect, header=header, names=names, units=units)


def _with_blocks(names: Iterable[str], dialect: Dialect) -> tuple[str, ...]:
    """The names of columns, behind those of the columns that tell blocks apart."""
    front = ("block", *(["label"] if dialect.labelled else []))
    return (*front, *(name or f"column {index}" for index, name in enumerate(names)))


def _names_of_comment(comments: list[str], dialect: Dialect, width: int) -> tuple[str, ...] | None:
    """The names in the last comment that has one for each column."""
    for comment in reversed(comments):
        for text in dict.fromkeys((_BEFORE_NAMES.sub("", comment, count=1), comment)):
            for delimiter in dict.fromkeys((dialect.delimiter, SPACES, ",", "\t")):
                cells = [cell.strip() for row in split([text], delimiter) for cell in row]
                distinct = len(cells) == width == len(set(cells))
                if distinct and width > 1 and not any(notations(cell) for cell in cells):
                    return tuple(cells)
    return None


def _is_units(row: Cells, below: Sequence[Cells]) -> bool:
    """Whether a row holds units: every column of numbers has a unit, or nothing, in it."""
    full = [each for each in below if len(each) == len(row)]
    columns = [index for index, share in enumerate(shares_of_numbers(full)) if share > 0.5] if full else []
    cells = [row[index].strip() for index in columns]
    return any(cells) and all(not cell or (_UNIT.fullmatch(cell) and not is_value(cell)) for cell in cells)


def _is_header(request: Request, rows: Sequence[Cells], dialect: Dialect) -> bool:
    """Whether the first row names the columns: it has a name that the options use, or few numbers.

    Options that name columns by their numbers speak of a table without names. A doubtful row is read as in an earlier
    file.
    """
    config, first = request.config, [cell.strip() for cell in rows[0]]
    if config.header is not None:
        return config.header
    numbers = [cell for cell in first if cell in NULLS or dialect.numbers.parse(cell) is not None]
    named = {config.id, config.time, config.label, config.group, config.text} - {None, "-"}
    wanted = {part for name in named if name is not None for part in (name, *name.split(","))}
    values = len(numbers) == len(first) or any(not cell.isdecimal() for cell in numbers)
    if wanted & set(first) and not (values and all(name.replace(",", "").isdecimal() for name in wanted)):
        return True
    if any(is_moment(cell) or is_list_text(cell) for cell in first):
        return False
    if len(numbers) < max(len(first) - 1, 1):
        return any(map(is_well_known, first)) or not (_stands_below(rows) or any("." in cell for cell in numbers))
    if len(numbers) == len(first):
        return False
    if "header" in request.like:
        return bool(request.like["header"])
    return _is_name_beside_numbers(first, numbers, rows)


def _is_name_beside_numbers(first: Cells, numbers: Cells, rows: Sequence[Cells]) -> bool:
    """Whether a row is one name beside numbers that count up, as pandas writes it: ``label,0,1,2``."""
    whole = [int(cell) for cell in numbers if cell.isdecimal()]
    if whole not in (list(range(len(numbers))), list(range(1, len(numbers) + 1))):
        return False
    position = next(index for index, cell in enumerate(first) if cell not in numbers)
    return first[position] not in {row[position].strip() for row in rows[1:] if position < len(row)}


def _stands_below(rows: Sequence[Cells]) -> bool:
    """Whether rows hold no numbers, and a text of the first row stands in its column again, or looks like all of it."""
    below = [row for row in rows[1:] if len(row) == len(rows[0])]
    if not below or any(share > _NEARLY_ALL for share in shares_of_numbers(below)):
        return False
    columns = zip(rows[0], zip(*below, strict=True), strict=True)
    return any(_is_one_of(name.strip(), {cell.strip() for cell in column}) for name, column in columns if name.strip())


def _is_one_of(name: str, column: set[str]) -> bool:
    """Whether a text is a class of a column, or looks like all: ``S0`` above ``S1``, the same letters and length."""
    if name in column or len(column) < _ALIKE:
        return name in column
    numbered = {re.sub(r"\d+", "0", text) for text in (name, *column)}
    long = len(name) > _LONG_NAME and {len(name)} == set(map(len, column)) and set(name) <= set("".join(column))
    return long or (len(numbered) == 1 and "0" in next(iter(numbered)))
