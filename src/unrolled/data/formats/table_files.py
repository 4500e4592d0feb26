"""Tables into sequences: the roles of the columns decide which reader of `tables` applies."""

from __future__ import annotations

from pathlib import Path

from unrolled.data.files import STANDARD_INPUT, Request, naming
from unrolled.data.formats.delimited import open_delimited
from unrolled.data.formats.parquet import open_parquet
from unrolled.data.sequences import Sequences
from unrolled.data.tables import Table, find_roles, read_lists, read_long, read_texts, read_wide, with_joined

_READERS = {"long": read_long, "wide": read_wide, "text": read_texts, "lists": read_lists}


def read_csv(request: Request) -> Sequences:
    """The sequences in a table in text."""
    return read_table(open_delimited(request, announced_delimiter(request.path)), request)


def announced_delimiter(path: Path) -> str | None:
    """The delimiter that a file's name announces; None if it announces none."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".tsv", ".tab")):
        return "\t"
    return "," if name.endswith(".csv") or path == STANDARD_INPUT else None


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
        table = with_joined(table, request)
        roles = find_roles(table, request)
        return _READERS[roles.form](table, roles, request)
