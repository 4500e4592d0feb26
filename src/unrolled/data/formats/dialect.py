"""The dialect of a text table: what separates its cells, how its numbers are written, and which lines are no rows.

`sniff` looks at the raw first lines once, before anything else is guessed. What it finds, a `Dialect`, turns every
chunk of the file into plain rows (`Dialect.plain`), each on the line on which it stood, so that errors keep their line
numbers. Options come before what is seen, and what is seen in a training file holds for later files.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from unrolled.config import DataConfig
from unrolled.data.files import Chunk, Request
from unrolled.data.formats.blocks import DELIMITERS, SPACES, blocks_of, find_mark, is_block_label, is_mark
from unrolled.data.formats.ragged import Ragged, as_list, ragged
from unrolled.data.formats.writers import tidied
from unrolled.data.moments import is_moment
from unrolled.data.numbers import POINT, Notation, notations
from unrolled.data.tables import NULLS, is_list_text, is_well_known
from unrolled.errors import ConfigError, ReadError, shortened
from unrolled.errors import quoted as quoted_text

_NAMED_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar", " ": "spaces"}
_COMMENT_MARKS = ("#", "%", "//")
_HEAD_BYTES = 1 << 18
_HEAD_LINES = 500
_POINTS = {"point": ".", "comma": ","}
_CONTINUING = 0.05
_AGREEING = 0.9
_CLEARLY_MORE_NUMBERS = 0.15
_LEAST_SHARE_BETWEEN_SPACES = 0.5
_SEP_LINE = re.compile(r'"?sep=(.+?)"?', re.IGNORECASE)
_BEFORE_NAMES = re.compile(r"(?:the )?(?:columns?|fields?|names?|variables?|header|format)\b\s*[:=]?\s*", re.IGNORECASE)
_UNIT = re.compile(
    r"\[.*\]|\(.*\)|-|:?-{2,}:?|%|[munkµ]?(?:s|sec|g|m|V|A|Pa|Hz|T|N|W|l|L)|ms-?[12]|min|h|cm|bar|counts?|units?|bpm|dB|Nm|K|F|"
    r"a\.?u\.?|°\w*(?:/s)?|(?:rad|deg|m|km)(?:/s.{0,2}|/h)?|(?:degrees?|seconds?|meters?|volts?)(?: C)?",
)

NOTHING: Mapping[str, Any] = MappingProxyType({})
Cells = list[str]


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Attributes:
        delimiter: separates the cells, one character; `SPACES` for runs of spaces and tabs.
        numbers: how numbers are written.
        quoted: whether quotation marks enclose cells.
        comment: what a line begins with that is no row; empty for none.
        skipped: lines in front of the table that are no rows.
        names: names of the columns that a comment or a short header gives; None if the first row gives them, or none
            are given.
        header: whether the first row names the columns; None if that is not known yet.
        units: whether the row below the names holds units.
        leading: whether a delimiter stands in front of the first cell of each row.
        trailing: whether a delimiter stands behind the last cell of each row.
        blocks: whether blank lines part the rows of different sequences.
        labelled: whether a line of its own, in front of each block, holds its label.
        continued: whether a line without a delimiter is the end of the one before.
        tidied: whether `writers` have something to take away.
        ragged: of rows of unequal length, how they are written; None for rows of one length.
        mark: a line that, like a blank one, parts the rows of different sequences; empty for none.
    """

    delimiter: str
    numbers: Notation = POINT
    quoted: bool = True
    comment: str = ""
    skipped: int = 0
    names: tuple[str, ...] | None = None
    header: bool | None = None
    units: bool = False
    leading: bool = False
    trailing: bool = False
    blocks: bool = False
    labelled: bool = False
    mark: str = ""
    continued: bool = False
    ragged: Ragged | None = None
    tidied: bool = False

    @property
    def separator(self) -> str:
        """What separates the cells of plain rows."""
        return "\t" if self.delimiter == SPACES or self.ragged else self.delimiter

    def recorded(self) -> dict[str, Any]:
        """What a later file has in common with this one; see `Sequences.reading`."""
        lists = {} if self.ragged is None else {"ragged": self.ragged.side}
        return {"delimiter": self.delimiter, "decimal": "comma" if self.numbers.point == "," else "point", **lists}

    def plain(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks with nothing but rows, whose cells `separator` separates."""
        steps = self._steps()
        for chunk in chunks:
            text = chunk.text
            for step in steps:
                text = step(text)
            yield replace(chunk, text=text)

    def _steps(self) -> list[Callable[[bytes], bytes]]:
        steps: list[Callable[[bytes], bytes]] = []
        if self.tidied:
            steps.append(tidied)
        if self.continued:
            steps.append(self._with_continued)
        if self.skipped:
            steps.append(_Once(self._without_first))
        if self.comment:
            mark = re.escape(self.comment.encode())
            steps.append(lambda text: re.sub(rb"(?m)^[ \t]*" + mark + rb"[^\r\n]*", b"", text))
        if self.ragged:
            return [*steps, self._as_lists]
        if self.delimiter == SPACES:
            steps.append(_tabbed)
        delimiter = re.escape(self.separator.encode())
        if self.leading:
            steps.append(lambda text: re.sub(rb"(?m)^[ \t]*" + delimiter, b"", text))
        if self.trailing:
            steps.append(lambda text: re.sub(rb"(?m)" + delimiter + rb"[ \t]*(?=\r?$)", b"", text))
        if self.blocks:
            steps.append(_Blocks(self))
        else:
            empty = rb"(?m)^[ \t]*" + delimiter + rb"(?:[ \t]|" + delimiter + rb")*(?=\r?$)"
            steps.append(lambda text: re.sub(empty, b"", text))
        return steps

    def _with_continued(self, text: bytes) -> bytes:
        """Lines joined to those that they continue, with a space between."""
        lines: list[bytes] = []
        ends: list[bytes] = []
        for line in text.splitlines(keepends=True):
            content = line.rstrip(b"\r\n")
            if lines and content.strip() and self.separator.encode() not in content:
                start = lines[-1].rstrip(b"\r\n")
                ends.append(lines[-1][len(start) :])
                lines[-1] = start + b" " + content + line[len(content) :]
            else:
                lines += [*ends, line]  # so that lines keep their numbers
                ends = []
        return b"".join([*lines, *ends])

    def _as_lists(self, text: bytes) -> bytes:
        """Rows of unequal length as a label and a list."""
        assert self.ragged is not None  # noqa: S101
        lines: list[str] = []
        for line in text.decode().splitlines():
            row = split([line], self.delimiter, self.quoted) if line.strip() else []
            lines += [as_list(each, self.ragged.side, self.numbers) for each in row] or [""]
        return "\n".join([*lines, ""]).encode()

    def _without_first(self, text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        ends = [line[len(line.rstrip(b"\r\n")) :] for line in lines[: self.skipped]]
        return b"".join([*ends, *lines[self.skipped :]])


class _Once:
    """A step for the first chunk alone."""

    def __init__(self, step: Callable[[bytes], bytes]) -> None:
        self._step: Callable[[bytes], bytes] | None = step

    def __call__(self, text: bytes) -> bytes:
        step, self._step = self._step, None
        return text if step is None else step(text)


class _Blocks:
    """Puts the number of its block, and the block's label, in front of each row."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect, self._number, self._label, self._inside = dialect, -1, b"", False
        self._mark, self._delimiter = dialect.mark, dialect.separator.encode()
        self._named = bool(dialect.header)

    def __call__(self, text: bytes) -> bytes:
        return b"".join(map(self._line, text.splitlines(keepends=True)))

    def _line(self, line: bytes) -> bytes:
        content = line.rstrip(b"\r\n")
        end, stripped = line[len(content) :], content.strip()
        if not stripped or (self._mark and is_mark(stripped.decode(), self._mark)):
            self._inside = False
            return end
        if self._named:
            self._named = False
            return end  # the names are in the dialect
        if self._dialect.labelled and not self._inside and self._delimiter not in stripped:
            self._label = stripped
            return end
        if not self._inside:
            self._inside = True
            self._number += 1
        front = [str(self._number).encode(), *([self._label] if self._dialect.labelled else [])]
        return self._delimiter.join([*front, content.lstrip(b" ")]) + end


def _tabbed(text: bytes) -> bytes:
    """Lines whose cells are separated by runs of spaces, with a tab in the place of each run."""
    text = re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", text)
    if b'"' not in text:
        return re.sub(rb"[ \t]+", b"\t", text)
    return re.sub(rb'("[^"\r\n]*")|[ \t]+', lambda match: match[1] or b"\t", text)


# The first lines


def sniff(chunk: Chunk, request: Request, default: str | None, *, quoted: bool = True) -> Dialect:
    """The dialect of a text table, from its first lines.

    Args:
        chunk: the beginning of the file.
        request: names the file; its options come before what is seen.
        default: the delimiter that the file's name announces; None if it announces none.
        quoted: whether quotation marks may enclose cells.
    Raises:
        ReadError: for commas in numbers that could be decimal commas or not.
        ConfigError: for a delimiter of more than one character.
    """
    head = _head(chunk)
    lines = _tidied(head)
    given = chosen_delimiter(request)
    skipped, sep, mark, comments = _preamble(lines)
    given = given or sep
    body = [line for line in lines[skipped:] if not (mark and line.lstrip().startswith(mark))]
    if not any(map(str.strip, body)):
        raise ReadError(request.path, "it holds comments and no rows; expected lines of numbers or text below them.")
    dialect = Dialect(given or default or ",", quoted=quoted, comment=mark, skipped=skipped, tidied=lines != head)
    dialect, body = _with_blocks(dialect, body, request)
    body = [line for line in body if line.strip()]
    if not dialect.blocks and (found := ragged_rows(body, request.config, request.like, given, quoted=quoted)):
        rows = split(body, found.delimiter, quoted)
        request.note(
            f"the rows have {found.shortest} to {found.longest} cells: each is a sequence, "
            + {"first": "after its label", "last": "before its label", "none": "without a label"}[found.side]
        )
        numbers = _notation(rows, request)
        return replace(dialect, delimiter=found.delimiter, numbers=numbers, ragged=found, header=False)
    dialect = replace(dialect, delimiter=given or _found_delimiter(body, request, default, quoted))
    rows = split(body, dialect.delimiter, quoted)
    front = 0 if given is not None else _lines_before(rows, _modal_width(rows))
    if front:
        request.note(f"the first {front} lines are no rows of the table ({shortened(body[0])}); they are skipped")
        dialect = replace(dialect, skipped=skipped + lines[skipped:].index(body[front]))
        rows = rows[front:]
    dialect, rows, width = _without_edges(dialect, rows)
    dialect = replace(dialect, numbers=_notation(rows, request))
    return _named(dialect, rows, width, comments, request)


def _without_edges(dialect: Dialect, rows: list[Cells]) -> tuple[Dialect, list[Cells], int]:
    """The dialect, and rows of a width, without the empty cells that delimiters in front and at the end make."""
    width = _modal_width(rows)
    if width > 1 and all(len(row) < width or not row[0].strip() for row in rows) and dialect.delimiter != SPACES:
        dialect, width = replace(dialect, leading=True), width - 1
        rows = [row if row[0].strip() else row[1:] for row in rows]
    if _ends_empty(rows, width):
        dialect, width = replace(dialect, trailing=True), width - 1
        rows = [row[:-1] if len(row) > width else row for row in rows]
    return dialect, rows, width


def _ends_empty(rows: Sequence[Cells], width: int) -> bool:
    """Whether a delimiter stands behind the last cell of every row, and the first row has no name for what follows."""
    ends = [row for row in rows[1:] if len(row) == width]
    unnamed = len(rows[0]) == width - 1 or (len(rows[0]) == width and not rows[0][-1].strip())
    return width > 1 and bool(ends) and unnamed and all(not row[-1].strip() for row in ends)


def dialect_of_texts(chunk: Chunk, request: Request, default: str, *, quoted: bool, header: bool) -> Dialect:
    """The dialect of a file with a text a line, with or without a label beside it."""
    dialect = Dialect(chosen_delimiter(request) or default, quoted=quoted, header=header)
    lines = [line for line in _head(chunk) if line.strip()]
    alone = [line for line in lines if dialect.delimiter not in line]
    if alone and lines[0] not in alone and len(alone) < _CONTINUING * len(lines):
        request.note(f"lines without a label continue the one before, such as {quoted_text(alone[0])}")
        return replace(dialect, continued=True)
    return dialect


def chosen_delimiter(request: Request) -> str | None:
    """The delimiter that an option names."""
    chosen = request.config.delimiter
    if chosen is None:
        return None
    mark = {"tab": "\t", "\\t": "\t", "space": SPACES, "spaces": SPACES}.get(chosen.lower(), chosen)
    if len(mark) != 1 or mark in '"\r\n' or not mark.isascii():
        raise ConfigError(f"delimiter = {chosen!r}; expected one character, such as , or ;, or the word tab or spaces.")
    return mark


def split(lines: Sequence[str], delimiter: str, quoted: bool = True) -> list[Cells]:
    """The cells of lines."""
    if delimiter == SPACES:
        lines, delimiter = _tabbed("\n".join(lines).encode()).decode().split("\n"), "\t"
    rows: list[Cells] = []
    with suppress(csv.Error):  # the reader of the whole file says where
        rows.extend(csv.reader([f"{line}\n" for line in lines], delimiter=delimiter, quoting=quoting(quoted)))
    return list(filter(None, rows))


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
    marks = DELIMITERS if given is None else (given,)
    found = [each for mark in marks if (each := _candidate(lines, mark, quoted))]
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
    marks = DELIMITERS if given is None else (given,)
    labelled = config.label != "-"
    rows = {mark: split(lines, mark, quoted) for mark in marks}
    found = [each for mark in marks if (each := ragged(rows[mark], mark, labelled=labelled))]
    if not found and "ragged" in like:  # a few rows to predict, which may have one length
        mark = given or str(like["delimiter"])
        sizes = list(map(len, rows.get(mark, [])))
        return Ragged(mark, like["ragged"] if labelled else "none", min(sizes, default=0), max(sizes, default=0))
    return max(found, key=lambda each: each.longest, default=None)


def rows_in(lines: Sequence[str]) -> list[str]:
    """The lines that are neither blank, nor comments in front, nor a ``sep=`` line."""
    lines = _tidied(lines)
    skipped, _, comment, _ = _preamble(lines)
    return [line for line in lines[skipped:] if line.strip() and not (comment and line.lstrip().startswith(comment))]


def is_labelled_by_blocks(lines: Sequence[str]) -> bool:
    """Whether blank lines part blocks of rows, each below a line with its label."""
    blocks = blocks_of(lines[_preamble(lines)[0] :])
    return len(blocks) > 1 and all(map(is_block_label, blocks[:-1]))


def quoting(quoted: bool) -> Literal[0, 3]:
    """How Python's `csv` treats quotation marks."""
    return csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE


def shares_of_numbers(rows: Sequence[Cells]) -> list[float]:
    """The share of numbers, times and lists of numbers in each column of rows of one width."""
    return [sum(map(_is_value, column)) / max(len(column), 1) for column in zip(*rows, strict=True)]


def _candidate(lines: Sequence[str], delimiter: str, quoted: bool) -> Candidate | None:
    """The rows that a delimiter makes of lines; None if it does not fit them."""
    rows = split(lines, delimiter, quoted)
    width = _modal_width(rows)
    inner = [row for row in rows[1:] or rows if len(row) == width]
    first = _lines_before(rows, width)
    if width < 2 or len(inner) < _AGREEING * len(rows[first + 1 :] or rows):
        return None
    if delimiter == SPACES and any(re.search(r"[,;|]", cell) and not _is_value(cell) for row in inner for cell in row):
        return None
    found = Candidate(delimiter, inner, [cell.strip() for cell in rows[first]], tuple(shares_of_numbers(inner)))
    return None if delimiter == SPACES and found.share < _LEAST_SHARE_BETWEEN_SPACES else found


def _preamble(lines: Sequence[str]) -> tuple[int, str | None, str, list[str]]:
    """The lines in front of a table: how many, the delimiter that one names, the mark of comments, and the comments."""
    comments: list[str] = []
    skipped, sep, comment = 0, None, ""
    for line in lines:
        stripped = line.strip()
        match = _SEP_LINE.fullmatch(stripped)
        mark = next((each for each in _COMMENT_MARKS if stripped.startswith(each)), "")
        if stripped and not match and not mark:
            break
        skipped += 1
        if match:
            sep = "\t" if match[1] in ("\\t", "tab") else match[1][0]
        elif mark:
            comment = comment or mark
            comments.append(stripped.lstrip(mark + " \t"))
    return skipped, sep, comment, comments


def _tidied(lines: Sequence[str]) -> list[str]:
    return tidied("\n".join(lines).encode()).decode().split("\n")


def _head(chunk: Chunk) -> list[str]:
    text = chunk.text
    end = text.find(b"\n", _HEAD_BYTES)
    return (text if end < 0 else text[:end]).decode("utf-8").splitlines()[:_HEAD_LINES]


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return bool(notations(cell)) or cell in NULLS or is_moment(cell) or is_list_text(cell)


def _weight(cell: str) -> float:
    """The weight of a cell for the delimiter that made it: 1 for a number, less than none for two cells in one."""
    cell = cell.strip()
    if notations(cell) or cell in NULLS or is_moment(cell):
        return 1.0
    if is_list_text(cell):
        return 0.5
    return -2.0 if re.search(r"\w[,;|\t]\w", cell) and re.search(r"\d", cell) and " " not in cell else 0.0


def _modal_width(rows: Sequence[Cells]) -> int:
    tail = rows[len(rows) // 2 :] if len(rows) > 2 else rows
    widths = Counter(map(len, tail))
    return max(widths, key=lambda width: (widths[width], width), default=0)


def _lines_before(rows: Sequence[Cells], width: int) -> int:
    """The rows in front that are too short to be the table's: its title and the like."""
    front = next((index for index, row in enumerate(rows) if len(row) >= width - 1), 0)
    return front if width > 2 and front < len(rows) / 2 else 0


def _found_delimiter(body: Sequence[str], request: Request, default: str | None, quoted: bool) -> str:
    """The delimiter with which the lines fit best: rows of one width, and the most numbers."""
    shares = {each.delimiter: each.share for each in candidates(body, quoted=quoted)}
    known = request.like.get("delimiter")
    if known in shares:
        return str(known)
    if not shares:
        return default or ","
    best = max(shares, key=lambda each: shares[each])
    preferred = default if default is not None and default in shares else best
    found = best if shares[best] > shares[preferred] + _CLEARLY_MORE_NUMBERS else preferred
    if found != default and default is not None:
        request.note(f"the columns are separated by {_NAMED_DELIMITERS[found]} (--delimiter)")
    return found


def _notation(rows: Sequence[Cells], request: Request) -> Notation:
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
                f"a cell holds {quoted_text(cell)}, which is {cell.replace(',', '')} or {cell.replace(',', '.')}: a "
                "comma may group digits, or stand before decimals. Say --decimal point for the former, --decimal comma "
                "for the latter.",
            )
    point = points.pop() if len(points) == 1 else "."
    groups = any(Notation(point).plain(cell) is None for cell in readings)
    if known is None and readings:
        what = "numbers have a decimal comma" if point == "," else "commas group the digits of numbers"
        request.note(f"{what} (--decimal)")
    return Notation(point, groups)


# Names


def _named(dialect: Dialect, rows: list[Cells], width: int, comments: list[str], request: Request) -> Dialect:
    """The dialect with what names the columns."""
    first = [cell.strip() for cell in rows[0]]
    names = _names_of_comment(comments, dialect, width) if request.config.header is None else None
    numbered = any(dialect.numbers.parse(cell) is not None for cell in first)
    header = not (names and numbered) and is_header(request, rows, dialect)
    if header and len(rows) > 1 and len(first) == width - 1 and len(rows[1]) == width:
        names = ("", *first)
        request.note(f"the header names {width - 1} of {width} columns; the first column has no name")
    elif header:
        names = None
    elif names:
        request.note(f"a comment in front names the columns: {shortened(', '.join(names), 60)}")
    if dialect.blocks:
        header = header and not dialect.labelled
        inside = names or (tuple(first) if header else tuple(map(str, range(width))))
        front = ("block", *(["label"] if dialect.labelled else []))
        names = (*front, *(name or f"column {index}" for index, name in enumerate(inside)))
    units = header and len(rows) > 2 and _is_units(rows[1], rows[2:])
    if units:
        request.note(
            f"the row below the names holds units ({shortened(', '.join(filter(None, rows[1])))}); it is skipped"
        )
    return replace(dialect, header=header, names=names, units=units)


def _names_of_comment(comments: list[str], dialect: Dialect, width: int) -> tuple[str, ...] | None:
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
    return any(cells) and all(not cell or (_UNIT.fullmatch(cell) and not _is_value(cell)) for cell in cells)


def is_header(request: Request, rows: Sequence[Cells], dialect: Dialect) -> bool:
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
    whole = [int(cell) for cell in numbers if cell.isdecimal()]
    counts_up = whole == list(range(len(numbers))) or whole == list(range(1, len(numbers) + 1))
    if not counts_up:
        return False
    position = next(index for index, cell in enumerate(first) if cell not in numbers)
    below = {row[position].strip() for row in rows[1:] if position < len(row)}
    return first[position] not in below  # "label,0,1,2", as pandas writes it


def _stands_below(rows: Sequence[Cells]) -> bool:
    """Whether rows hold no numbers, and a text of the first row stands in its column again: a class, not a name."""
    below = [row for row in rows[1:] if len(row) == len(rows[0])]
    if not below or any(share > _AGREEING for share in shares_of_numbers(below)):
        return False
    columns = zip(rows[0], zip(*below, strict=True), strict=True)
    return any(name.strip() in {cell.strip() for cell in column} for name, column in columns if name.strip())


# Blocks


def _with_blocks(dialect: Dialect, lines: list[str], request: Request) -> tuple[Dialect, list[str]]:
    """The dialect, and the lines that are rows, of a file in which blank lines part the sequences."""
    asked = request.config.sequences_by
    mark = find_mark(lines) if asked == "marks" else ""
    blocks = blocks_of(lines, mark)
    labelled = len(blocks) > 1 and all(is_block_label(block) for block in blocks[:-1])
    if asked in ("blank-lines", "marks") or (labelled and asked is None):
        if labelled:
            request.note("blank lines part the sequences, and the line in front of each is its label")
            blocks = [block[1:] for block in blocks]
        elif asked is None:
            return dialect, lines
        if asked == "marks" and not mark:
            raise ReadError(
                request.path, "no line parts the sequences: expected one, such as ---, behind each of them."
            )
        dialect = replace(dialect, blocks=True, labelled=labelled, mark=mark)
        return dialect, [line for block in blocks for line in block]
    if asked is None and sum(len(block) > 1 for block in blocks) > 1:
        request.note("blank lines stand between the rows; if they part sequences, say --sequences-by blank-lines")
    elif asked is None and (mark := find_mark(lines)):
        request.note(
            f"the line {quoted_text(mark)} stands between the rows; if it parts sequences, say --sequences-by marks"
        )
    return dialect, lines
