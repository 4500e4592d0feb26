"""Tables in text: CSV and TSV, plain or gzip, from a file or from standard input.

pyarrow parses chunks of whole lines. If it fails, Python's `csv` reads the chunk again to find the line of the mistake.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from unrolled.data.files import STANDARD_INPUT, Chunk, Request, read_chunks
from unrolled.data.formats.decimals import refuse_other_decimals, with_points
from unrolled.data.formats.delimiters import chosen_delimiter
from unrolled.data.formats.dialect import Dialect
from unrolled.data.formats.first_lines import has_stray_quotes
from unrolled.data.formats.rows import quoting
from unrolled.data.formats.sniffing import dialect_of_texts, sniff
from unrolled.data.numbers import BEYOND_FLOAT32, Notation, exceeds_float32, notations
from unrolled.data.tables import MOST_COLUMNS, NULLS, Block, ColumnKind, ColumnSample, sample_of_texts
from unrolled.errors import ReadError, quoted

_SAMPLE_ROWS = 1000
_SAMPLE_BYTES = 4 << 20
_SMALL = 1 << 20
_WORTH_THREADS = 1 << 20


def open_delimited(
    request: Request,
    delimiter: str | None,
    *,
    quoted: bool = True,
    header: bool | None = None,
    nulls: tuple[str, ...] = NULLS,
) -> Delimited:
    """Opens a table in text: finds its dialect and reads its first rows.

    Args:
        request: names the file; its options come before what is found.
        delimiter: separates the columns in this format; None to find out.
        quoted: whether quotation marks enclose cells.
        header: whether the first line names the columns; None to find out.
        nulls: spellings of a missing value in the samples.
    Raises:
        ReadError: for a file without rows, and column names that occur twice.
    """
    path = request.path
    chunks = read_chunks(request, quoted=quoted)
    first = next(chunks, None)
    if first is None:
        raise ReadError(path, "there is nothing in it; expected lines of text.")
    if len(first.text) < _SMALL and (more := next(chunks, None)):  # the last line, if it has no end
        first = Chunk(first.text + more.text, first.line)
    if quoted and has_stray_quotes(first.text[:_SAMPLE_BYTES], chosen_delimiter(request.config)):
        request.note("quotation marks that are not closed stand in cells, so that they have no meaning")
        quoted = False
        if path != STANDARD_INPUT:  # in chunks that end at any line
            chunks = read_chunks(request, quoted=False)
            first = next(chunks)
    if header is None:
        dialect = sniff(first, request, delimiter, quoted=quoted)
    else:
        dialect = dialect_of_texts(first, request, delimiter or ",", quoted=quoted, header=header)
    chunks = dialect.plain(chain([first], chunks))
    first = next(chunks)
    rows = _first_rows(path, first, dialect)
    while len(rows) < 2 and (more := next(chunks, None)):  # a header that fills a chunk
        first = Chunk(first.text + more.text, first.line)
        rows = _first_rows(path, first, dialect)
    if not rows:
        raise ReadError(path, "there is no row in it; expected lines of cells.")
    named = bool(dialect.header) and not dialect.blocks  # in blocks, the names are taken away with the rows
    request.found.update(header=bool(dialect.header or dialect.names), **(dialect.recorded() if header is None else {}))
    width = len(dialect.names or rows[0][1])
    if width > MOST_COLUMNS:
        raise ReadError(
            path,
            f"there are {width:,} columns; expected at most {MOST_COLUMNS:,}. Write such long sequences as a long "
            "table (a row a step) or as JSON Lines.",
            line=rows[0][0],
        )
    if dialect.names or named:
        names = _column_names(path, (rows[0][0], list(dialect.names or rows[0][1])))
    else:
        names = tuple(str(number) for number in range(width))
    first_row = int(named) + int(dialect.units)
    body = rows[first_row:]
    if not body:
        raise ReadError(path, "there is a header but no row under it; expected at least one.", line=rows[0][0])
    samples = {
        name: _sample(request, name, [(line, row[i]) for line, row in body if i < len(row)], nulls, dialect.numbers)
        for i, name in enumerate(names)
    }
    if first_row:
        first = _without_lines(first, rows[first_row - 1][0] - first.line + 1)
        chunks = _without_repeated(request, ",".join(rows[0][1]), dialect, chain([first], chunks))
    else:
        chunks = chain([first], chunks)
    return Delimited(path, bool(dialect.names or named), samples, dialect, chunks)


@dataclass(frozen=True)
class Delimited:
    """A `Table` in text."""

    path: Path
    named: bool
    samples: Mapping[str, ColumnSample]
    dialect: Dialect
    chunks: Iterator[Chunk]

    def blocks(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Block]:
        """See `Table`."""
        for chunk in self.chunks:
            if chunk.text.strip():
                table = self._parse(chunk, kinds)
                columns = {name: self._converted(chunk, table.column(name), name, kinds) for name in kinds}
                forms = {name: sample.form for name, sample in self.samples.items() if sample.form}
                yield Block(table.num_rows, columns, partial(self._row_error, chunk), forms)

    def _row_error(self, chunk: Chunk, row: int, problem: str) -> ReadError:
        """An error about a row, by its number in the chunk."""
        rows = _rows(self.path, chunk, self.dialect)
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
                        delimiter=self.dialect.separator,
                        quote_char='"' if self.dialect.quoted else False,
                        newlines_in_values=self.dialect.quoted and b'"' in chunk.text,
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types={name: self._type(name, kind) for name, kind in kinds.items()},
                        include_columns=list(kinds),
                        null_values=list(NULLS),
                        strings_can_be_null=False,
                        decimal_point=self.dialect.numbers.point,
                    ),
                )
            except (pa.ArrowException, ValueError) as error:
                problem = str(error)
                if "straddling" not in problem and "block size" not in problem:
                    break
        raise self._explained(chunk, kinds, problem)

    def _type(self, name: str, kind: ColumnKind) -> pa.DataType:
        if kind == "name":
            return pa.dictionary(pa.int32(), pa.string())
        as_text = kind == "moment" and self.samples[name].form is not None
        grouped = kind == "number" and self.dialect.numbers.groups
        return pa.string() if kind in ("text", "list") or as_text or grouped else pa.float64()

    def _converted(
        self, chunk: Chunk, column: pa.ChunkedArray, name: str, kinds: Mapping[str, ColumnKind]
    ) -> pa.ChunkedArray:
        """A column as `Block` has it: numbers whose digits are in groups are read as text first."""
        if kinds[name] == "list":
            return with_points(column, self.samples[name].values, self.dialect.numbers)
        if kinds[name] != "number" or not pa.types.is_string(column.type):
            return column
        numbers = self.dialect.numbers
        text = pc.utf8_trim_whitespace(column)
        text = pc.if_else(pc.is_in(text, pa.array(NULLS)), pa.scalar(None, pa.string()), text)
        if not all(numbers.plain(cell) is not None for cell in pc.unique(text.drop_null()).to_pylist()):
            raise self._explained(chunk, kinds, "a cell is no number")
        text = pc.replace_substring(text, numbers.group, "")
        return pc.replace_substring(text, numbers.point, ".").cast(pa.float64())

    def _explained(self, chunk: Chunk, kinds: Mapping[str, ColumnKind], problem: str) -> ReadError:
        """The error for the first mistake in a chunk."""
        names = list(self.samples)
        for line, row in _rows(self.path, chunk, self.dialect):
            if len(row) != len(names):
                advice = "" if self.named else " If rows are sequences of unequal lengths, say --table wide."
                return ReadError(
                    self.path,
                    f"found {len(row)} columns where the {'header' if self.named else 'first line'} has {len(names)}; "
                    f"every row needs the same number. Leave a cell empty for a missing value.{advice}",
                    line=line,
                )
            for name, cell in zip(names, row, strict=True):
                wrong = _wrong_cell(cell.strip(), kinds.get(name), self.dialect.numbers)
                if wrong:
                    return ReadError(self.path, f"column {name!r} holds {quoted(cell)}; {wrong}", line=line)
        return ReadError(self.path, f"it cannot be read: {problem.splitlines()[0]}", line=chunk.line)


# The first lines


def _first_rows(path: Path, chunk: Chunk, dialect: Dialect) -> list[tuple[int, list[str]]]:
    """The first rows, each with the number of its line and its cells."""
    if len(chunk.text) > _SAMPLE_BYTES:
        cut = chunk.text.find(b"\n", _SAMPLE_BYTES)
        chunk = Chunk(chunk.text[: cut + 1] if cut > 0 else chunk.text, chunk.line)
    return list(islice(_rows(path, chunk, dialect), _SAMPLE_ROWS + 1))


def _rows(path: Path, chunk: Chunk, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows of a chunk as Python's `csv` reads them, each with the number of its first line."""
    source = (raw.decode("utf-8") for raw in chunk.text.splitlines(keepends=True))
    reader = csv.reader(source, delimiter=dialect.separator, quoting=quoting(dialect.quoted))
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


def _without_repeated(request: Request, header: str, dialect: Dialect, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The chunks without lines that repeat the header, as files have that were joined."""
    cells = header.encode()
    line = re.compile(rb"(?m)^" + re.escape(cells.replace(b",", dialect.separator.encode())) + rb"(?=\r?$)")
    for chunk in chunks:
        text, count = line.subn(b"", chunk.text)
        if count:
            request.note("the header stands again between the rows, and is skipped")
        yield Chunk(text, chunk.line)


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


def _sample(
    request: Request, name: str, cells: list[tuple[int, str]], nulls: tuple[str, ...], numbers: Notation
) -> ColumnSample:
    given = [(line, cell.strip()) for line, cell in cells if cell.strip() not in nulls]
    values = [cell for _, cell in given]
    plain = [numbers.plain(value) for value in values]
    if 2 * sum(number is not None for number in plain) > len(values):  # a single letter among them is a mistake
        return ColumnSample("number", tuple(number or value for number, value in zip(plain, values, strict=True)))
    found = sample_of_texts(request, name, values)
    if found.found == "list":
        refuse_other_decimals(request, name, given, numbers)
    return found


def _wrong_cell(cell: str, kind: ColumnKind | None, numbers: Notation) -> str:
    """The mistake in a cell; empty for a correct cell."""
    if kind not in {"number", "moment"} or cell in NULLS:
        return ""
    plain = numbers.plain(cell)
    if plain is None and kind == "moment":
        return "expected a number, or a time such as 2026-01-31 12:00:00.5."
    if plain is None:
        other = notations(cell)
        advice = f" If it is one, say --decimal {'comma' if other[0].point == ',' else 'point'}." if other else ""
        return f"expected a number, or nothing for a missing value.{advice}"
    return f"it is {BEYOND_FLOAT32}." if kind == "number" and exceeds_float32(plain) else ""
