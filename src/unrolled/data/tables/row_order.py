"""The rows of sequences that are mixed with each other, in the order of the sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.data.arrays import Integers

_PIECE_STEPS = 1 << 20


class Order:
    """The order of the rows, as runs of rows of one sequence."""

    def __init__(self) -> None:
        self._runs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        self._lengths: Integers = np.empty(0, np.int64)
        self._scattered = False
        self._newest = -1

    def add(self, numbers: Integers, count: int) -> None:
        """Adds the sequence numbers of a block's rows, in as few bytes as they need.

        Args:
            numbers: the number of each row's sequence, [n].
            count: number of sequences so far.
        """
        runs, sizes = _runs(numbers)
        self._lengths = extended(self._lengths, count, 0)
        np.add.at(self._lengths, runs, sizes)
        # in order as long as every run belongs to the newest sequence or begins the next one
        steps = np.diff(np.concatenate([[self._newest], runs]))
        self._scattered |= bool((steps[0] not in (0, 1)) or (steps[1:] != 1).any())
        self._newest = max(self._newest, int(runs.max()))
        self._runs.append((_small(runs), _small(sizes)))

    @property
    def lengths(self) -> Integers:
        """The lengths of the sequences, [N]."""
        return self._lengths

    def gather(self, source: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What each row holds, sequence by sequence, [S, …]."""
        if not self._scattered:
            return source
        gathered = np.empty_like(source)
        following = np.cumsum(self._lengths) - self._lengths
        first = 0
        for runs, sizes in self._runs:
            numbers = np.repeat(runs, sizes)
            for low in range(0, len(numbers), _PIECE_STEPS):
                piece = numbers[low : low + _PIECE_STEPS]
                gathered[_places(piece, following)] = source[first : first + len(piece)]
                first += len(piece)
        return gathered


def _places(numbers: npt.NDArray[Any], following: Integers) -> Integers:
    """The positions of some steps among the steps of all sequences.

    Args:
        numbers: the number of each step's sequence, [n].
        following: the position of the next step of each sequence, [N]; is advanced.
    """
    order = np.argsort(numbers, kind="stable")
    owners, sizes = _runs(numbers[order])
    places: Integers = np.empty(len(numbers), np.int64)
    places[order] = np.arange(len(numbers)) + np.repeat(following[owners] - (np.cumsum(sizes) - sizes), sizes)
    following[owners] += sizes
    return places


def run_starts(numbers: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether a run of equal numbers starts at each position, [n]."""
    return np.concatenate([[True], numbers[1:] != numbers[:-1]])


def _runs(numbers: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Integers]:
    """The numbers of runs of equal numbers, and the sizes of the runs."""
    starts = np.flatnonzero(run_starts(numbers))
    return numbers[starts], np.diff(np.append(starts, len(numbers)))


def extended(array: npt.NDArray[Any], count: int, value: float) -> npt.NDArray[Any]:
    """The array with a value for each new sequence."""
    if count <= len(array):
        return array
    return np.concatenate([array, np.full(count - len(array), value, array.dtype)])


def _small(array: Integers) -> npt.NDArray[Any]:
    """The numbers in the smallest integer type that holds them."""
    return array.astype(np.min_scalar_type(int(array.max())))
