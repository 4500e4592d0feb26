"""How recordings are cut into windows: learned from the training recordings, the same for all later ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from unrolled.config import DataConfig, WindowLabel, seconds_of
from unrolled.errors import ConfigError, DataError, option

if TYPE_CHECKING:
    from unrolled.data.sequences import Sequences

RULE = "window"
"""The name of the rule in `Sequences.reading`."""

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_OFTEN_MILLISECONDS = re.compile(r"(?i)(^|.*[\W_])(ms|msec|millis|milliseconds?)([\W_].*|$)")
_GAP = 3.0
"""Usual distances of steps that are a gap."""
_ALIKE = 1.2
"""Largest ratio of two rates at which windows of as many steps last as long."""


@dataclass(frozen=True)
class WindowRule:
    """How recordings are cut.

    Attributes:
        steps: steps of a window.
        stride: steps from the start of one window to that of the next; a last one ends with the recording.
        label: see `DataConfig`.
        rate: steps a second to which recordings with times are resampled; None to leave them as they are.
        interval: seconds between two steps; None without times.
        gap: seconds between two steps above which they are not in one window; None without times.
        unit: seconds of one unit of the times.

    Example:
        >>> own = unrolled.Sequences.from_list([np.zeros((100, 3))]).with_steps([["rest"] * 60 + ["walk"] * 40])
        >>> own
        Sequences: 1 of 100 steps, 3 channels (0, 1, 2), a label a step, 2 classes (rest, walk)
        >>> unrolled.cut(own, unrolled.WindowRule(steps=25, stride=20)).cut.begins
        array([ 0, 20, 40, 60, 75])
    """

    steps: int
    stride: int
    label: WindowLabel = "majority"
    rate: float | None = None
    interval: float | None = None
    gap: float | None = None
    unit: float = 1.0

    @classmethod
    def learn(cls, recordings: Sequences, config: DataConfig, former: Mapping[str, Any] | None = None) -> Self:
        """The rule that the options ask for.

        Args:
            recordings: from whose times seconds become steps.
            config: the options; those that are given come before the former rule.
            former: the rule of earlier recordings, as `to_dict` gave it.
        Raises:
            ConfigError: for a time in the place of steps, where the recordings have no times.
            DataError: for recordings whose steps are closer or farther apart than those of the former rule.
        """
        before = None if former is None else cls(**former)
        unit = _unit(recordings, config, before)
        found = usual_distance(recordings, unit)
        rate = config.rate or (before.rate if before else None)
        interval = 1 / rate if rate else found
        if before is not None:
            _check_alike(before, interval)
        window = config.window or (before.steps if before else None)
        if window is None:
            raise ConfigError(f"stride, window_label, rate and gap are those of windows; give {option('window')} too.")
        steps = _in_steps(window, interval, unit, "window")
        stride = config.stride or (before.stride if before and config.window is None else max(steps // 2, 1))
        gap = config.gap or (before.gap if before else None) or (None if found is None else _GAP * found)
        label = config.window_label or (before.label if before else "majority")
        return cls(steps, _in_steps(stride, interval, unit, "stride"), label, rate, interval, gap, unit)

    def to_dict(self) -> dict[str, Any]:
        """The fields, for `Sequences.reading`."""
        return asdict(self)

    def in_words(self, steps: int) -> str:
        """A number of steps, with the seconds that they last where that is known."""
        return f"{steps:,} steps" + ("" if self.interval is None else f" ({steps * self.interval:.3g} s)")


def usual_distance(recordings: Sequences, unit: float) -> float | None:
    """The median time between two steps of a recording, in seconds; None without times."""
    times = recordings.step_times
    if times is None:
        return None
    pairs = zip(recordings.starts.tolist(), recordings.lengths.tolist(), strict=True)
    distances = [np.diff(times[start : start + length]) for start, length in pairs if length > 1]
    return float(np.median(np.concatenate(distances))) * unit if distances else None


def proposed_rule(recordings: Sequences, config: DataConfig) -> WindowRule:
    """A window to begin with: about 40 in the median stretch of one label, of 16 to 256 steps, with half as stride."""
    stretches = []
    for index in range(len(recordings)):
        labels = recordings.labels_of_steps(index)
        changes = [] if labels is None else (np.flatnonzero(np.diff(labels)) + 1).tolist()
        stretches += np.diff([0, *changes, int(recordings.lengths[index])]).tolist()
    typical = float(np.median(stretches))
    steps = int(min(max(2 ** round(np.log2(max(typical / 8, 1))), 16), 256, max(typical // 2, 2)))
    return WindowRule.learn(recordings, config.model_copy(update={"window": steps, "stride": max(steps // 2, 1)}))


def _unit(recordings: Sequences, config: DataConfig, before: WindowRule | None) -> float:
    if config.time_unit is not None:
        return _UNITS[config.time_unit]
    if before is not None:
        return before.unit
    name = str((recordings.reading or {}).get("time") or "")
    return _UNITS["ms" if _OFTEN_MILLISECONDS.match(name) else "s"]


def _in_steps(span: int | str, interval: float | None, unit: float, name: str) -> int:
    """The steps of a window or a stride."""
    if isinstance(span, int):
        return span
    seconds = float(seconds_of(span))
    if interval is None:
        raise ConfigError(
            f"{option(name, span)} is a time, and the steps of these recordings have none. Name the column of the "
            f"times ({option('time', 'COLUMN')}), say how many steps there are in a second ({option('rate', 50)}), or "
            f"give the steps: {option(name, 256)}."
        )
    steps = int(seconds / interval + 0.5)
    if steps < (2 if name == "window" else 1):
        advice = f" If their times are milliseconds, say {option('time_unit', 'ms')}." if unit == 1 else ""
        raise ConfigError(
            f"{option(name, span)} is too short for steps that are {interval:.6g} s apart; expected a time of several "
            f"steps.{advice}"
        )
    return steps


def _check_alike(before: WindowRule, interval: float | None) -> None:
    if before.interval is None or interval is None:
        return
    ratio = interval / before.interval
    if not 1 / _ALIKE <= ratio <= _ALIKE:
        rate = float(f"{1 / before.interval:.4g}")
        raise DataError(
            f"these recordings have {1 / interval:.4g} steps a second, where the windows of the training have "
            f"{rate:g}; resample them: {option('rate', rate)}."
        )
