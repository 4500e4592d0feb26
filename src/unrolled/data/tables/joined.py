"""Columns that are read together as one: ids that are unique only within another column, a date beside a clock time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from unrolled.data.files import Request
from unrolled.data.tables.names import first_among
from unrolled.data.tables.samples import ColumnSample, sample_of_texts
from unrolled.data.tables.table import Block, ColumnKind, Table

_BETWEEN_IDS, _BETWEEN_MOMENTS = "/", " "
_DATES, _CLOCKS = ("date", "day", "datum"), ("time", "clock", "time_of_day", "uhrzeit", "hour")


@dataclass(frozen=True)
class Joined:
    """A table with further columns, which join the texts of others.

    Attributes:
        table: the table.
        parts: the columns that each further column joins, by its name.
        further: samples of the further columns.
    """

    table: Table
    parts: Mapping[str, tuple[str, ...]]
    further: Mapping[str, ColumnSample]

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    @property
    def named(self) -> bool:
        """Whether the file names its columns."""
        return self.table.named

    @property
    def samples(self) -> Mapping[str, ColumnSample]:
        """The first rows of each column; see `Table`."""
        return {**self.table.samples, **self.further}

    def blocks(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Block]:
        """See `Table`."""
        joined = {name: parts for name, parts in self.parts.items() if name in kinds}
        own: dict[str, ColumnKind] = {name: kind for name, kind in kinds.items() if name not in joined}
        inner = own | {part: own.get(part, "name") for parts in joined.values() for part in parts}
        for block in self.table.blocks(inner):
            columns = dict(block.columns)
            forms = dict(block.forms)
            for name, parts in joined.items():
                form = self.further[name].form
                between = _BETWEEN_IDS if form is None else _BETWEEN_MOMENTS
                columns[name] = _joined([block.columns[part] for part in parts], between)
                if form is not None:
                    forms[name] = form
            yield replace(block, columns=columns, forms=forms)


def with_joined(table: Table, request: Request) -> Table:
    """The table, with the columns that options, or an earlier file, join by a comma, and a date joined to its clock."""
    config, like = request.config, request.like
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    for name, between in (
        (config.id or like.get("id"), _BETWEEN_IDS),
        (config.time or like.get("time") or _date_and_clock(table), _BETWEEN_MOMENTS),
    ):
        parts = tuple(part.strip() for part in (name or "").split(","))
        if name and len(parts) > 1 and name not in table.samples and set(parts) <= set(table.samples):
            found[name] = (parts, between)
    further = {}
    for name, (parts, between) in found.items():
        values = list(map(between.join, zip(*(table.samples[part].values for part in parts), strict=False)))
        moment = between == _BETWEEN_MOMENTS
        further[name] = sample_of_texts(request, name, values) if moment else ColumnSample("text", tuple(values))
    return Joined(table, {name: parts for name, (parts, _) in found.items()}, further) if found else table


def _date_and_clock(table: Table) -> str | None:
    """The names of a column of dates and one of clock times, with a comma between."""
    date, clock = (first_among(table.samples, names) for names in (_DATES, _CLOCKS))
    if date is None or clock is None:
        return None
    dates, clocks = table.samples[date], table.samples[clock]
    if not dates.values or not clocks.values or dates.found != "moment" or clocks.found != "moment":
        return None
    return f"{date},{clock}" if ":" not in dates.values[0] and clocks.values[0][:3].find(":") > 0 else None


def _joined(columns: list[pa.ChunkedArray], between: str) -> pa.ChunkedArray:
    texts = [_text(column) for column in columns]
    return pc.binary_join_element_wise(*texts, between, null_handling="emit_null")


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text without space around it; null where it is empty."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.floor(column))).as_py() is not False:
        column = column.cast(pa.int64())
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
