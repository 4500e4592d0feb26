"""From a table to sequences: its roles first, then the reader of its shape."""

from __future__ import annotations

from unrolled.data.readers.delimited import open_delimited
from unrolled.data.readers.lists import read_lists
from unrolled.data.readers.long import read_long
from unrolled.data.readers.opening import naming
from unrolled.data.readers.parquet import open_parquet
from unrolled.data.readers.request import Request
from unrolled.data.readers.roles import find_roles
from unrolled.data.readers.table import Table
from unrolled.data.readers.texts import read_texts
from unrolled.data.readers.wide import read_wide
from unrolled.data.sequences import Sequences

_SHAPES = {"long": read_long, "wide": read_wide, "text": read_texts, "lists": read_lists}


def read_csv(request: Request) -> Sequences:
    """The sequences in a table with commas between its columns."""
    return read_table(open_delimited(request, ","), request)


def read_tsv(request: Request) -> Sequences:
    """The sequences in a table with tabs between its columns."""
    return read_table(open_delimited(request, "\t"), request)


def read_parquet(request: Request) -> Sequences:
    """The sequences in a Parquet file."""
    with open_parquet(request) as table:
        return read_table(table, request)


def read_table(table: Table, request: Request) -> Sequences:
    """The sequences in any table.

    Raises:
        ReadError: with the line or the row, and the column.
    """
    with naming(table.path):
        roles = find_roles(table, request)
        return _SHAPES[roles.shape](table, roles, request)
