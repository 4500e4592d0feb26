"""What separates the cells of lines: by an option, or by the rows and numbers that each delimiter makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from unrolled.config import DataConfig
from unrolled.data.files import Request
from unrolled.data.formats.ragged import Ragged, ragged
from unrolled.data.formats.rows import (
    DELIMITERS,
    SPACES,
    Cells,
    is_single_value,
    is_value,
    lines_before,
    modal_width,
    shares_of_numbers,
    split,
)
from unrolled.data.tables import is_list_text, is_well_known
from unrolled.errors import ConfigError

_AGREEING = 0.9
_CLEARLY_MORE_NUMBERS = 0.15
_LEAST_SHARE_BETWEEN_SPACES = 0.5
NOTHING: Mapping[str, Any] = MappingProxyType({})


def chosen_delimiter(config: DataConfig) -> str | None:
    """The delimiter that an option names."""
    chosen = config.delimiter
    if chosen is None:
        return None
    mark = {"tab": "\t", "\\t": "\t", "space": SPACES, "spaces": SPACES}.get(chosen.lower(), chosen)
    if len(mark) != 1 or mark in '"\r\n' or not mark.isascii():
        raise ConfigError(f"delimiter = {chosen!r}; expected one character, such as , or ;, or the word tab or spaces.")
    return mark


@dataclass(frozen=True)
class Candidate:
    """Lines, split into cells by a delimiter that fits.

    Attributes:
        delimiter: the delimiter.
        rows: the cells of the rows below the first that have one width.
        first: the cells of the first row.
        shares: the share of numbers, times and lists in each column.
    """

    delimiter: str
    rows: list[Cells]
    first: Cells
    shares: tuple[float, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.shares)

    @property
    def share(self) -> float:
        """How well the cells look like numbers, 1 at most."""
        return sum(map(_weight, (cell for row in self.rows for cell in row))) / max(len(self.rows) * self.width, 1)

    @property
    def has_lists(self) -> bool:
        """Whether a column holds lists of numbers."""
        return any(all(map(is_list_text, column)) for column in zip(*self.rows, strict=True))

    @property
    def names_columns(self) -> bool:
        """Whether the first row has a name that a column of labels, texts, ids or times often has."""
        return any(is_well_known(cell) for cell in self.first)


def candidates(lines: Sequence[str], given: str | None = None, *, quoted: bool = True) -> list[Candidate]:
    """The delimiters that split lines into rows of one width, with these rows."""
    found = [each for mark in _possible(given) if (each := _candidate(lines, mark, quoted))]
    if any(each.delimiter == "\t" for each in found):
        found = [each for each in found if each.delimiter != SPACES]
    return found


def ragged_rows(
    lines: Sequence[str],
    config: DataConfig,
    like: Mapping[str, Any] = NOTHING,
    given: str | None = None,
    *,
    quoted: bool = True,
) -> Ragged | None:
    """How rows of numbers of unequal length are written; None where a delimiter makes rows of one length.

    Args:
        lines: the rows.
        config: a table that is said to be wide may have a few rows of another length.
        like: see `read`.
        given: the delimiter that is known.
        quoted: whether quotation marks enclose cells.
    """
    asked = config.table == "wide" or "ragged" in like
    if config.header or config.table == "long" or config.tokens or config.text or config.channels:
        return None
    if not asked and candidates(lines, given, quoted=quoted):
        return None
    labelled = config.label != "-"
    rows = {mark: split(lines, mark, quoted) for mark in _possible(given)}
    found = [each for mark, cells in rows.items() if (each := ragged(cells, mark, labelled=labelled))]
    if not found and "ragged" in like:  # a few rows to predict, which may have one length
        mark = given or str(like["delimiter"])
        sizes = list(map(len, rows.get(mark, [])))
        return Ragged(mark, like["ragged"] if labelled else "none", min(sizes, default=0), max(sizes, default=0))
    return max(found, key=lambda each: each.longest, default=None)


def found_delimiter(lines: Sequence[str], request: Request, default: str | None, *, quoted: bool) -> str:
    """The delimiter with which the lines fit best: rows of one width, and the most numbers."""
    shares = {each.delimiter: each.share for each in candidates(lines, quoted=quoted)}
    known = request.like.get("delimiter")
    if known in shares:
        return str(known)
    if not shares:
        return default or ","
    best = max(shares, key=lambda each: shares[each])
    preferred = default if default is not None and default in shares else best
    found = best if shares[best] > shares[preferred] + _CLEARLY_MORE_NUMBERS else preferred
    if found != default and default is not None:
        request.note(f"the columns are separated by {DELIMITERS[found]} (--delimiter)")
    return found


def _possible(given: str | None) -> Iterable[str]:
    """The delimiters to try, where one may be known."""
    return DELIMITERS if given is None else (given,)


def _candidate(lines: Sequence[str], delimiter: str, quoted: bool) -> Candidate | None:
    """The rows that a delimiter makes of lines; None if it does not fit them."""
    rows = split(lines, delimiter, quoted)
    width = modal_width(rows)
    inner = [row for row in rows[1:] or rows if len(row) == width]
    first = lines_before(rows, width)
    if width < 2 or len(inner) < _AGREEING * len(rows[first + 1 :] or rows):
        return None
    if delimiter == SPACES and any(re.search(r"[,;|]", cell) and not is_value(cell) for row in inner for cell in row):
        return None
    found = Candidate(delimiter, inner, [cell.strip() for cell in rows[first]], tuple(shares_of_numbers(inner)))
    return None if delimiter == SPACES and found.share < _LEAST_SHARE_BETWEEN_SPACES else found


def _weight(cell: str) -> float:
    """The weight of a cell for the delimiter that made it: 1 for a number, less than none for two cells in one."""
    cell = cell.strip()
    if is_single_value(cell):
        return 1.0
    if is_list_text(cell):
        return 0.5
    return -2.0 if re.search(r"\w[,;|\t](?:\w|$)", cell) and re.search(r"\d", cell) and " " not in cell else 0.0
