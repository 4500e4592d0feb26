"""Figures other than shares, with the interval of a seeded bootstrap over sequences.

The bootstrap draws N of the N sequences with replacement, `DRAWS` times (Efron 1979, Annals of Statistics 7). Every
figure here is a function of sums over sequences, so a draw is a row of counts, and the sums of a draw are products of
that row with the sequences' terms (`resampled_sums`). If there are more than `MAX_UNITS` sequences, random groups of
equal size are drawn instead: the variance of a sum is the same, and the cost is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from unrolled.statistics.shares import CONFIDENCE, Doubles

DRAWS = 1_000
"""Number of resamples; the ends of an interval are then exact to about a tenth of its width."""

MAX_UNITS = 10_000
"""Most sequences that are drawn one by one; more are drawn in groups."""

FEW_CASES = 5
"""Fewest sequences of a class for an interval that is not too narrow."""

FEW_TEXT = f"have fewer than {FEW_CASES} sequences, so the interval may be too narrow"

_BLOCK_COUNTS = 2_000_000

Method = Literal["wilson", "bootstrap-percentile", "bootstrap-basic", "delong"]


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval, or with the reason why there is none.

    Attributes:
        value: the figure; None if it is not defined.
        low, high: the interval; None if there is none.
        method: the interval's method: ``bootstrap-percentile`` (the 2.5 % and 97.5 % points of the
            resampled figures), ``bootstrap-basic`` (those points mirrored at the figure, for figures that
            resampling shifts to one side), ``delong`` (from the sequences' influence on the figure).
        note: the reason for a missing value or interval, or another reservation.

    Example:
        >>> run.evaluation.macro_f1.value, run.evaluation.macro_f1.method
        (1.0, 'bootstrap-percentile')
    """

    value: float | None
    low: float | None
    high: float | None
    method: Method
    note: str | None = None

    def __str__(self) -> str:
        if self.value is None:
            return f"– ({self.note})"
        if self.low is None or self.high is None:
            return f"{self.value:.4f}"
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


ALIKE = "all resamples gave the same, so there is no interval; see the accuracy's"
FEW = "the figure is undefined in more than half of the resamples; there are too few sequences for an interval"


def draws(units: int, count: int = DRAWS, seed: int = 0) -> Iterator[npt.NDArray[np.float32]]:
    """The number of copies of each unit in each resample, a block of [some, units] at a time.

    The counts of a seed are the same at every call, so figures can be resampled one after the other.
    """
    rng = np.random.default_rng((seed, units))
    block = max(1, _BLOCK_COUNTS // units)
    for done in range(0, count, block):
        rows = min(block, count - done)
        places = rng.integers(0, units, (rows, units)) + units * np.arange(rows)[:, None]
        yield np.bincount(places.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float32)


def resampled_sums(columns: Mapping[str, Doubles | csr_array], count: int = DRAWS, seed: int = 0) -> dict[str, Doubles]:
    """Sums over the sequences of each resample.

    Args:
        columns: the terms of each sequence, [N, K] for each name; a sparse array for large K.
        count: number of resamples, R.
        seed: seed of the draws.
    Returns:
        [R, K] for each name.
    """
    cases = next(iter(columns.values())).shape[0]
    units = min(cases, MAX_UNITS)
    unit_of = np.arange(cases) if units == cases else np.random.default_rng(seed).permutation(cases) % units
    groups = csr_array((np.ones(cases), (unit_of, np.arange(cases))), shape=(units, cases))
    grouped = {name: (groups @ column).T for name, column in columns.items()}  # [K, U]
    blocks: dict[str, list[Doubles]] = {name: [] for name in columns}
    for weights in draws(units, count, seed):
        for name, column in grouped.items():
            blocks[name].append(np.asarray(column @ weights.T.astype(np.float64)).T)
    return {name: np.concatenate(parts) for name, parts in blocks.items()}


def percentile_interval(value: float, resampled: Doubles, note: str = "", doubt: str = "") -> Figure:
    """The figure between the points that hold the middle 95 % of its resamples.

    Args:
        value: the figure of all sequences.
        resampled: the figure of each resample; NaN if it is not defined.
        note: a note on the value.
        doubt: a note on the interval, if there is one.
    """
    ends = _ends(value, resampled)
    if isinstance(ends, str):
        return Figure(value, None, None, "bootstrap-percentile", joined(note, ends))
    return Figure(value, *ends, "bootstrap-percentile", joined(note, doubt))


def joined(*notes: str) -> str | None:
    """All notes in one line; None without any."""
    return "; ".join(note for note in notes if note) or None


def basic_interval(value: float, resampled: Doubles, chance: float) -> Figure:
    """The figure with the resamples' points mirrored at it, at least up to itself and never below 0.

    For an error that noise alone increases, such as the calibration error: its resamples lie above it as it lies above
    the truth, and the mirror corrects for that.

    Args:
        value: the figure of all sequences.
        resampled: the figure of each resample.
        chance: a value that noise alone seldom exceeds; the interval of a smaller figure begins at 0.
    """
    ends = _ends(value, resampled)
    if isinstance(ends, str):
        return Figure(value, None, None, "bootstrap-basic", ends)
    low, high = 2 * value - ends[1], 2 * value - ends[0]
    low = 0.0 if value <= chance else max(min(low, value), 0.0)
    return Figure(value, low, max(high, value), "bootstrap-basic")


def _ends(value: float, resampled: Doubles) -> tuple[float, float] | str:
    """The points, or the reason why there are none."""
    defined = resampled[np.isfinite(resampled)]
    if 2 * len(defined) < len(resampled) or not len(defined):
        return FEW
    if np.ptp(defined) <= 1e-12 * max(1.0, abs(value)):
        return ALIKE
    low, high = np.quantile(defined, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)
