"""A table, whatever file it stands in: its columns' names, what its first rows hold, and its rows in blocks.

Tables come from text (`delimited`) and from Parquet (`parquet`); what a row is, a step or a sequence, is decided
in `columns`, and sequences are made in `long`, `wide`, `texts` and `lists`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from unrolled.data.numbers import BEYOND_FLOAT32, Floats, to_float32
from unrolled.data.sequences import Integers, Times, as_text
from unrolled.errors import ReadError

Kind = Literal["number", "moment", "name", "text", "list"]
"""How a column is read: numbers; moments in time; one of few texts; any text; lists."""
Found = Literal["number", "moment", "text", "list", "empty"]
"""What a column was found to hold."""

MOST_COLUMNS = 100_000


@dataclass(frozen=True)
class Sample:
    """What the first rows of a column hold.

    Attributes:
        found: the kind of most of its values.
        values: the values that are not missing, as text.
    """

    found: Found
    values: tuple[str, ...]

    @property
    def repeats(self) -> bool:
        """Whether a value occurs twice."""
        return len(set(self.values)) < len(self.values)


class Names:
    """Numbers from 0 for texts, in the order in which they first occur."""

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
        columns: those that were asked for.
        error: an error about one of the rows, by its number in the block, and what is wrong.
    """

    rows: int
    columns: Mapping[str, pa.ChunkedArray]
    error: Callable[[int, str], ReadError]

    def numbers(self, name: str) -> npt.NDArray[np.floating]:
        """A column of numbers, [n]; NaN where there is none."""
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
        """A column of moments, [n]: numbers as they are, time stamps in seconds; NaN where there is none."""
        column = self.columns[name]
        if not pa.types.is_temporal(column.type):
            return self.numbers(name).astype(np.float64, copy=False)
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("s"))
        unit = column.type.unit
        whole = pc.fill_null(column.cast(pa.int64()), _NO_MOMENT)
        ticks = whole.to_numpy()
        second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
        seconds: Times = ticks // second + ticks % second / second  # not at once: that would round twice
        seconds[ticks == _NO_MOMENT] = np.nan
        return seconds

    def numbers_of(self, name: str, names: Names) -> Integers:
        """A column of names as their numbers, [n]; -1 where there is none."""
        parts = []
        for chunk in self.columns[name].chunks:
            encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
            table = [
                -1 if _is_missing(text) else names.number(as_text(text)) for text in encoded.dictionary.to_pylist()
            ]
            indices = pc.fill_null(encoded.indices.cast(pa.int64()), len(table)).to_numpy(zero_copy_only=False)
            parts.append(np.array([*table, -1], np.int64)[indices])
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def texts(self, name: str) -> list[str]:
        """A column of texts; a missing one is empty."""
        return ["" if text is None else as_text(text) for text in self.columns[name].to_pylist()]


_NO_MOMENT = np.iinfo(np.int64).min


class Table(Protocol):
    """A table that is read once, from its first row to its last."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def named(self) -> bool:
        """Whether the columns' names stand in the file; otherwise they are their numbers from 0."""

    @property
    def samples(self) -> Mapping[str, Sample]:
        """What the first rows hold, by the column's name, in the file's order."""

    def blocks(self, kinds: Mapping[str, Kind]) -> Iterator[Block]:
        """The rows, with the columns that are asked for.

        Raises:
            ReadError: for a value that is not of the kind asked for, with its line or row, and column.
        """


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is a list of any sort."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
