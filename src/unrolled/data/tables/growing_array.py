"""Memory for steps that are read block by block, without a second copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from unrolled.data.numbers import Floats, offsets_between, parse_number
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


def fill(room: Floats, block: Block, columns: tuple[str, ...], offsets: Mapping[str, float] | None = None) -> None:
    """Writes columns of numbers side by side, [n, len(columns)], less the offsets of columns that have one.

    Raises:
        ReadError: for a number that a 32-bit float cannot hold.
    """
    for index, name in enumerate(columns):
        numbers = block.numbers(name)
        if offsets and offsets.get(name):
            numbers = numbers.astype(np.float64) - offsets[name]
        room[:, index] = block.float32(name, numbers, lambda at: at)


def offsets_of(table: Table, columns: Iterable[str]) -> dict[str, float]:
    """What is taken off each column of numbers, as its first rows show; see `offsets_between`.

    Args:
        table: with the first rows.
        columns: of numbers.
    """
    found: dict[str, float] = {}
    for name in columns:
        numbers = [number for value in table.samples[name].values if (number := parse_number(value)) is not None]
        taken = offsets_between(np.array([min(numbers)]), np.array([max(numbers)])) if numbers else None
        found[name] = 0.0 if taken is None else float(taken[0])
    return found if any(found.values()) else {}
