"""Rows and columns into sequences.

cells             cells of text, and lists of numbers in them
columns           which column is the label, the id, the time, a channel, ...: by options, or by name and content
table             `Table`: columns, first rows, and all rows in blocks, from any file
long              a row a step
wide              a row a sequence, with a column for each step
lists             a row a sequence, its steps as a list in a cell
joined            columns that are read together as one
texts             a row a sequence, its steps the characters or words of a text
labels            class names in their order, and missing labels
sequence_columns  id, label and group of each sequence
growing_array     an array of steps that grows in place while a table is read
"""

from unrolled.data.tables.cells import NULLS, is_list_text
from unrolled.data.tables.columns import (
    ID_NAMES,
    TIME_NAMES,
    Channel,
    Roles,
    UndecidedError,
    find_roles,
    is_alike,
    is_well_known,
)
from unrolled.data.tables.growing_array import Growing
from unrolled.data.tables.joined import with_joined
from unrolled.data.tables.labels import all_known, joined_step_labels, ordered
from unrolled.data.tables.lists import read_lists
from unrolled.data.tables.long import ChangingLabelError, read_long
from unrolled.data.tables.table import (
    MOST_COLUMNS,
    Block,
    ColumnKind,
    ColumnSample,
    FoundKind,
    Table,
    is_list,
    sample_of_texts,
)
from unrolled.data.tables.texts import choose_tokens, read_texts
from unrolled.data.tables.wide import read_wide

__all__ = [
    "ID_NAMES",
    "MOST_COLUMNS",
    "NULLS",
    "TIME_NAMES",
    "Block",
    "ChangingLabelError",
    "Channel",
    "ColumnKind",
    "ColumnSample",
    "FoundKind",
    "Growing",
    "Roles",
    "Table",
    "UndecidedError",
    "all_known",
    "choose_tokens",
    "find_roles",
    "is_alike",
    "is_list",
    "is_list_text",
    "is_well_known",
    "joined_step_labels",
    "ordered",
    "read_lists",
    "read_long",
    "read_texts",
    "read_wide",
    "sample_of_texts",
    "with_joined",
]
