"""Tables in text: CSV and TSV, plain or gzip, from a file or from standard input.

pyarrow parses chunks of whole lines. If it fails, Python's `csv` reads the chunk again to find the line of the mistake.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from unrolled.data.files import Chunk, Request, read_chunks
from unrolled.data.numbers import BEYOND_FLOAT32, exceeds_float32, parse_number
from unrolled.data.tables import MOST_COLUMNS, Block, ColumnKind, ColumnSample, FoundKind
from unrolled.errors import ConfigError, ReadError, quoted

NULLS = ("", "NA", "N/A", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "#N/A", "?")
"""Spellings of a missing number."""
_SAMPLE_ROWS = 1000
_SAMPLE_BYTES = 4 << 20
_WORTH_THREADS = 1 << 20
_NAMED_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar", " ": "a space"}


def open_delimited(
    request: Request,
    delimiter: str,
    *,
    quoted: bool = True,
    header: bool | None = None,
    nulls: tuple[str, ...] = NULLS,
) -> Delimited:
    """Opens a table in text and reads its header.

    Args:
        request: names the file; its option ``delimiter`` comes before the format's.
        delimiter: separates the columns in this format.
        quoted: whether quotation marks enclose cells.
        header: whether the first line names the columns; None to find out.
        nulls: spellings of a missing value in the samples.
    Raises:
        ReadError: for a file without rows, a wrong delimiter, and column names that occur twice.
    """
    mark = _chosen_delimiter(request, delimiter)
    chunks = read_chunks(request, quoted=quoted)
    first = next(chunks, None)
    if first is None:
        raise ReadError(request.path, "there is nothing in it; expected lines of text.")
    rows = _first_rows(request.path, first, mark, quoted)
    while len(rows) < 2 and (more := next(chunks, None)):  # a header that fills a chunk
        first = Chunk(first.text + more.text, first.line)
        rows = _first_rows(request.path, first, mark, quoted)
    named = _is_header(request, rows) if header is None else header
    request.found["header"] = named
    _check_delimiter(request.path, rows, mark)
    width = len(rows[0][1])
    if width > MOST_COLUMNS:
        raise ReadError(
            request.path,
            f"there are {width:,} columns; expected at most {MOST_COLUMNS:,}. Write such long sequences as a long "
            "table (a row a step) or as JSON Lines.",
            line=rows[0][0],
        )
    names = _column_names(request.path, rows[0]) if named else tuple(str(number) for number in range(width))
    body = rows[1:] if named else rows
    if not body:
        raise ReadError(request.path, "there is a header but no row under it; expected at least one.", line=rows[0][0])
    samples = {name: _sample([row[i] for _, row in body if i < len(row)], nulls) for i, name in enumerate(names)}
    if named:
        first = _without_lines(first, rows[0][0] - first.line + 1)
    return Delimited(request.path, named, samples, mark, quoted, chain([first], chunks))


@dataclass(frozen=True)
class Delimited:
    """A `Table` in text."""

    path: Path
    named: bool
    samples: Mapping[str, ColumnSample]
    delimiter: str
    quoted: bool
    chunks: Iterator[Chunk]

    def blocks(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Block]:
        """See `Table`."""
        for chunk in self.chunks:
            if chunk.text.strip():
                table = self._parse(chunk, kinds)
                columns = {name: table.column(name) for name in kinds}
                yield Block(table.num_rows, columns, partial(self._row_error, chunk))

    def _row_error(self, chunk: Chunk, row: int, problem: str) -> ReadError:
        """An error about a row, by its number in the chunk."""
        rows = _rows(self.path, chunk, self.delimiter, self.quoted)
        line = next((line for line, _ in islice(rows, row, None)), None)
        return ReadError(self.path, problem, line=line)

    def _parse(self, chunk: Chunk, kinds: Mapping[str, ColumnKind]) -> pa.Table:
        for block_size in (max(1 << 20, len(chunk.text) // 8), max(len(chunk.text) + 2, 16)):
            try:
                return arrow_csv.read_csv(
                    pa.BufferReader(chunk.text),
                    read_options=arrow_csv.ReadOptions(
                        column_names=list(self.samples),
                        block_size=block_size,
                        use_threads=len(chunk.text) > _WORTH_THREADS,
                    ),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=self.delimiter,
                        quote_char='"' if self.quoted else False,
                        newlines_in_values=self.quoted and b'"' in chunk.text,
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types={name: self._type(name, kind) for name, kind in kinds.items()},
                        include_columns=list(kinds),
                        null_values=list(NULLS),
                        strings_can_be_null=False,
                    ),
                )
            except (pa.ArrowException, ValueError) as error:
                problem = str(error)
                if "straddling" not in problem and "block size" not in problem:
                    break
        raise self._explained(chunk, kinds, problem)

    def _type(self, name: str, kind: ColumnKind) -> pa.DataType:
        if kind == "moment" and self.samples[name].found == "moment":
            zone = _has_zone(self.samples[name].values[0])
            return pa.timestamp("us", "UTC") if zone else pa.timestamp("us")
        if kind == "name":
            return pa.dictionary(pa.int32(), pa.string())
        return pa.string() if kind == "text" else pa.float64()

    def _explained(self, chunk: Chunk, kinds: Mapping[str, ColumnKind], problem: str) -> ReadError:
        """The error for the first mistake in a chunk."""
        names = list(self.samples)
        for line, row in _rows(self.path, chunk, self.delimiter, self.quoted):
            if len(row) != len(names):
                return ReadError(
                    self.path,
                    f"found {len(row)} columns where the {'header' if self.named else 'first line'} has {len(names)}; "
                    "every row needs the same number. Leave a cell empty for a missing value.",
                    line=line,
                )
            for name, cell in zip(names, row, strict=True):
                wrong = _wrong_cell(cell.strip(), kinds.get(name), self.samples[name].found)
                if wrong:
                    return ReadError(self.path, f"column {name!r} holds {quoted(cell)}; {wrong}", line=line)
        return ReadError(self.path, f"it cannot be read: {problem.splitlines()[0]}", line=chunk.line)


# The first lines


def _chosen_delimiter(request: Request, default: str) -> str:
    chosen = request.config.delimiter
    if chosen is None:
        return default
    mark = "\t" if chosen.lower() in {"tab", "\\t"} else chosen
    if len(mark) != 1 or mark in '"\r\n' or not mark.isascii():
        raise ConfigError(f"delimiter = {chosen!r}; expected one character, such as , or ; or the word tab.")
    return mark


def _check_delimiter(path: Path, rows: list[tuple[int, list[str]]], mark: str) -> None:
    """Refuses a table of one column that another delimiter would split."""
    if len(rows[0][1]) > 1:
        return
    cells = [row[0] for _, row in rows[:20]]
    for other, name in _NAMED_DELIMITERS.items():
        counts = {cell.count(other) for cell in cells}
        if other not in {mark, " "} and len(counts) == 1 and min(counts) > 0:
            option = "tab" if other == "\t" else f"'{other}'"
            raise ReadError(
                path,
                f"found one column, {quoted(cells[0])}, where {_NAMED_DELIMITERS.get(mark, repr(mark))} separates the "
                f"columns; in this file {name} seems to separate them: --delimiter {option}.",
                line=rows[0][0],
            )


def _first_rows(path: Path, chunk: Chunk, delimiter: str, quoted: bool) -> list[tuple[int, list[str]]]:
    """The first rows, each with the number of its line and its cells."""
    if len(chunk.text) > _SAMPLE_BYTES:
        cut = chunk.text.find(b"\n", _SAMPLE_BYTES)
        chunk = Chunk(chunk.text[: cut + 1] if cut > 0 else chunk.text, chunk.line)
    return list(islice(_rows(path, chunk, delimiter, quoted), _SAMPLE_ROWS + 1))


def _rows(path: Path, chunk: Chunk, delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """The rows of a chunk as Python's `csv` reads them, each with the number of its first line."""
    source = (raw.decode("utf-8") for raw in chunk.text.splitlines(keepends=True))
    reader = csv.reader(source, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    while True:
        line = chunk.line + reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            long = f"a cell is longer than {csv.field_size_limit():,} characters, or a quotation mark is not closed"
            problem = long if "field limit" in str(error) else f"the line cannot be split into cells: {error}"
            raise ReadError(path, f"{problem}.", line=line) from None
        if row:
            yield line, row


def _without_lines(chunk: Chunk, count: int) -> Chunk:
    """A chunk without its first lines."""
    ends = islice(re.finditer(rb"\r\n|\n|\r", chunk.text), count - 1, None)
    return Chunk(chunk.text[next(ends).end() :], chunk.line + count)


def _is_header(request: Request, rows: list[tuple[int, list[str]]]) -> bool:
    """Whether the first row names the columns: it has a name that the options use, or few numbers.

    A doubtful row is read as in an earlier file.
    """
    config, first = request.config, [cell.strip() for cell in rows[0][1]]
    if config.header is not None:
        return config.header
    wanted = {config.id, config.time, config.label, config.group, config.text} - {None}
    if wanted & set(first):
        return True
    numbers = [cell for cell in first if cell in NULLS or parse_number(cell) is not None]
    if len(numbers) < max(len(first) - 1, 1):
        return True
    if len(numbers) == len(first):
        return False
    if "header" in request.like:
        return bool(request.like["header"])
    whole = [int(cell) for cell in numbers if cell.isdecimal()]
    counts_up = whole == list(range(len(numbers))) or whole == list(range(1, len(numbers) + 1))
    if not counts_up:
        return False
    position = next(index for index, cell in enumerate(first) if cell not in numbers)
    below = {row[position].strip() for _, row in rows[1:] if position < len(row)}
    return first[position] not in below  # "label,0,1,2", as pandas writes it


def _column_names(path: Path, row: tuple[int, list[str]]) -> tuple[str, ...]:
    line, cells = row
    names = [cell.strip() for cell in cells]
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if name in seen:
            raise ReadError(
                path,
                f"the column name {quoted(name)} occurs twice, in columns {seen[name]} and {position}; "
                "rename one of them.",
                line=line,
            )
        seen[name] = position
    return tuple(names)


def _sample(cells: list[str], nulls: tuple[str, ...]) -> ColumnSample:
    values = [cell for cell in (cell.strip() for cell in cells) if cell not in nulls]
    return ColumnSample(_found(values), tuple(values))


def _found(values: list[str]) -> FoundKind:
    """The content of most values: a single letter among numbers is a mistake, not a text column."""
    if not values:
        return "empty"
    numbers = sum(parse_number(value) is not None for value in values)
    if 2 * numbers > len(values):
        return "number"
    moments = sum(map(_is_moment, values))
    return "moment" if 2 * moments > len(values) else "text"


# Cells


def _is_moment(cell: str) -> bool:
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return False
    return not cell.isdecimal()


def _has_zone(cell: str) -> bool:
    return re.search(r"(Z|[+-]\d\d:?\d\d)\Z", cell[10:]) is not None


def _wrong_cell(cell: str, kind: ColumnKind | None, found: FoundKind) -> str:
    """The mistake in a cell; empty for a correct cell."""
    if kind not in {"number", "moment"} or cell in NULLS:
        return ""
    if kind == "moment" and found == "moment":
        return "" if _is_moment(cell) else "expected a time such as 2026-01-31 12:00:00.5, as in the rows before."
    if parse_number(cell) is None:
        comma = " Write decimals with a point." if re.fullmatch(r"[+-]?\d+,\d+", cell) else ""
        return f"expected a number, or nothing for a missing value.{comma}"
    return f"it is {BEYOND_FLOAT32}." if kind == "number" and exceeds_float32(cell) else ""
