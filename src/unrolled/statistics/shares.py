"""Shares of sequences with their 95 % intervals: of one run, and the mean over the runs of several seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Right = npt.NDArray[np.bool_]
"""Whether run s (one of S seeds) was right on test sequence n, [S, N]."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Proportion:
    """A share of sequences with its 95 % interval.

    Attributes:
        value: the share.
        low, high: Wilson's score interval (1927, JASA 22), which stays inside 0..1 and does not
            collapse at 0 or 1.
        count: number of sequences that count.
        cases: number of all sequences.
        method: the interval's method.

    Example:
        >>> accuracy = run.evaluation.accuracy
        >>> accuracy.count, accuracy.cases, round(accuracy.low, 4)
        (10, 10, 0.7225)
    """

    value: float
    low: float
    high: float
    count: int
    cases: int
    method: Literal["wilson"] = "wilson"

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} % ({100 * self.low:.2f} to {100 * self.high:.2f})"


@dataclass(frozen=True)
class MeanShare:
    """The mean over seeds of the share of right answers, for all sequences and all seeds of this kind.

    Attributes:
        value: the mean.
        low, high: its interval; see `mean_share`.
        variance: of the mean, at least that of a share of N sequences.
    """

    value: float
    low: float
    high: float
    variance: float


def proportion(count: int, cases: int, confidence: float = CONFIDENCE) -> Proportion:
    """A share of sequences with Wilson's interval."""
    low, high = _wilson(count / cases, cases, float(ndtri((1 + confidence) / 2)))
    return Proportion(count / cases, low, high, count, cases)


def share(right: npt.NDArray[np.bool_]) -> Proportion:
    """The share of true values, with Wilson's interval."""
    return proportion(int(right.sum()), len(right))


def mean_share(right: Right, confidence: float = CONFIDENCE) -> MeanShare:
    """The mean accuracy over seeds, where sequences and seeds are both samples.

    Its variance is the sum of that of the sequences (of their means over the seeds) and that of the seeds. The
    interval is Wilson's for as many sequences as would give a share this variance; the variance of the seeds is an
    estimate, so Student's t, with degrees of freedom after Satterthwaite (1946, Biometrics Bulletin 2), replaces
    the normal quantile. The interval is never narrower than Wilson's for the N sequences, on which it rests
    however many seeds agree. Of a single run, or of seeds that are equally good, it is that.

    Args:
        right: [S, N].
        confidence: of the interval.
    """
    cases, value = right.shape[1], float(right.mean())
    low, high = _wilson(value, cases, float(ndtri((1 + confidence) / 2)))
    least = value * (1 - value) / cases
    of_seeds = float(right.mean(1).var(ddof=1)) / len(right) if len(right) > 1 else 0.0
    if not of_seeds:
        return MeanShare(value, low, high, least)
    variance = float(right.mean(0).var()) / cases + of_seeds
    quantile = float(stdtrit((len(right) - 1) * (variance / of_seeds) ** 2, (1 + confidence) / 2))
    wide = _wilson(value, value * (1 - value) / variance, quantile)
    return MeanShare(value, min(low, wide[0]), max(high, wide[1]), max(variance, least))


def _wilson(value: float, cases: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval of a share of so many cases, which need not be a whole number."""
    square = quantile**2 / cases
    centre = (value + square / 2) / (1 + square)
    half = math.sqrt(square * (value * (1 - value) + square / 4)) / (1 + square)
    return max(centre - half, 0.0) if value else 0.0, min(centre + half, 1.0) if value < 1 else 1.0
