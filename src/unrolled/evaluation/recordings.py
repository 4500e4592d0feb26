"""The figures of windows for their recordings: each step, and where the label changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from unrolled.data import Cut, Integers, Sequences, in_blocks_of, step_means
from unrolled.evaluation.metrics import confusion
from unrolled.model import Probabilities
from unrolled.statistics import Groups, Proportion, share

_SEVERAL = {"recording": "recordings", "block of time": "blocks of time", "group": "groups"}


@dataclass(frozen=True)
class ChangeFigures:
    """How changes of the label are found while a recording goes on.

    At each moment the answer is that of the last window that has ended. A change is found by the first window that
    ends after it, before the next change, and has the new label; any other change of the answer is a false one.

    Attributes:
        changes: number of changes.
        found: number of those that were found.
        false: number of changes of the answer that found none.
        median, least, most: steps of the new label that had been read when it was found; None if none was found.
        seconds: the median, in seconds; None without times.

    Example:
        >>> changes = unrolled.Evaluation.from_dict(run.evaluation.to_dict()).windows
        >>> changes is None  # this run was not trained on windows of recordings
        True
    """

    changes: int
    found: int
    false: int
    median: float | None = None
    least: int | None = None
    most: int | None = None
    seconds: float | None = None

    @property
    def missed(self) -> int:
        """Number of changes that were not found before the next one."""
        return self.changes - self.found


@dataclass(frozen=True)
class WindowFigures:
    """The figures of the recordings that windows were cut from.

    Attributes:
        window, stride: steps; see `DataConfig`.
        interval: seconds between two steps; None without times.
        recordings: number of recordings of which some windows were judged.
        groups: what the intervals count as independent: ``recordings``, ``blocks of time`` or ``groups``.
        steps: accuracy of the steps, each with the class that is most probable on average over the windows that cover
            it; steps without a window or a label do not count.
        confusion: number of steps by true class (rows) and predicted class (columns).
        changes: where the label changes within a recording; None if it changes nowhere.

    Example:
        >>> run.evaluation.windows is None  # this run was not trained on windows of recordings
        True
    """

    window: int
    stride: int
    interval: float | None
    recordings: int
    groups: str
    steps: Proportion
    confusion: list[list[int]] = field(default_factory=list)
    changes: ChangeFigures | None = None


@dataclass(frozen=True)
class Strip:
    """The steps of a recording: its name, its true and its predicted classes, [T], −1 for none."""

    name: str
    recording: int
    truth: Integers
    predicted: Integers


def strips(windows: Sequences, probabilities: Probabilities, classes: tuple[str, ...]) -> Iterator[Strip]:
    """The steps of each recording that has windows.

    Args:
        windows: of recordings, N.
        probabilities: of each window, [N, C].
        classes: their names.
    """
    cut = windows.cut
    assert cut is not None  # noqa: S101
    table = np.array([*(classes.index(c) if c in classes else -1 for c in cut.recordings.classes), -1], np.int64)
    ids = cut.recordings.ids
    for recording, means in step_means(cut, probabilities):
        labels = cut.recordings.labels_of_steps(recording)
        truth = np.full(len(means), -1) if labels is None else table[labels]
        covered = ~np.isnan(means[:, 0])
        predicted = np.where(covered, np.nan_to_num(means).argmax(1), -1)
        yield Strip(f"recording {recording}" if ids is None else ids[recording], recording, truth, predicted)


def window_figures(windows: Sequences, probabilities: Probabilities, classes: tuple[str, ...]) -> WindowFigures | None:
    """The figures of windows for their recordings; None for whole sequences.

    Args:
        windows, probabilities, classes: see `strips`.
    """
    cut = windows.cut
    if cut is None:
        return None
    truths, answers, groups, count = [], [], [], 0
    for strip in strips(windows, probabilities, classes):
        judged = np.flatnonzero((strip.truth >= 0) & (strip.predicted >= 0))
        truths.append(strip.truth[judged])
        answers.append(strip.predicted[judged])
        groups.append(_groups_of_steps(cut, strip.recording, judged))
        count += 1
    truth, answer = np.concatenate(truths), np.concatenate(answers)
    if not len(truth):
        return None
    places = np.unique(np.concatenate(groups), return_inverse=True)[1]
    return WindowFigures(
        window=cut.rule.steps,
        stride=cut.rule.stride,
        interval=cut.rule.interval,
        recordings=count,
        groups=_SEVERAL[cut.group_name],
        steps=share(truth == answer, Groups(places, len(truth))),
        confusion=confusion(truth, answer, len(classes)).tolist(),
        changes=_changes(windows, probabilities.argmax(1), classes),
    )


def _groups_of_steps(cut: Cut, recording: int, steps: Integers) -> npt.NDArray[np.generic]:
    """The number of the group of some steps of a recording: that of the data, the recording, or a block of time."""
    if cut.recordings.groups is not None:
        return np.full(len(steps), cut.recordings.groups[recording], object).astype(str)
    if cut.blocks:
        return in_blocks_of(recording, steps, int(cut.recordings.lengths[recording]))
    return np.full(len(steps), recording)


def _changes(windows: Sequences, predicted: Integers, classes: tuple[str, ...]) -> ChangeFigures | None:
    cut = windows.cut
    assert cut is not None  # noqa: S101
    table = np.array([*(classes.index(c) if c in classes else -1 for c in cut.recordings.classes), -1], np.int64)
    delays, changes, false = list[int](), 0, 0
    for recording, places in cut.in_order():
        labels = cut.recordings.labels_of_steps(recording)
        if labels is None:
            continue
        begins, ends = cut.begins[places], cut.ends[places]
        apart = np.flatnonzero(begins[1:] > ends[:-1]) + 1  # no window covers what lies between
        for run in np.split(np.arange(len(places)), apart):
            low, high = int(begins[run].min()), int(ends[run].max())
            found = changes_found(table[labels[low:high]], ends[run] - low, predicted[places[run]])
            changes += found[0]
            false += found[1]
            delays += found[2]
    if not changes:
        return None
    interval = cut.rule.interval
    median = float(np.median(delays)) if delays else None
    return ChangeFigures(
        changes,
        len(delays),
        false,
        median,
        min(delays, default=None),
        max(delays, default=None),
        None if median is None or interval is None else median * interval,
    )


def changes_found(truth: Integers, ends: Integers, answers: Integers) -> tuple[int, int, list[int]]:
    """The number of changes, that of false ones, and the delay of each that was found.

    Args:
        truth: the true class of each step of a stretch, [T], −1 for none.
        ends: the step after the last one of each window, rising, [K].
        answers: the answer of each window, [K].
    """
    borders = np.flatnonzero(np.diff(truth) != 0) + 1
    starts = [int(at) for at in borders if truth[at] >= 0 and truth[at - 1] >= 0]
    turns = np.concatenate([[0], np.flatnonzero(np.diff(answers) != 0) + 1])  # the first window of each answer
    delays, matched = [], set[int]()
    for start in starts:
        until = borders[borders > start]
        last = int(until[0]) if len(until) else len(truth)
        inside = np.flatnonzero((ends > start) & (ends <= last) & (answers == truth[start]))
        if len(inside):
            delays.append(int(ends[inside[0]]) - start)
            matched.add(int(turns[turns <= inside[0]][-1]))
    return len(starts), len(set(turns[1:].tolist()) - matched), delays
