"""A table from any file: the names of its columns, its first rows, and all its rows in blocks.

Tables come from text (`delimited`), Parquet (`parquet`) and JSON Lines (`json_lines`). `search` decides whether a row
is a step or a sequence; `long`, `wide`, `texts` and `lists` make sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from unrolled.data.arrays import Integers, Times
from unrolled.data.labels import as_text
from unrolled.data.moments import MomentForm
from unrolled.data.numbers import BEYOND_FLOAT32, Floats, to_float32
from unrolled.data.tables.samples import ColumnSample
from unrolled.errors import ReadError, quoted

ColumnKind = Literal["number", "moment", "name", "text", "list"]
"""How a column is read: numbers; moments in time; texts of which there are few; any texts; lists."""

MOST_COLUMNS = 100_000


class Numbering:
    """Numbers texts from 0, in the order in which they first occur."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, text: str) -> int:
        """The text's number; -1 for an empty text."""
        stripped = text.strip()
        return self._numbers.setdefault(stripped, len(self._numbers)) if stripped else -1

    def texts(self) -> list[str]:
        """The texts, by number."""
        return list(self._numbers)


@dataclass(frozen=True)
class Block:
    """Some rows of a table.

    Attributes:
        rows: how many.
        columns: by name.
        error: makes an error about a row from its number in the block and the problem.
        forms: how time stamps in text are written, by column.
    """

    rows: int
    columns: Mapping[str, pa.ChunkedArray]
    error: Callable[[int, str], ReadError]
    forms: Mapping[str, MomentForm] = field(default_factory=dict)

    def numbers(self, name: str) -> npt.NDArray[np.floating]:
        """A column of numbers, [n]; NaN for a missing one."""
        column = self.columns[name]
        if not pa.types.is_floating(column.type) or pa.types.is_float16(column.type):
            column = column.cast(pa.float64(), safe=False)
        numbers: npt.NDArray[np.floating] = column.to_numpy()
        return numbers

    def float32(self, name: str, numbers: npt.NDArray[np.generic], row_of: Callable[[int], int]) -> Floats:
        """Numbers of a column as 32-bit floats.

        Args:
            name: the column.
            numbers: of any numeric type.
            row_of: the row in which the number at a position stands.
        Raises:
            ReadError: for a number that a 32-bit float cannot hold.
        """
        return to_float32(
            numbers, lambda at: self.error(row_of(at), f"column {name!r} holds {numbers[at]:g}, {BEYOND_FLOAT32}.")
        )

    def moments(self, name: str) -> Times:
        """A column of moments, [n]: numbers as they are, time stamps in seconds since 1970; NaN for a missing one."""
        column = self.columns[name]
        if name in self.forms:
            times, wrong, problem = self.forms[name].seconds(column)
            if wrong is not None:
                raise self.error(wrong, f"column {name!r} holds {quoted(str(column[wrong]))}; {problem}.")
            return times
        if not pa.types.is_temporal(column.type):
            return self.numbers(name).astype(np.float64, copy=False)
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("s"))
        unit = column.type.unit
        whole = pc.fill_null(column.cast(pa.int64()), _NO_MOMENT)
        ticks = whole.to_numpy()
        second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
        seconds: Times = ticks // second + ticks % second / second  # one division would round twice
        seconds[ticks == _NO_MOMENT] = np.nan
        return seconds

    def numbers_of(self, name: str, names: Numbering) -> Integers:
        """A column of names as their numbers, [n]; -1 for a missing one."""
        parts = []
        for chunk in self.columns[name].chunks:
            encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
            table = [
                -1 if text is None or text != text else names.number(as_text(text))  # NaN is no label
                for text in encoded.dictionary.to_pylist()
            ]
            indices = pc.fill_null(encoded.indices.cast(pa.int64()), len(table)).to_numpy(zero_copy_only=False)
            parts.append(np.array([*table, -1], np.int64)[indices])
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def texts(self, name: str) -> list[str]:
        """A column of texts; a missing text is empty."""
        return ["" if text is None else as_text(text) for text in self.columns[name].to_pylist()]


_NO_MOMENT = np.iinfo(np.int64).min


class Table(Protocol):
    """A table that is read once, from its first row to its last."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def named(self) -> bool:
        """Whether the file names its columns; otherwise their names are numbers from 0."""

    @property
    def samples(self) -> Mapping[str, ColumnSample]:
        """The first rows of each column, by name, in the order of the file."""

    def blocks(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Block]:
        """All rows.

        Args:
            kinds: the columns to read, and how.
        Raises:
            ReadError: for a value of another kind, with its line or row, and column.
        """


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of the list types."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
