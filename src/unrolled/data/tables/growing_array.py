"""Steps that are read a block at a time, in memory that holds them once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.data.tables.table import Block

_FIRST_STEPS = 4096
_GROWTH = 1.3

Floats = npt.NDArray[np.float32]


class Growing:
    """An array [S, F] of 32-bit floats that grows at its end.

    It is enlarged in place where the system can do that (the pages of a large array are moved, not copied), and
    memory beyond what was written is not taken from the machine: the array itself is all that is held.

    Args:
        width: values of a step, F.
    """

    def __init__(self, width: int) -> None:
        self._array: Floats = np.empty((_FIRST_STEPS if width < _FIRST_STEPS else 16, width), np.float32)
        self._steps = 0

    def more(self, steps: int) -> Floats:
        """Room for further steps, to be filled by the caller, [steps, F]."""
        first, self._steps = self._steps, self._steps + steps
        if self._steps > len(self._array):
            size = max(self._steps, int(len(self._array) * _GROWTH))
            self._array.resize((size, self._array.shape[1]), refcheck=False)
        return self._array[first : self._steps]

    def whole(self) -> Floats:
        """All steps, [S, F]; nothing can be added afterwards."""
        self._array.resize((self._steps, self._array.shape[1]), refcheck=False)
        return self._array


def fill(room: Floats, block: Block, columns: tuple[str, ...]) -> None:
    """Writes columns of numbers side by side, [n, len(columns)].

    Raises:
        ReadError: for a number that a 32-bit float cannot hold.
    """
    for index, name in enumerate(columns):
        numbers = block.numbers(name)
        try:
            with np.errstate(over="raise", invalid="ignore"):
                room[:, index] = numbers
        except FloatingPointError:
            with np.errstate(over="ignore"):
                row = int(np.argmax(np.isinf(numbers.astype(np.float32)) & np.isfinite(numbers)))
            raise block.error(
                row,
                f"column {name!r} holds {numbers[row]:g}, which is beyond the range of 32-bit numbers (3.4e38); "
                "scale the values.",
            ) from None
