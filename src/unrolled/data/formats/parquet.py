"""Parquet: a table whose columns have types, read in blocks of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as arrow_parquet
from pyarrow import types

from unrolled.data.files import MAX_EXPANSION, Request, check_file
from unrolled.data.labels import as_text
from unrolled.data.tables import MOST_COLUMNS, Block, ColumnKind, ColumnSample, FoundKind, is_list, sample_of_texts
from unrolled.errors import ReadError

_SAMPLE_ROWS = 1000
_BLOCK_BYTES = 16 << 20
_MOST_BLOCK_ROWS = 1 << 17
_MAX_THRIFT = 1 << 24
"""Bytes or elements of one item of the file's metadata; real files need far less."""


@contextmanager
def open_parquet(request: Request) -> Iterator[ParquetTable]:
    """Opens a Parquet file and reads its metadata.

    Raises:
        ReadError: for a damaged file, one without rows, and one that claims more values than it can hold.
    """
    path = request.path
    check_file(path)
    with _damage(path):
        file = arrow_parquet.ParquetFile(
            path,
            pre_buffer=False,
            buffer_size=1 << 20,
            thrift_string_size_limit=_MAX_THRIFT,
            thrift_container_size_limit=_MAX_THRIFT,
        )
        with file:
            yield _described(request, file)


def _described(request: Request, file: arrow_parquet.ParquetFile) -> ParquetTable:
    path, schema = request.path, file.schema_arrow
    if file.metadata.num_rows < 1:
        raise ReadError(path, "there are no rows in it; expected at least one.")
    if len(schema.names) > MOST_COLUMNS:
        raise ReadError(path, f"there are {len(schema.names):,} columns; expected at most {MOST_COLUMNS:,}.")

    def head(rows: int, columns: list[str]) -> pa.RecordBatch | None:
        return next(file.iter_batches(rows, columns=columns), None)

    return ParquetTable(request, file, arrow_samples(request, schema, head))


def arrow_samples(
    request: Request, schema: pa.Schema, head: Callable[[int, list[str]], pa.RecordBatch | pa.Table | None]
) -> dict[str, ColumnSample]:
    """The samples of the columns of a table of Arrow.

    Args:
        request: names the table.
        schema: the columns and their types.
        head: gives the first rows of some columns, by their number.
    Raises:
        ReadError: for a name that two columns have.
    """
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise ReadError(request.path, f"the column name {min(twice)!r} occurs twice; rename one of them.")
    kinds = {field.name: _found(field.type) for field in schema}
    flat = [name for name, found in kinds.items() if found not in (None, "list")]
    first = head(_SAMPLE_ROWS, flat) if flat else None
    samples = {}
    for name, found in kinds.items():
        if found is None:
            request.note(f"column {name!r} is left out: it holds {schema.field(name).type}")
            continue
        column = first.column(name).to_pylist() if first is not None and found != "list" else ["a list"]
        values = tuple(as_text(value) for value in column if value is not None)
        if found == "text":
            samples[name] = sample_of_texts(request, name, list(values))
        else:
            samples[name] = ColumnSample(found if values else "empty", values)
    return samples


@dataclass(frozen=True)
class ParquetTable:
    """A `Table` in a Parquet file."""

    request: Request
    file: arrow_parquet.ParquetFile
    samples: Mapping[str, ColumnSample]
    named: bool = True

    @property
    def path(self) -> Path:
        """The file."""
        return self.request.path

    def blocks(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Block]:
        """See `Table`."""
        size, rows = self.path.stat().st_size, self.file.metadata.num_rows
        self._check_size(kinds, size)
        done = 0
        for batch in self.file.iter_batches(self._block_rows(), columns=list(kinds)):
            if batch.num_rows:
                table = pa.Table.from_batches([batch])
                columns = {name: table.column(name) for name in kinds}
                forms = {name: sample.form for name, sample in self.samples.items() if sample.form}
                yield Block(batch.num_rows, columns, partial(self._row_error, done), forms)
                done += batch.num_rows
            self.request.observer.progress(size * min(done, rows) // rows, size)

    def _row_error(self, first: int, row: int, problem: str) -> ReadError:
        return ReadError(self.path, f"row {first + row + 1}: {problem}")

    def _block_rows(self) -> int:
        metadata = self.file.metadata
        total = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
        rows: int = _BLOCK_BYTES * metadata.num_rows // max(total, 1)
        return max(min(rows, _MOST_BLOCK_ROWS), 1)

    def _check_size(self, kinds: Mapping[str, ColumnKind], size: int) -> None:
        """Refuses a small file that claims many values before memory is allocated for them."""
        metadata, values = self.file.metadata, 0
        for group in (metadata.row_group(index) for index in range(metadata.num_row_groups)):
            for index in range(group.num_columns):
                column = group.column(index)
                if kinds.get(column.path_in_schema.split(".")[0]) in ("number", "list"):
                    values += column.num_values
        if 4 * values > MAX_EXPANSION * size:
            raise ReadError(
                self.path,
                f"it claims {values:,} values, more than a file of {size:,} bytes can hold. It is damaged, or all "
                "its values are the same; write it again, or as CSV.",
            )


def _found(kind: pa.DataType) -> FoundKind | None:
    """The content of a column, by its type; None for types that are not read."""
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind):
        return "number"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "moment"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    if types.is_null(kind):
        return "empty"
    if is_list(kind):
        inner = kind.value_type.value_type if is_list(kind.value_type) else kind.value_type
        return "list" if types.is_integer(inner) or types.is_floating(inner) or types.is_decimal(inner) else None
    return None


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError, TypeError, RuntimeError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise ReadError(
            path, f"not a Parquet file, or a damaged one ({cause[:200]}). Write or copy it again."
        ) from None
