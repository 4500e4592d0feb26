"""The groups of windows that a split must not divide: recordings, or blocks of time where these are too few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unrolled.config import DataConfig
from unrolled.errors import DataError, option

if TYPE_CHECKING:
    from unrolled.data.arrays import Integers
    from unrolled.data.sequences import Sequences

_BLOCKS, _LONG = 20, 4
"""Blocks of time to begin with, if each is so many windows long; more where a class would stand in too few of them."""
_LEAST = 2
"""Windows that a block is at least as long as."""


def in_blocks(windows: Sequences, count: int = _BLOCKS) -> Sequences:
    """The windows of recordings, grouped by the block of time in which their middle lies, for intervals."""
    return _grouped(windows, _places(windows, count)[2])


def in_blocks_of(recording: int | Integers, steps: Integers, length: int | Integers, count: int = _BLOCKS) -> Integers:
    """The number of the block of time in which some steps of a recording lie; blocks are numbered over all."""
    blocks: Integers = recording * count + steps * count // length
    return blocks


def on_one_side(windows: Sequences, config: DataConfig, note: Callable[[str], None] = lambda _: None) -> Sequences:
    """The windows with the groups that a split must not divide, so that none overlaps one on the other side.

    Groups are those of the data, such as persons, or else the recordings. Where a class stands in too few recordings
    for all parts of the split, they are blocks of time of the recordings, and the windows across their borders are left
    out.

    Args:
        windows: with labels.
        config: says how many parts are made.
        note: receives a sentence about blocks of time.
    Raises:
        DataError: for windows that are too long for blocks of time.
    """
    cut = windows.cut
    if cut is None or cut.recordings.groups is not None or windows.labels is None:
        return windows
    parts = 1 + (config.validation_fraction != 0) + bool(config.test is None and (config.folds or config.test_fraction))
    present = np.unique(windows.targets)
    if parts == 1 or _least(windows, cut.owners, present) >= parts:
        return windows
    choices: list[tuple[int, int, Sequences]] = []
    longest = int(cut.recordings.lengths.max()) // cut.rule.steps  # in windows
    count = max(min(-(-_BLOCKS // len(cut.recordings)), longest // _LONG), 2)
    while not choices or (choices[-1][0] < parts and longest // count >= _LEAST):
        first, last, _ = _places(windows, count)
        inside = np.flatnonzero(first == last)
        kept = windows.take(inside)
        choices.append((_least(kept, first[inside], present), -count, _grouped(kept, first[inside])))
        count *= 2
    least, count, found = max(choices, key=lambda choice: choice[:2])
    if not least:
        raise DataError(
            f"windows of {cut.rule.steps:,} steps are too long to hold some out: with {-count} blocks of time for each "
            f"recording, some class stands only across their borders. Choose a smaller {option('window')}, add "
            f"recordings, or hold nothing out ({option('test_fraction', 0)}, {option('validation_fraction', 0)})."
        )
    lost = len(windows) - len(found)
    each = "" if len(cut.recordings) == 1 else " each"
    why = "there is one recording" if not each else "some classes stand in too few recordings"
    note(
        f"{why}, so a split divides blocks of time, {-count}{each}; {lost:,} windows across their borders are left out"
    )
    return found


def _least(windows: Sequences, groups: Integers, classes: Integers) -> int:
    """The fewest groups in which one of these classes stands; 0 for a class that lost all its windows."""
    return min(len(np.unique(groups[windows.targets == label])) for label in classes)


def _places(windows: Sequences, count: int) -> tuple[Integers, Integers, Integers]:
    """The block of each window's first step, of its last and of its middle, [N] each; blocks are numbered over all."""
    cut = windows.cut
    assert cut is not None  # noqa: S101
    lengths = cut.recordings.lengths[cut.owners]

    steps = (cut.begins, cut.ends - 1, (cut.begins + cut.ends - 1) // 2)
    first, last, middle = (in_blocks_of(cut.owners, each, lengths, count) for each in steps)
    return first, last, middle


def _grouped(windows: Sequences, blocks: npt.NDArray[np.int64]) -> Sequences:
    names = np.empty(len(blocks), object)
    names[:] = [f"block {number}" for number in blocks.tolist()]
    assert windows.cut is not None  # noqa: S101
    return replace(windows, groups=names, cut=replace(windows.cut, blocks=True))
