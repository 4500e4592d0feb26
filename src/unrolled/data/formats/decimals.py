"""How the numbers in cells are written: with a decimal point or comma, with or without groups of digits."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unrolled.data.files import Request
from unrolled.data.formats.rows import Cells
from unrolled.data.numbers import Notation, notations
from unrolled.errors import ReadError, quoted

_POINTS = {"point": ".", "comma": ","}


def found_notation(rows: Sequence[Cells], request: Request, delimiter: str) -> Notation:
    """How numbers are written: with a decimal point or comma, and whether the other mark groups digits."""
    cells = [cell.strip() for row in rows for cell in row]
    if delimiter == ";":  # as where a comma is the decimal sign
        cells = [part for cell in cells for part in (spaced_numbers(cell) or [cell])]
    readings = {cell: found for cell in cells if ("," in cell or cell.count(".") > 1) and (found := notations(cell))}
    known = request.config.decimal or request.like.get("decimal")
    points = {_POINTS[known]} if known else {each.point for found in readings.values() for each in found}
    if known is None and readings:
        for found in readings.values():
            points &= {each.point for each in found}
        pointed = sum("," not in cell and cell.count(".") == 1 and bool(notations(cell)) for cell in cells)
        if pointed and (len(points) > 1 or pointed >= len(readings)):  # the few others are mistakes
            points = {"."}
        if len(points) > 1:
            cell = next(iter(readings))
            raise ReadError(
                request.path,
                f"a cell holds {quoted(cell)}, which is {cell.replace(',', '')} or {cell.replace(',', '.')}: a "
                "comma may group digits, or stand before decimals. Say --decimal point for the former, --decimal comma "
                "for the latter.",
            )
    point = points.pop() if len(points) == 1 else "."
    groups = any(Notation(point).plain(cell) is None for cell in readings)
    if known is None and readings:
        what = "numbers have a decimal comma" if point == "," else "commas group the digits of numbers"
        request.note(f"{what} (--decimal)")
    return Notation(point, groups)


def spaced_numbers(cell: str) -> list[str]:
    """The numbers of a list that spaces part, of which some have a comma: ``0,79 0,3``; none for any other cell."""
    parts = cell.strip("[]() ").split()
    return parts if "," in cell and len(parts) > 1 and all(map(notations, parts)) else []


def with_points(column: pa.ChunkedArray, values: Sequence[str], numbers: Notation) -> pa.ChunkedArray:
    """A column of lists with decimal points.

    Args:
        column: the lists as text.
        values: those of the first rows.
        numbers: how the numbers of the table are written.
    """
    if numbers.point == "," and all("," not in value or spaced_numbers(value) for value in values):
        return pc.replace_substring(column, ",", ".")
    return column


def refuse_other_decimals(request: Request, name: str, cells: Sequence[tuple[int, str]], numbers: Notation) -> None:
    """Refuses a column of numbers whose decimal sign is not the table's.

    Args:
        request: names the file.
        name: of the column.
        cells: those of its first rows that hold a value, each with the number of its line.
        numbers: how the numbers of the table are written.
    Raises:
        ReadError: with the line of the first such number.
    """
    other = [(line, cell) for line, cell in cells if numbers.plain(cell) is None]
    if (
        request.config.decimal is None
        and 2 * len(other) >= len(cells) > 0
        and all(notations(cell) for _, cell in cells)
    ):
        signs = ("comma", "point") if numbers.point == "." else ("point", "comma")
        line, cell = other[0]
        raise ReadError(
            request.path,
            f"column {name!r} holds {quoted(cell)}, with a decimal {signs[0]}, where other numbers of the table have a "
            f"decimal {signs[1]}; expected one sign in all columns. Write it alike, or say --decimal {signs[1]} if "
            "these are lists.",
            line=line,
        )
