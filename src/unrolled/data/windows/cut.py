"""`Cut`: where each window stands in its recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from unrolled.data.arrays import Integers
    from unrolled.data.sequences import Sequences
    from unrolled.data.windows.rule import WindowRule


@dataclass(frozen=True)
class Cut:
    """Where windows stand in their recordings.

    Attributes:
        recordings: all recordings, with their labels and times for each step, where there are such.
        rule: how they were cut.
        owners: index of each window's recording, [N].
        begins: its first step, counted from 0 in the recording, [N].
        ends: the step after its last one, [N].
        blocks: whether the groups of the windows are blocks of time.

    Example:
        >>> own = unrolled.Sequences.from_list([np.zeros((100, 3))]).with_steps([["rest"] * 60 + ["walk"] * 40])
        >>> windows = unrolled.cut(own, unrolled.WindowRule(steps=25, stride=20))
        >>> windows.cut.ends, windows.targets
        (array([ 25, 45, 65, 85, 100]), array([0, 0, 0, 1, 1]))
    """

    recordings: Sequences
    rule: WindowRule
    owners: Integers
    begins: Integers
    ends: Integers
    blocks: bool = False

    def take(self, indices: npt.NDArray[Any] | slice) -> Cut:
        """The places of some of the windows."""
        return replace(self, owners=self.owners[indices], begins=self.begins[indices], ends=self.ends[indices])

    @property
    def group_name(self) -> str:
        """What the groups of these windows are: those of the data, recordings or blocks of time."""
        if self.recordings.groups is not None:
            return "group"
        return "block of time" if self.blocks else "recording"

    def times(self, recording: int) -> npt.NDArray[np.float64] | None:
        """The time of each step of a recording, [T], in the unit of the data."""
        start, length = self.recordings.starts[recording], self.recordings.lengths[recording]
        times = self.recordings.step_times
        return None if times is None else times[start : start + length]

    def in_order(self) -> Iterator[tuple[int, Integers]]:
        """Each recording that has windows, and the indices of these by their place in it."""
        order = np.lexsort((self.begins, self.ends, self.owners))
        for places in np.split(order, np.flatnonzero(np.diff(self.owners[order])) + 1) if len(order) else ():
            yield int(self.owners[places[0]]), places


def step_means(cut: Cut, values: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """The mean of some values of windows over those that cover a step, for each step of each recording with windows.

    Args:
        cut: the places of the windows, N.
        values: of each window, such as its probabilities, [N, C].
    Returns:
        The index of each recording, and the means of its steps, [T, C]; NaN for a step without a window.
    """
    for recording, places in cut.in_order():
        length = int(cut.recordings.lengths[recording])
        sums = np.zeros((length + 1, values.shape[1]))
        counts = np.zeros(length + 1, np.int64)
        np.add.at(sums, cut.begins[places], values[places])
        np.subtract.at(sums, cut.ends[places], values[places])
        np.add.at(counts, cut.begins[places], 1)
        np.subtract.at(counts, cut.ends[places], 1)
        covered = counts.cumsum()[:-1, None]
        means = np.full((length, values.shape[1]), np.nan)
        np.divide(sums.cumsum(0)[:-1], covered, out=means, where=covered > 0)
        yield recording, means
