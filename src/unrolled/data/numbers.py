"""Numbers in text, and numbers as 32-bit floats: the same rules for every format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unrolled.errors import DataError

Floats = npt.NDArray[np.float32]

BEYOND_FLOAT32 = "beyond the range of 32-bit numbers (3.4e38); scale the values"
_INFINITE = {"inf", "infinity"}


def parse_number(text: str) -> float | None:
    """The number that a text spells; None where it spells none, or groups digits (``1_000``)."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def exceeds_float32(text: str) -> bool:
    """Whether a text spells a finite number that a 32-bit float cannot hold."""
    with np.errstate(over="ignore"):
        return bool(np.isinf(np.float32(float(text)))) and text.lower().lstrip("+-") not in _INFINITE


def to_float32(numbers: npt.NDArray[np.generic], error: Callable[[int], DataError]) -> Floats:
    """The numbers as 32-bit floats in C order, without a copy where they are so already.

    Args:
        numbers: of any numeric type.
        error: makes the error for a finite number that a 32-bit float cannot hold, from the number's position in the
            flattened array.
    """
    try:
        with np.errstate(over="raise", invalid="ignore"):
            return np.ascontiguousarray(numbers, np.float32)
    except FloatingPointError:
        with np.errstate(over="ignore", invalid="ignore"):
            beyond = np.isinf(numbers.astype(np.float32)) & np.isfinite(numbers)
        raise error(int(np.argmax(beyond))) from None
