"""JSON Lines: an object a line, ``{"sequence": [...], "label": ...}``.

The keys are the columns of a table: a list of numbers, or a list of steps each with a list of numbers; a text; a
label, an id, a group. A line that is a step, with numbers in its keys and an id, is read as a long table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from unrolled.data.files import Chunk, Request, read_chunks
from unrolled.data.formats.table_files import read_table
from unrolled.data.sequences import Sequences
from unrolled.data.tables import Block, Found, Kind, Sample, as_text
from unrolled.errors import ReadError, shortened

_CHUNK_BYTES = 4 << 20
_SAMPLE_LINES = 1000
_MAX_LINE_BYTES = 256 << 20
_MOST_KEYS = 1000
_KINDS: tuple[Found, ...] = ("number", "text", "list")

Row = tuple[int, dict[str, Any]]
"""A line's number, and the object in it."""


def read_json_lines(request: Request) -> Sequences:
    """The sequences in a file of JSON Lines.

    Raises:
        ReadError: with the line, for one that is no JSON object, and as for any table.
    """
    chunks = read_chunks(request, quoted=False, size=_CHUNK_BYTES, longest=_MAX_LINE_BYTES)
    groups = (list(_rows(request.path, chunk)) for chunk in chunks)
    first = next(groups, [])
    if not first:
        raise ReadError(request.path, "there is nothing in it; expected a JSON object a line.")
    return read_table(
        JsonTable(request.path, _samples(request, first[:_SAMPLE_LINES]), chain([first], groups)), request
    )


@dataclass(frozen=True)
class JsonTable:
    """A `Table` of JSON objects."""

    path: Path
    samples: Mapping[str, Sample]
    groups: Iterator[list[Row]]
    named: bool = True

    def blocks(self, kinds: Mapping[str, Kind]) -> Iterator[Block]:
        """See `Table`."""
        for rows in filter(None, self.groups):
            columns = {name: self._column(rows, name, kind) for name, kind in kinds.items()}
            yield Block(len(rows), columns, _Place(self.path, rows).error)

    def _column(self, rows: list[Row], name: str, kind: Kind) -> pa.ChunkedArray:
        values = [row.get(name) for _, row in rows]
        type_ = self._type(name, kind)
        if kind in ("name", "text"):
            values = [self._text(line, name, row.get(name)) for line, row in rows]
        try:
            return pa.chunked_array([pa.array(values, type_)])
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            self._explain(rows, name, type_)
            raise

    def _type(self, name: str, kind: Kind) -> pa.DataType:
        if kind in ("name", "text"):
            return pa.string()
        if kind == "list":
            return pa.list_(pa.list_(pa.float64())) if "nested" in self.samples[name].values else pa.list_(pa.float64())
        return pa.float64()

    def _text(self, line: int, name: str, value: Any) -> str | None:
        if value is None or isinstance(value, str | int | float):
            return None if value is None else as_text(value).encode("utf-8", "replace").decode()
        raise ReadError(self.path, f"{name!r} is {_short(value)}; expected a text or a number.", line=line)

    def _explain(self, rows: list[Row], name: str, type_: pa.DataType) -> None:
        """Finds the first line that does not fit a column."""
        expected = {pa.float64(): "a number", pa.list_(pa.float64()): "a list of numbers"}.get(
            type_, "a list of steps, each a list of numbers"
        )
        for line, row in rows:
            try:
                pa.array([row.get(name)], type_)
            except (pa.ArrowException, ValueError, TypeError, OverflowError):
                raise ReadError(
                    self.path,
                    f"{name!r} is {_short(row.get(name))}; expected {expected}, null where one is missing.",
                    line=line,
                ) from None


@dataclass(frozen=True)
class _Place:
    """Finds the line of a row."""

    path: Path
    rows: list[Row]

    def error(self, row: int, problem: str) -> ReadError:
        """An error about a row, by its number in the block."""
        return ReadError(self.path, problem, line=self.rows[row][0])


def _rows(path: Path, chunk: Chunk) -> Iterator[Row]:
    for number, raw in enumerate(chunk.text.split(b"\n"), chunk.line):
        if not raw.strip():
            continue
        try:
            value = json.loads(raw)
        except json.JSONDecodeError as error:
            raise ReadError(
                path, f"this is not JSON ({error.msg}); expected an object a line.", line=number, column=error.colno
            ) from None
        except (ValueError, RecursionError) as error:
            raise ReadError(path, f"this is not JSON that can be read ({str(error)[:80]}).", line=number) from None
        if not isinstance(value, dict):
            raise ReadError(
                path,
                f'found {_short(value)}; expected an object, such as {{"sequence": [1, 2], "label": "a"}}.',
                line=number,
            )
        if len(value) > _MOST_KEYS:
            raise ReadError(path, f"an object of {len(value):,} keys; expected at most {_MOST_KEYS:,}.", line=number)
        yield number, value


def _samples(request: Request, rows: list[Row]) -> dict[str, Sample]:
    names = dict.fromkeys(name for _, row in rows for name in row)
    samples = {}
    for name in names:
        values = [row[name] for _, row in rows if row.get(name) is not None]
        found = _found(values)
        if found is None:
            request.note(f"{name!r} is left out: it holds {_short(values[0])}")
        elif found == "list":
            samples[name] = Sample(found, ("nested" if _is_nested(values[0]) else "flat",))
        else:
            samples[name] = Sample(found, tuple(as_text(value) for value in values))
    return samples


def _found(values: list[Any]) -> Found | None:
    """What most of a key's values are; None for what is of no use."""
    counts: dict[Found, int] = {
        "number": sum(isinstance(value, int | float) for value in values),
        "text": sum(isinstance(value, str) for value in values),
        "list": sum(isinstance(value, list) and bool(value) for value in values),
    }
    if not values:
        return "empty"
    best: Found = max(_KINDS, key=lambda kind: counts[kind])
    if counts[best] == 0:
        return "list" if [] in values else None  # an empty list has no steps, which is said later
    return best


def _is_nested(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def _short(value: Any) -> str:
    return shortened(repr(value[:20] if isinstance(value, list) else value))
