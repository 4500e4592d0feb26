"""Wide tables: a row a sequence, the steps of each channel in columns of their own.

Cells that are empty at the end of a row, in all channels, are taken for the end of its sequence: this is how
the archive and spreadsheets write sequences of unequal lengths. Empty cells before that are missing values.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request
from unrolled.data.sequences import Sequences
from unrolled.data.tables.columns import Roles
from unrolled.data.tables.growing_array import Growing, fill
from unrolled.data.tables.sequence_columns import SequenceColumns
from unrolled.data.tables.table import Kind, Table

Steps = npt.NDArray[np.float32]


def read_wide(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences of a wide table.

    Raises:
        ReadError: for a row without values, and as `SequenceColumns`.
    """
    width, steps = len(roles.channels), len(roles.channels[0].columns)
    columns = tuple(name for step in zip(*(c.columns for c in roles.channels), strict=True) for name in step)
    cases = SequenceColumns(roles)
    values = Growing(width)
    lengths, short = [], 0
    kinds: dict[str, Kind] = dict.fromkeys(columns, "number")
    for block in table.blocks(kinds | cases.kinds()):
        cells = np.empty((block.rows, steps * width), np.float32)
        fill(cells, block, columns)
        rows: Steps = cells.reshape(block.rows, steps, width)
        there = np.logical_or.reduce(~np.isnan(rows), axis=2)  # [n, T]
        sizes = steps - there[:, ::-1].argmax(1)
        empty = ~np.logical_or.reduce(there, axis=1)
        if empty.any():
            raise block.error(int(np.argmax(empty)), "this row has no values; give it some, or remove it.")
        cases.add(block)
        inside = np.arange(steps) < sizes[:, None]  # [n, T]
        values.more(int(sizes.sum()))[:] = rows.reshape(-1, width) if inside.all() else rows[inside]
        lengths.append(sizes)
        short += int((sizes < steps).sum())
    if short:
        request.note(f"{short:,} sequences are shorter: empty cells at the end of a row are taken for its end")
    names = [channel.name for channel in roles.channels]
    return cases.describe(Sequences.from_steps(values.whole(), np.concatenate(lengths), channels=names), request)
