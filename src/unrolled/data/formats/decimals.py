"""How the numbers in cells are written: with a decimal point or comma, with or without groups of digits."""

from __future__ import annotations

from collections.abc import Sequence

from unrolled.data.files import Request
from unrolled.data.formats.rows import Cells
from unrolled.data.numbers import Notation, notations
from unrolled.errors import ReadError, quoted

_POINTS = {"point": ".", "comma": ","}


def found_notation(rows: Sequence[Cells], request: Request) -> Notation:
    """How numbers are written: with a decimal point or comma, and whether the other mark groups digits."""
    cells = [cell.strip() for row in rows for cell in row]
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
