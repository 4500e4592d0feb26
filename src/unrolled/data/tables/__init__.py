"""Rows and columns into sequences.

cells             cells of text, and lists of numbers in them
table             `Table`: columns, first rows, and all rows in blocks, from any file
samples           the first rows of a column, and what they look like
names             names of columns: well-known ones, and those that end with a step's number
roles             the roles that columns have: label, id, time, channel, ...; as a sentence, and as a record
search            which column has which role: by options, or by name and content
free_columns      the columns that have no role yet
channels          the channels among them
long              a row a step
row_order         the rows of mixed sequences, in the order of the sequences
wide              a row a sequence, with a column for each step
lists             a row a sequence, its steps as a list in a cell
joined            columns that are read together as one
texts             a row a sequence, its steps the characters or words of a text
labels            class names in their order, and missing labels
sequence_columns  id, label and group of each sequence
growing_array     an array of steps that grows in place while a table is read
"""

from unrolled.data.tables.cells import NULLS, is_list_text
from unrolled.data.tables.growing_array import Growing
from unrolled.data.tables.joined import with_joined
from unrolled.data.tables.labels import all_known, joined_step_labels, ordered
from unrolled.data.tables.lists import read_lists
from unrolled.data.tables.long import ChangingLabelError, read_long
from unrolled.data.tables.names import ID_NAMES, TIME_NAMES, first_among, is_well_known
from unrolled.data.tables.roles import Channel, Roles, UndecidedError, is_alike
from unrolled.data.tables.samples import MOST_CLASSES_SHARE, ColumnSample, FoundKind, sample_of_texts
from unrolled.data.tables.search import find_roles
from unrolled.data.tables.table import MOST_COLUMNS, Block, ColumnKind, Table, is_list
from unrolled.data.tables.texts import choose_tokens, read_texts
from unrolled.data.tables.wide import read_wide

__all__ = [
    "ID_NAMES",
    "MOST_CLASSES_SHARE",
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
    "first_among",
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
