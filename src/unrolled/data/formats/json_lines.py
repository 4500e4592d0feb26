"""JSON Lines: an object a line, ``{"sequence": [...], "label": ...}``.

The keys are the columns of a table. A value may be a list of numbers, a list of steps (each a list of numbers), a
text, a label, an id or a group. Lines with an id and numbers are the steps of a long table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from unrolled.data.files import Line, Request, read_lines
from unrolled.data.formats.table_files import read_table
from unrolled.data.labels import as_text
from unrolled.data.sequences import Sequences
from unrolled.data.tables import Block, ColumnKind, ColumnSample, FoundKind, sample_of_texts
from unrolled.errors import ReadError, shortened

_SAMPLE_LINES = 1000
_MOST_KEYS = 1000
_KINDS: tuple[FoundKind, ...] = ("number", "text", "list")
_ARROW_ERRORS = (pa.ArrowException, ValueError, TypeError, OverflowError)

Row = tuple[Line, dict[str, Any]]
"""A line, and the object in it."""


def read_json_lines(request: Request) -> Sequences:
    """The sequences in a file of JSON Lines.

    Raises:
        ReadError: with the line, for a line that is not a JSON object, and as for any table.
    """
    blocks = filter(None, ([(line, _parse(line)) for line in lines] for lines in read_lines(request)))
    first = next(blocks, None)
    if first is None:
        raise ReadError(request.path, "there is nothing in it; expected a JSON object a line.")
    samples = _samples(request, first[:_SAMPLE_LINES])
    return read_table(JsonTable(request.path, samples, chain([first], blocks)), request)


@dataclass(frozen=True)
class JsonTable:
    """A `Table` of JSON objects."""

    path: Path
    samples: Mapping[str, ColumnSample]
    row_blocks: Iterator[list[Row]]
    named: bool = True

    def blocks(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Block]:
        """See `Table`."""
        for rows in self.row_blocks:
            columns = {name: self._column(rows, name, kind) for name, kind in kinds.items()}
            forms = {name: sample.form for name, sample in self.samples.items() if sample.form}
            yield Block(len(rows), columns, partial(_row_error, rows), forms)

    def _column(self, rows: list[Row], name: str, kind: ColumnKind) -> pa.ChunkedArray:
        if kind in ("name", "text") or (kind in ("moment", "list") and _as_text(self.samples[name])):
            return pa.chunked_array([pa.array([_text(line, name, row.get(name)) for line, row in rows], pa.string())])
        type_, expected = pa.float64(), "a number"
        if kind == "list":
            type_, expected = pa.list_(type_), "a list of numbers"
            if "nested" in self.samples[name].values:
                type_, expected = pa.list_(type_), "a list of steps, each a list of numbers"
        try:
            return pa.chunked_array([pa.array([row.get(name) for _, row in rows], type_)])
        except _ARROW_ERRORS:
            for line, row in rows:
                try:
                    pa.array([row.get(name)], type_)
                except _ARROW_ERRORS:
                    found = _abbreviated(row.get(name))
                    raise line.error(f"{name!r} is {found}; expected {expected}, null where one is missing.") from None
            raise


def _row_error(rows: list[Row], row: int, problem: str) -> ReadError:
    return rows[row][0].error(problem)


def _as_text(sample: ColumnSample) -> bool:
    """Whether time stamps or lists are written as texts."""
    return sample.form is not None or (sample.found == "list" and not {"nested", "flat"} & set(sample.values))


def _text(line: Line, name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str | int | float):
        return as_text(value).encode("utf-8", "replace").decode()
    raise line.error(f"{name!r} is {_abbreviated(value)}; expected a text or a number.")


def _parse(line: Line) -> dict[str, Any]:
    try:
        value = json.loads(line.text)
    except json.JSONDecodeError as error:
        raise line.error(f"this is not JSON ({error.msg}); expected an object a line.", error.colno - 1) from None
    except (ValueError, RecursionError) as error:
        raise line.error(f"this is not JSON that can be read ({str(error)[:80]}).") from None
    if not isinstance(value, dict):
        raise line.error(
            f'found {_abbreviated(value)}; expected an object, such as {{"sequence": [1, 2], "label": "a"}}.'
        )
    if len(value) > _MOST_KEYS:
        raise line.error(f"an object of {len(value):,} keys; expected at most {_MOST_KEYS:,}.")
    return value


def _samples(request: Request, rows: list[Row]) -> dict[str, ColumnSample]:
    names = dict.fromkeys(name for _, row in rows for name in row)
    samples = {}
    for name in names:
        values = [row[name] for _, row in rows if row.get(name) is not None]
        found = _found(values)
        if found is None:
            request.note(f"{name!r} is left out: it holds {_abbreviated(values[0])}")
        elif found == "list":
            nested = isinstance(values[0], list) and values[0] and isinstance(values[0][0], list)
            samples[name] = ColumnSample(found, ("nested" if nested else "flat",))
        elif found == "text":
            samples[name] = sample_of_texts(request, name, [as_text(value) for value in values])
        else:
            samples[name] = ColumnSample(found, tuple(as_text(value) for value in values))
    return samples


def _found(values: list[Any]) -> FoundKind | None:
    """What most values of a key are; None where they are neither numbers nor texts nor lists."""
    counts: dict[FoundKind, int] = {
        "number": sum(isinstance(value, int | float) for value in values),
        "text": sum(isinstance(value, str) for value in values),
        "list": sum(isinstance(value, list) and bool(value) for value in values),
    }
    if not values:
        return "empty"
    best: FoundKind = max(_KINDS, key=lambda kind: counts[kind])
    if counts[best] == 0:
        return "list" if [] in values else None  # an empty list has no steps; the reader of lists refuses it
    return best


def _abbreviated(value: Any) -> str:
    return shortened(repr(value[:20] if isinstance(value, list) else value))
