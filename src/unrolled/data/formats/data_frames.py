"""Data frames of pandas, Polars and others, read as the same table in a file would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from unrolled.data.files import Request
from unrolled.data.formats.parquet import arrow_samples
from unrolled.data.formats.table_files import read_table
from unrolled.data.sequences import Sequences
from unrolled.data.tables import Block, ColumnKind, ColumnSample, is_alike
from unrolled.errors import ReadError

FRAME = Path("the data frame")
"""In the place of a file's name, in messages."""


@dataclass(frozen=True)
class FrameTable:
    """A `Table` in memory."""

    table: pa.Table
    samples: Mapping[str, ColumnSample]
    named: bool
    path: Path = FRAME

    def blocks(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Block]:
        """See `Table`."""
        forms = {name: sample.form for name, sample in self.samples.items() if sample.form}
        columns = {name: self.table.column(name) for name in kinds}
        yield Block(self.table.num_rows, columns, _row_error, forms)


def read_frame(frame: Any, request: Request) -> Sequences:
    """The sequences in a data frame: a row a step, or a row a sequence, by the same options as in a file.

    Raises:
        ReadError: with the row, counted from 1, and the column.
    """
    return read_table(_opened(frame, request), request)


def frame_is_like(frame: Any, like: Mapping[str, Any]) -> bool:
    """Whether a frame has the columns of the table that was read before; see `Sequences.reading`."""
    request = Request(FRAME, labels_needed=False, like=like)
    return "form" in like and getattr(frame, "ndim", 2) == 2 and is_alike(_opened(frame, request), request)


def _opened(frame: Any, request: Request) -> FrameTable:
    table, named = _as_arrow(frame)
    if not table.num_rows or not table.num_columns:
        raise ReadError(FRAME, "there are no rows or no columns in it; expected at least one of each.")
    return FrameTable(
        table, arrow_samples(request, table.schema, lambda rows, names: table.select(names).slice(0, rows)), named
    )


def _as_arrow(frame: Any) -> tuple[pa.Table, bool]:
    """The frame as a table of Arrow, with the named levels of its index as columns; and whether columns have names."""
    index = getattr(frame, "index", None)
    levels = [name for name in getattr(index, "names", ()) if name is not None and name not in frame.columns]
    try:
        if levels:
            frame = frame.reset_index(levels)
        names = list(frame.columns)
        if index is None:
            return pa.table(frame), True
        return pa.Table.from_pandas(frame, preserve_index=False), any(isinstance(name, str) for name in names)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ReadError(
            FRAME,
            f"a column holds values of several types ({str(error).splitlines()[0][:200]}); expected one type each.",
        ) from None


def _row_error(row: int, problem: str) -> ReadError:
    return ReadError(FRAME, f"row {row + 1}: {problem}")
