"""Recordings into windows, which share their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.config import DataConfig
from unrolled.data.windows.blocks import in_blocks
from unrolled.data.windows.cut import Cut
from unrolled.data.windows.resampling import resampled
from unrolled.data.windows.rule import RULE, WindowRule
from unrolled.errors import DataError, listed, option

if TYPE_CHECKING:
    from unrolled.data.arrays import Integers
    from unrolled.data.sequences import Sequences


def windows_of(
    recordings: Sequences,
    config: DataConfig,
    former: Mapping[str, Any] | None = None,
    note: Callable[[str], None] = lambda _: None,
    *,
    to_predict: bool = False,
) -> Sequences:
    """The windows of recordings, by the options, or by the rule of earlier recordings where none are given.

    Args:
        recordings: of any lengths, with a label each, or a label a step.
        config: the options.
        former: `Sequences.reading` of earlier windows.
        note: receives a sentence about the windows.
        to_predict: see `cut`.
    Raises:
        ConfigError, DataError: see `WindowRule.learn` and `cut`.
    """
    rule = WindowRule.learn(recordings, config, (former or {}).get(RULE))
    if rule.rate is not None and recordings.step_times is not None:
        assert rule.gap is not None  # noqa: S101  # there are times
        recordings = resampled(recordings, rule.rate, rule.gap, rule.unit)
    windows = cut(recordings, rule, note, to_predict=to_predict)
    return replace(windows, reading={**(recordings.reading or {}), RULE: rule.to_dict()})


def cut(
    recordings: Sequences, rule: WindowRule, note: Callable[[str], None] = lambda _: None, *, to_predict: bool = False
) -> Sequences:
    """The windows of recordings.

    A window starts every ``rule.stride`` steps of a piece, and a last one ends with it. A piece ends where the
    recording ends, at a gap in time, and, if the rule asks for one label a window, where the label changes. A piece
    that is shorter than a window is left out; so is a window without a label. For a prediction neither is, and a piece
    does not end at a label: it is not known then.

    Args:
        recordings: sequences of any lengths.
        rule: how they are cut.
        note: receives a sentence about the windows and what is left out.
        to_predict: whether every step gets a window.
    Raises:
        DataError: for recordings without a window.

    Example:
        >>> own = unrolled.Sequences.from_list([np.arange(10.0)])
        >>> [window[:, 0].tolist() for window in unrolled.cut(own, unrolled.WindowRule(steps=4, stride=4))]
        [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [6.0, 7.0, 8.0, 9.0]]
    """
    pieces = _pieces(recordings, rule, by_label=rule.label == "same" and not to_predict)
    short = pieces.sizes < rule.steps
    used = pieces if to_predict else pieces.take(~short)
    if not len(used.sizes):
        raise DataError(
            f"no recording has as many steps without a gap as a window, {rule.steps:,}; the longest has "
            f"{int(pieces.sizes.max()):,}. Choose a smaller {option('window')}."
        )
    owners, begins, ends = _places(used, rule)
    labels = _labels(recordings, owners, begins, ends, rule)
    unlabelled = np.zeros(len(owners), bool) if labels is None else labels < 0
    if to_predict:
        labels = None if unlabelled.any() else labels
    elif unlabelled.any():
        kept = np.flatnonzero(~unlabelled)
        owners, begins, ends = owners[kept], begins[kept], ends[kept]
        labels = None if labels is None or not len(kept) else labels[kept]
    if not len(owners):
        raise DataError("no window has a label; expected some labelled steps.")
    if labels is not None and recordings.step_labels is not None and not to_predict:
        absent = np.setdiff1d(recordings.step_labels[recordings.step_labels >= 0], labels)
        if len(absent):
            names = listed(recordings.classes[label] for label in absent)
            smaller = f"choose a smaller {option('window')} to learn it"
            note(f"no window has the label {names}, which lasts too short; {smaller}")
    note(_sentence(recordings, rule, len(owners), pieces.sizes[short], int(unlabelled.sum()), to_predict))
    return _windows(recordings, Cut(recordings, rule, owners, begins, ends), labels)


@dataclass(frozen=True)
class _Pieces:
    """Pieces of recordings: index of the recording, first step in it and number of steps, [P] each."""

    owners: Integers
    firsts: Integers
    sizes: Integers

    def take(self, chosen: npt.NDArray[np.bool_]) -> _Pieces:
        return _Pieces(self.owners[chosen], self.firsts[chosen], self.sizes[chosen])


def _pieces(recordings: Sequences, rule: WindowRule, *, by_label: bool) -> _Pieces:
    times = recordings.step_times
    owners, firsts, sizes = [], [], []
    for index, (start, length) in enumerate(zip(recordings.starts, recordings.lengths, strict=True)):
        breaks = np.zeros(length, bool)
        breaks[0] = True
        if times is not None and rule.gap is not None:
            distances = np.diff(times[start : start + length]) * rule.unit
            breaks[1:] |= distances > rule.gap * (1 + 1e-9)
        if by_label and (labels := recordings.labels_of_steps(index)) is not None:
            breaks[1:] |= labels[1:] != labels[:-1]
        own = np.flatnonzero(breaks)
        owners.append(np.full(len(own), index))
        firsts.append(own)
        sizes.append(np.diff(np.append(own, length)))
    return _Pieces(np.concatenate(owners), np.concatenate(firsts), np.concatenate(sizes))


def _places(pieces: _Pieces, rule: WindowRule) -> tuple[Integers, Integers, Integers]:
    """The recording, the first step and the step after the last of each window, [N] each."""
    room = np.maximum(pieces.sizes - rule.steps, 0)  # steps behind the first window
    counts = -(-room // rule.stride) + 1
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    offsets = np.minimum(number * rule.stride, np.repeat(room, counts))  # the last one ends with the piece
    begins = np.repeat(pieces.firsts, counts) + offsets
    ends = begins + np.repeat(np.minimum(pieces.sizes, rule.steps), counts)
    return np.repeat(pieces.owners, counts), begins, ends


def _labels(
    recordings: Sequences, owners: Integers, begins: Integers, ends: Integers, rule: WindowRule
) -> Integers | None:
    """The class of each window, [N], −1 without one; None where there are no labels.

    Of two classes with as many steps the first in order counts. Steps without a label count as a class of their own.
    """
    of_steps = recordings.step_labels
    if of_steps is None:
        return None if recordings.labels is None else recordings.labels[owners]
    first = recordings.starts[owners]
    if rule.label == "last":
        found: Integers = of_steps[first + ends - 1]
        return found
    best = np.zeros(len(owners), np.int64)
    labels = np.full(len(owners), -1, np.int64)
    for label in (*range(len(recordings.classes)), -1):
        before = np.concatenate([[0], np.cumsum(of_steps == label)])
        counts = before[first + ends] - before[first + begins]
        more = counts > best
        best[more], labels[more] = counts[more], label
    return labels


def _windows(recordings: Sequences, places: Cut, labels: Integers | None) -> Sequences:
    owners, begins = places.owners, places.begins
    names = recordings.names()
    ids = np.empty(len(owners), object)
    ids[:] = [f"{names[o]}[{b}:{e}]" for o, b, e in zip(owners, begins, places.ends, strict=True)]
    groups = recordings.groups if recordings.groups is not None else names if len(recordings) > 1 else None
    times = recordings.step_times
    starts = recordings.starts[owners] + begins
    windows = replace(
        recordings,
        starts=starts,
        lengths=places.ends - begins,
        labels=labels,
        ids=ids,
        groups=None if groups is None else groups[owners],
        times=None if times is None else times[starts],
        step_labels=None,
        step_times=None,
        cut=places,
    )
    return windows if groups is not None else in_blocks(windows)


def _sentence(
    recordings: Sequences, rule: WindowRule, count: int, short: Integers, unlabelled: int, to_predict: bool
) -> str:
    several = f"{len(recordings):,} recordings" if len(recordings) > 1 else "one recording"
    text = f"{count:,} windows of {rule.in_words(rule.steps)}, one every {rule.stride:,} steps, from {several}"
    if rule.rate is not None and recordings.step_times is not None:
        text += f" at {rule.rate:g} steps a second"
    if len(short):
        what = "have a window of their own" if to_predict else "are left out"
        pieces = "piece is" if len(short) == 1 else "pieces are"
        text += f"; {len(short):,} {pieces} shorter than a window, and their {int(short.sum()):,} steps {what}"
    if unlabelled and not to_predict:
        text += f"; {unlabelled:,} windows without a label are left out"
    return text
