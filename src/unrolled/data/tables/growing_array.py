"""Memory for steps that are read block by block, without a second copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unrolled.data.arrays import Offsets
from unrolled.data.numbers import Floats, offsets_between, parse_number
from unrolled.data.tables.roles import Channel
from unrolled.data.tables.table import Block, Table

_FIRST_STEPS = 4096
_GROWTH = 1.3


class Growing:
    """An array [S, F] of 32-bit floats that grows at its end.

    It is enlarged in place where the system supports that (the pages of a large array are moved, not copied), and
    the system provides no memory for the part that is not written yet, so the peak is the array itself.

    Args:
        width: values of a step, F.
    """

    def __init__(self, width: int) -> None:
        self._array: Floats = np.empty((_FIRST_STEPS if width < _FIRST_STEPS else 16, width), np.float32)
        self._steps = 0

    def more(self, steps: int) -> Floats:
        """Space for further steps, which the caller fills, [steps, F]."""
        first, self._steps = self._steps, self._steps + steps
        if self._steps > len(self._array):
            size = max(self._steps, int(len(self._array) * _GROWTH))
            self._array.resize((size, self._array.shape[1]), refcheck=False)
        return self._array[first : self._steps]

    def whole(self) -> Floats:
        """All steps, [S, F]; nothing can be added afterwards."""
        self._array.resize((self._steps, self._array.shape[1]), refcheck=False)
        return self._array


def fill(room: Floats, block: Block, columns: tuple[str, ...], offsets: Mapping[str, float]) -> None:
    """Writes columns of numbers side by side, [n, len(columns)], less the offsets of columns that have one.

    Raises:
        ReadError: for a number that a 32-bit float cannot hold.
    """
    for index, name in enumerate(columns):
        numbers = block.numbers(name)
        if offsets.get(name):
            numbers = numbers.astype(np.float64) - offsets[name]
        room[:, index] = block.float32(name, numbers, lambda at: at)


def offsets_of(table: Table, channels: Sequence[Channel]) -> Offsets | None:
    """What is taken off each channel, [F], as the first rows show; see `offsets_between`.

    Args:
        table: with the first rows.
        channels: with the columns of their values.
    """
    low, high = np.full(len(channels), np.nan), np.full(len(channels), np.nan)
    for index, channel in enumerate(channels):
        values = (value for name in channel.columns for value in table.samples[name].values)
        numbers = [number for value in values if (number := parse_number(value)) is not None]
        if numbers:
            low[index], high[index] = min(numbers), max(numbers)
    return offsets_between(low, high)


def by_column(channels: Sequence[Channel], offsets: Offsets | None) -> dict[str, float]:
    """The offset of each column; none where nothing is taken off."""
    if offsets is None:
        return {}
    return {name: offset for channel, offset in zip(channels, offsets, strict=True) for name in channel.columns}
