"""A caller's arrays as steps end to end, in the type that `Sequences` store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from unrolled.data.arrays import Integers, Offsets, Times, Values
from unrolled.data.foreign import as_array, frame_columns
from unrolled.data.numbers import BEYOND_FLOAT32, offsets_between, to_float32
from unrolled.data.padding import lengths_without_padding
from unrolled.errors import DataError, LengthError, listed

_WIDE = {"f": 8, "i": 4, "u": 4}
"""Bytes of numbers that 32-bit floats may not hold, by the kind of their type."""


class Steps(NamedTuple):
    """The steps of all sequences, [S, F], the length of each, [N], and what was taken off each channel, [F]."""

    values: Values
    lengths: Integers
    offsets: Offsets | None


def steps_of_arrays(items: Sequence[Any]) -> Steps:
    """The steps of arrays, tensors or data frames, [T_i, F] or [T_i].

    Raises:
        LengthError: for a sequence with no steps.
        DataError: for sequences with different numbers of channels, and for values that are not numbers.
    """
    arrays = _rows(items)
    offsets = _offsets(arrays)
    rows = [_as_values(array, f"sequence {index}", offsets) for index, array in enumerate(arrays)]
    values: Values = np.concatenate(rows)  # type: ignore[assignment]  # bytes, or floats
    return Steps(values, np.array(list(map(len, rows)), np.int64), offsets)


def steps_of_array(array: npt.NDArray[np.generic], *, padded: bool) -> Steps:
    """The steps of an array [N, T, F] or [N, T]; see `Sequences.from_array`.

    Raises:
        LengthError: for an empty array, and a sequence of padding alone.
        DataError: for other shapes, and for values that are not numbers.
    """
    if array.ndim not in (2, 3):
        raise DataError(f"an array of sequences is [N, T, F] or [N, T]; found the shape {array.shape}.")
    if 0 in array.shape:
        raise LengthError(f"the array of shape {array.shape} holds nothing; expected at least one of each.")
    count, steps = array.shape[:2]
    numbers = array.reshape(count * steps, -1)
    _check_numbers(numbers, "the array")
    offsets = _offsets([numbers])
    values = _as_values(numbers, "the array", offsets)
    lengths = np.full(count, steps)
    shorter = lengths_without_padding(values, np.arange(count) * steps, lengths) if padded else None
    if shorter is None:
        return Steps(values, lengths, offsets)
    if not shorter.all():
        raise LengthError(
            f"sequence {int(np.argmin(shorter))} of the array holds nothing but NaN; remove it, or give it a value."
        )
    return Steps(values[(np.arange(steps) < shorter[:, None]).ravel()], shorter, offsets)


def for_each_step(columns: Iterable[npt.ArrayLike], lengths: Integers, name: str) -> list[npt.ArrayLike]:
    """Of each sequence what belongs to its steps, such as labels.

    Raises:
        DataError: for other numbers than the lengths of the sequences.
    """
    found = list(columns)
    sizes = [len(np.asarray(each, object)) for each in found]
    if sizes != lengths.tolist():
        raise DataError(
            f"found {name} for {listed(map(str, sizes))} steps; expected as many as each sequence has, "
            f"{listed(map(str, lengths.tolist()))}."
        )
    return found


def rising_times(times: Iterable[npt.ArrayLike]) -> Times:
    """The times of the steps of sequences, end to end, [S].

    Raises:
        DataError: for times that do not rise within a sequence.
    """
    each = [np.asarray(own, np.float64) for own in times]
    for index, own in enumerate(each):
        if not (np.diff(own) > 0).all():
            raise DataError(f"the times of sequence {index} do not rise; sort its steps by time.")
    return np.concatenate(each)


def _rows(items: Sequence[Any]) -> list[npt.NDArray[Any]]:
    """The steps of each sequence, [T_i, F], all with the same channels in the same order."""
    rows: list[npt.NDArray[Any]] = [_as_steps(item, index) for index, item in enumerate(items)]
    width = rows[0].shape[1]
    odd = next((index for index, row in enumerate(rows) if row.shape[1] != width), None)
    if odd is not None:
        turned = len({len(row) for row in rows}) == 1
        advice = " If an array is [F, T], channels first, transpose it: array.T." if turned else ""
        raise DataError(
            f"sequence {odd} has {rows[odd].shape[1]} channels where sequence 0 has {width}; every sequence needs the "
            f"same channels.{advice}"
        )
    names = frame_columns(items[0])
    for index, item in enumerate(items if names is not None else ()):
        own = frame_columns(item)
        if own != names:
            if own is None or set(own) != set(names or ()):
                raise DataError(
                    f"sequence {index} has the channels {own}; expected {names}, as sequence 0. Rename its columns."
                )
            rows[index] = rows[index][:, [own.index(name) for name in names or ()]]
    return rows


def _as_steps(sequence: npt.ArrayLike, index: int) -> npt.NDArray[Any]:
    try:
        array = as_array(sequence)
    except ValueError:
        raise DataError(f"sequence {index} has steps of different sizes; expected [T, F], or [T].") from None
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise DataError(f"sequence {index} has the shape {array.shape}; expected [T, F], or [T] for one channel.")
    if len(array) == 0:
        raise LengthError(f"sequence {index} has no steps; remove it, or give it at least one.")
    _check_numbers(array, f"sequence {index}")
    return array


def _check_numbers(array: npt.NDArray[Any], name: str) -> None:
    if array.dtype.kind not in "buif":
        raise DataError(f"{name} holds {array.dtype} values; expected numbers.")


def _offsets(arrays: Sequence[npt.NDArray[Any]]) -> Offsets | None:
    """What is taken off each channel of numbers, [T_i, F], that 32-bit floats cannot tell apart."""
    if not any(array.dtype.itemsize >= _WIDE.get(array.dtype.kind, np.inf) for array in arrays):
        return None
    low, high = np.full(arrays[0].shape[1], np.inf), np.full(arrays[0].shape[1], -np.inf)
    for array in arrays:
        low, high = np.fmin(low, np.fmin.reduce(array, axis=0)), np.fmax(high, np.fmax.reduce(array, axis=0))
    return offsets_between(low, high)


def _as_values(array: npt.NDArray[np.generic], name: str, offsets: Offsets | None = None) -> Values:
    """Numbers in the type that `Sequences` store: bytes, or 32-bit floats; copied only if needed.

    Args:
        array: of numbers.
        name: of the array, for messages.
        offsets: what is taken off each channel before, [F].

    Raises:
        DataError: for numbers beyond the range of 32-bit floats.
    """
    if array.dtype == np.uint8 and offsets is None:
        return np.ascontiguousarray(array, np.uint8)
    if offsets is not None:
        array = array.astype(np.float64) - offsets
    return to_float32(array, lambda _: DataError(f"{name} holds values {BEYOND_FLOAT32}."))
