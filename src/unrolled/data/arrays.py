"""The arrays that `Sequences` consist of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32] | npt.NDArray[np.uint8] | npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]
"""Texts as Python strings: in a fixed-width array one long name would widen a million short ones."""
Times = npt.NDArray[np.float64]
Offsets = npt.NDArray[np.float64]


def as_names(texts: Iterable[str]) -> Names:
    """Texts as an array, [N]."""
    names = list(texts)
    array: Names = np.empty(len(names), object)
    array[:] = names
    return array
