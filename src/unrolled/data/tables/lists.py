"""Tables with a row a sequence whose values are lists: of Parquet and JSON Lines, or written as text.

Either each channel has a column of lists of numbers, of one length within a row; or one column holds lists of lists:
a list for each step with a number for each channel (``layout = "channels-first"``: a list for each channel).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unrolled.data.arrays import Integers
from unrolled.data.files import Request
from unrolled.data.numbers import Floats
from unrolled.data.sequences import Sequences
from unrolled.data.tables.cells import lists_of
from unrolled.data.tables.growing_array import Growing
from unrolled.data.tables.roles import Roles
from unrolled.data.tables.sequence_columns import SequenceColumns
from unrolled.data.tables.table import Block, ColumnKind, Table, is_list
from unrolled.errors import ReadError


def read_lists(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences in columns of lists.

    Raises:
        ReadError: for an empty list, channels of unequal lengths, and as `SequenceColumns`.
    """
    columns = [channel.columns[0] for channel in roles.channels]
    kinds: dict[str, ColumnKind] = dict.fromkeys(columns, "list")
    per_sequence, lengths = SequenceColumns(roles), []
    values: Growing | None = None
    for block in table.blocks(kinds | per_sequence.kinds()):
        lists = [_flat(block, name) for name in columns]
        nested = [name for name, item in zip(columns, lists, strict=True) if is_list(item.elements.type)]
        if nested and len(columns) > 1:
            raise ReadError(
                table.path,
                f"column {nested[0]!r} holds lists of lists; expected no other column of values. Name it: "
                f"--channels {nested[0]}.",
            )
        steps, sizes = _nested(block, columns[0], lists[0], request) if nested else _side_by_side(block, columns, lists)
        values = values or Growing(steps.shape[1])
        room = values.more(len(steps))
        if room.shape[1] != steps.shape[1]:
            raise block.error(0, f"found {steps.shape[1]} channels where the rows before have {room.shape[1]}.")
        room[:] = steps
        lengths.append(sizes)
        per_sequence.add(block)
    if values is None:
        raise ReadError(table.path, "there are no rows in it; expected at least one.")
    whole = values.whole()
    if nested and request.config.layout is None and not request.like and max(map(max, lengths)) < whole.shape[1]:
        request.note(
            f"every sequence has fewer steps than the {whole.shape[1]} channels; if each list is a channel, and not a "
            "step, say --layout channels-first"
        )
    names = columns if len(columns) > 1 else None
    return per_sequence.describe(Sequences.from_steps(whole, np.concatenate(lengths), channels=names), request)


class _Flat(NamedTuple):
    """A column of lists: all elements end to end, and how many each row has."""

    elements: pa.Array
    sizes: Integers


def _flat(block: Block, name: str) -> _Flat:
    """A column's lists.

    Raises:
        ReadError: for a row with no list, or an empty one.
    """
    column = block.columns[name].combine_chunks()
    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    if not is_list(array.type):
        array = lists_of(array.to_pylist(), block.error, name)
    sizes = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    if (sizes < 1).any():
        raise block.error(
            int(np.argmax(sizes < 1)), f"column {name!r} holds no values; a sequence needs at least one step."
        )
    return _Flat(pc.list_flatten(array), sizes)


def _side_by_side(block: Block, names: list[str], lists: list[_Flat]) -> tuple[Floats, Integers]:
    """The steps from a column for each channel, [S, F], and the lengths, [n]."""
    first = lists[0].sizes
    for name, item in zip(names, lists, strict=True):
        other = item.sizes != first
        if other.any():
            row = int(np.argmax(other))
            raise block.error(
                row,
                f"column {name!r} has {item.sizes[row]} values where {names[0]!r} has {first[row]}; the channels of a "
                "sequence need the same number.",
            )
    return np.column_stack([_numbers(block, name, item) for name, item in zip(names, lists, strict=True)]), first


def _nested(block: Block, name: str, lists: _Flat, request: Request) -> tuple[Floats, Integers]:
    """The steps from lists of lists, [S, F], and the lengths, [n]."""
    inner = pc.fill_null(pc.list_value_length(lists.elements), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    row_of = np.repeat(np.arange(block.rows), lists.sizes)
    flat = _Flat(pc.list_flatten(lists.elements), inner)
    if request.config.layout == "channels-first":
        return _channels_first(block, name, lists.sizes, flat, row_of)
    other = inner != inner[0]
    if other.any() or inner[0] < 1:
        at = int(np.argmax(other))
        raise block.error(
            int(row_of[at]),
            f"column {name!r} has a step of {inner[at]} values where the first has {inner[0]}; expected a list for "
            "each step, with a number for each channel. If a list is a channel, say --layout channels-first.",
        )
    return _numbers(block, name, flat, row_of).reshape(-1, int(inner[0])), lists.sizes


def _channels_first(
    block: Block, name: str, channels: Integers, flat: _Flat, row_of: Integers
) -> tuple[Floats, Integers]:
    """The steps from a list for each channel, [S, F], and the lengths, [n]."""
    width = int(channels[0])
    if (channels != width).any():
        row = int(np.argmax(channels != width))
        raise block.error(row, f"column {name!r} has {channels[row]} channels where the first row has {width}.")
    sizes = flat.sizes.reshape(-1, width)  # [n, F]
    other = (sizes != sizes[:, :1]).any(1) | (sizes[:, 0] < 1)
    if other.any():
        raise block.error(int(np.argmax(other)), f"column {name!r} has channels of unequal lengths, or empty ones.")
    numbers = _numbers(block, name, flat, row_of)
    ends = np.cumsum(sizes.sum(1))
    parts = [part.reshape(width, -1).T for part in np.split(numbers, ends[:-1])]
    return np.concatenate(parts), sizes[:, 0]


def _numbers(block: Block, name: str, lists: _Flat, row_of: Integers | None = None) -> Floats:
    """The elements as 32-bit floats; NaN for a missing one."""
    doubles = lists.elements.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)

    def row(at: int) -> int:
        part = int(np.searchsorted(np.cumsum(lists.sizes), at, side="right"))
        return part if row_of is None else int(row_of[part])

    return block.float32(name, doubles, row)
