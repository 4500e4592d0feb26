"""Padding with NaN, behind the last step of a sequence in an array."""

from __future__ import annotations

import numpy as np

from unrolled.data.arrays import Integers, Values


def lengths_without_padding(values: Values, starts: Integers, lengths: Integers) -> Integers | None:
    """The lengths without the steps of NaN at the ends, 0 for nothing else, [N]; None if no sequence ends with one."""
    ends = starts + lengths
    if values.dtype.kind != "f" or not np.isnan(values[ends - 1]).all(axis=1).any():
        return None
    there = np.logical_not(np.logical_and.reduce(np.isnan(values), axis=1))  # [S]
    last = np.append(np.where(there, np.arange(1, len(there) + 1), 0), 0)
    shorter: Integers = np.maximum.reduceat(last, np.column_stack([starts, ends]).ravel())[::2] - starts
    return np.maximum(shorter, 0)
