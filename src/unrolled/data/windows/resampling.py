"""Recordings with steps at equal distances in time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.errors import DataError, option

if TYPE_CHECKING:
    from unrolled.data.arrays import Values
    from unrolled.data.sequences import Sequences

_MOST_STEPS = 200_000_000


def resampled(recordings: Sequences, rate: float, gap: float, unit: float = 1.0) -> Sequences:
    """Recordings at so many steps a second, by linear interpolation between neighbouring steps.

    The steps of each stretch without a gap begin at its first time and stand 1 / ``rate`` seconds apart. Nothing is
    invented within a gap, nor beyond the last step. A value next to a missing one is missing. A step has the label of
    the last step at or before its time. As ``scipy.interpolate.interp1d`` does, this averages nothing: a signal that
    changes faster than half the new rate should be smoothed before.

    Args:
        recordings: with times.
        rate: steps a second.
        gap: seconds between two steps above which there is a gap.
        unit: seconds of one unit of the times.
    """
    times, labels = recordings.step_times, recordings.step_labels
    assert times is not None  # noqa: S101  # the caller has looked
    values: list[npt.NDArray[np.float32]] = []
    moments: list[npt.NDArray[np.float64]] = []
    found: list[Any] = []
    lengths = np.zeros(len(recordings), np.int64)
    for index, (start, length) in enumerate(zip(recordings.starts, recordings.lengths, strict=True)):
        own = times[start : start + length]
        for low, high in stretches(own, gap / unit):
            grid = _grid(own[low:high], rate * unit)
            before = np.clip(np.searchsorted(own[low:high], grid, "right") - 1, 0, high - low - 1)
            values.append(_between(recordings.values[start + low : start + high], own[low:high], grid, before))
            moments.append(grid)
            if labels is not None:
                found.append(labels[start + low : start + high][before])
            lengths[index] += len(grid)
    return replace(
        recordings,
        values=np.concatenate(values),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        step_times=np.concatenate(moments),
        step_labels=None if labels is None else np.concatenate(found),
    )


def stretches(times: npt.NDArray[np.float64], gap: float) -> list[tuple[int, int]]:
    """The first step and the one after the last of each stretch without a gap."""
    breaks = np.flatnonzero(np.diff(times) > gap * (1 + 1e-9)) + 1
    edges = [0, *breaks.tolist(), len(times)]
    return list(pairwise(edges))


def _grid(times: npt.NDArray[np.float64], rate: float) -> npt.NDArray[np.float64]:
    count = int(np.floor((times[-1] - times[0]) * rate + 1e-6)) + 1
    if count > _MOST_STEPS:
        raise DataError(
            f"a recording would have {count:,} steps at this rate; choose a smaller {option('rate')}, or say in which "
            f"unit the times are: {option('time_unit', 'ms')}."
        )
    grid: npt.NDArray[np.float64] = times[0] + np.arange(count) / rate
    return grid


def _between(
    values: Values, times: npt.NDArray[np.float64], grid: npt.NDArray[np.float64], before: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """The values at the times of a grid, [n, F]; ``before`` is the last step at or before each."""
    after = np.minimum(before + 1, len(times) - 1)
    width = times[after] - times[before]
    share = np.divide(grid - times[before], width, out=np.zeros(len(grid)), where=width > 0)[:, None]
    low = values[before].astype(np.float64)
    on_step = share[:, 0] < 1e-9  # a step itself, whatever stands beside it
    found = low + share * (values[after] - low)
    found[on_step] = low[on_step]
    return found.astype(np.float32)
