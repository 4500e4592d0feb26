"""Rows and columns into sequences: which column is what, long and wide tables, lists and texts in cells."""

from unrolled.data.tables.growing import Growing
from unrolled.data.tables.labels import ordered
from unrolled.data.tables.lists import read_lists
from unrolled.data.tables.long import read_long
from unrolled.data.tables.roles import Roles, find_roles
from unrolled.data.tables.table import MOST_COLUMNS, Block, Found, Kind, Sample, Table, as_text, is_list
from unrolled.data.tables.texts import read_texts
from unrolled.data.tables.wide import read_wide

__all__ = [
    "MOST_COLUMNS",
    "Block",
    "Found",
    "Growing",
    "Kind",
    "Roles",
    "Sample",
    "Table",
    "as_text",
    "find_roles",
    "is_list",
    "ordered",
    "read_lists",
    "read_long",
    "read_texts",
    "read_wide",
]
