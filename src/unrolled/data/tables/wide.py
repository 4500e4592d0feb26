"""Wide tables: a row a sequence, with a column for each step of each channel.

A row whose last cells are empty in all channels is a shorter sequence: so the archive and spreadsheets write unequal
lengths. Empty cells before the last value are missing values.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request
from unrolled.data.sequences import Sequences
from unrolled.data.tables.growing_array import Growing, by_column, fill, offsets_of
from unrolled.data.tables.roles import Roles
from unrolled.data.tables.sequence_columns import SequenceColumns
from unrolled.data.tables.table import ColumnKind, Table

Steps = npt.NDArray[np.float32]


def read_wide(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences of a wide table.

    Raises:
        ReadError: for a row without values, and as `SequenceColumns`.
    """
    width, steps = len(roles.channels), len(roles.channels[0].columns)
    columns = tuple(name for step in zip(*(c.columns for c in roles.channels), strict=True) for name in step)
    per_sequence = SequenceColumns(roles)
    values = Growing(width)
    lengths, short = [], 0
    offsets = offsets_of(table, roles.channels)
    of_column = by_column(roles.channels, offsets)
    kinds: dict[str, ColumnKind] = dict.fromkeys(columns, "number")
    for block in table.blocks(kinds | per_sequence.kinds()):
        cells = np.empty((block.rows, steps * width), np.float32)
        fill(cells, block, columns, of_column)
        rows: Steps = cells.reshape(block.rows, steps, width)
        there = np.logical_or.reduce(~np.isnan(rows), axis=2)  # [n, T]
        sizes = steps - there[:, ::-1].argmax(1)
        empty = ~np.logical_or.reduce(there, axis=1)
        if empty.any():
            raise block.error(int(np.argmax(empty)), "this row has no values; add some, or remove it.")
        if request.config.padded is False:
            sizes = np.full(block.rows, steps)
        per_sequence.add(block)
        inside = np.arange(steps) < sizes[:, None]  # [n, T]
        values.more(int(sizes.sum()))[:] = rows.reshape(-1, width) if inside.all() else rows[inside]
        lengths.append(sizes)
        short += int((sizes < steps).sum())
    if short:
        request.note(f"{short:,} sequences are shorter: empty cells at the end of a row end its sequence")
    names = [channel.name for channel in roles.channels]
    sequences = Sequences.from_steps(values.whole(), np.concatenate(lengths), channels=names)
    return per_sequence.describe(replace(sequences, offsets=offsets), request)
