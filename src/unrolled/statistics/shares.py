"""Shares of sequences with their 95 % intervals: of one run, and the mean over the runs of several seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri, stdtrit

from unrolled.statistics.groups import CONFIDENCE, Booleans, Groups

EXACT = 1.4
"""The error of the exact interval that bounds Wilson's, as a multiple of that of Wilson's: 7 % instead of 5 %."""

Right = npt.NDArray[np.bool_]
"""Whether run s (one of S seeds) was right on test sequence n, [S, N]."""


@dataclass(frozen=True)
class Proportion:
    """A share of sequences with its 95 % interval.

    Attributes:
        value: the share.
        low, high: Wilson's score interval (1927, JASA 22), which stays inside 0..1 and does not
            collapse at 0 or 1, where it is not narrower than an exact one of 93 % (Clopper and Pearson 1934,
            Biometrika 26).
        count: number of sequences that count.
        cases: number of all sequences.
        method: the interval's method: ``wilson``, or ``wilson-groups`` where sequences of one group are not independent
            of each other (see `mean_share`).

    Example:
        >>> accuracy = run.evaluation.accuracy
        >>> accuracy.count, accuracy.cases, round(accuracy.low, 4)
        (10, 10, 0.7152)
    """

    value: float
    low: float
    high: float
    count: int
    cases: int
    method: Literal["wilson", "wilson-groups"] = "wilson"

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} % ({100 * self.low:.2f} to {100 * self.high:.2f})"


@dataclass(frozen=True)
class MeanShare:
    """The mean over seeds of the share of right answers, for all sequences and all seeds of this kind.

    Attributes:
        value: the mean.
        low, high: its interval; see `mean_share`.
        variance: of the mean, at least that of a share of ``cases`` sequences.
        cases: number of independent sequences that say as much: N without groups.
    """

    value: float
    low: float
    high: float
    variance: float
    cases: float


def proportion(count: int, cases: int, confidence: float = CONFIDENCE) -> Proportion:
    """A share of independent sequences with Wilson's interval."""
    low, high = wilson(count / cases, cases, float(ndtri((1 + confidence) / 2)), confidence)
    return Proportion(count / cases, low, high, count, cases)


def share(right: Booleans, groups: Groups | None = None) -> Proportion:
    """The share of true values, with Wilson's interval; of grouped sequences that of `mean_share`."""
    count, cases = int(np.count_nonzero(right)), len(right)
    if groups is None or groups.are_single:
        return proportion(count, cases)
    found = mean_share(right[None], groups)
    return Proportion(found.value, found.low, found.high, count, cases, "wilson-groups")


def mean_share(right: Right, groups: Groups | None = None, confidence: float = CONFIDENCE) -> MeanShare:
    """The mean accuracy over seeds, where sequences, or groups of them, and seeds are both samples.

    Its variance is the sum of that of the sequences (of their means over the seeds) and that of the seeds. The
    interval is Wilson's for as many sequences as would give a share this variance; the variance of the seeds is an
    estimate, so Student's t, with degrees of freedom after Satterthwaite (1946, Biometrics Bulletin 2), replaces
    the normal quantile. The interval is never narrower than Wilson's for the N sequences, on which it rests
    however many seeds agree. Of a single run, or of seeds that are equally good, it is that.

    With groups the N sequences count as N / `Groups.design_effect`, and Student's t has the degrees of freedom of the
    groups (as Korn and Graubard 1998, Survey Methodology 24, for surveys by clusters).

    Args:
        right: [S, N].
        groups: the groups of the sequences; by default each sequence is one.
        confidence: of the interval.
    """
    groups = groups or Groups(None, right.shape[1])
    means, value = right.mean(0), float(right.mean())
    cases = groups.cases / groups.design_effect(means - value, means < 1 if value >= 0.5 else means > 0)
    low, high = wilson(value, cases, groups.quantile(confidence), confidence)
    least = value * (1 - value) / cases
    of_seeds = float(right.mean(1).var(ddof=1)) / len(right) if len(right) > 1 else 0.0
    if not of_seeds:
        return MeanShare(value, low, high, least, cases)
    of_cases = float(means.var()) / cases
    variance = of_cases + of_seeds
    freedom = variance**2 / (of_seeds**2 / (len(right) - 1) + of_cases**2 / groups.freedom)
    wide = wilson(value, value * (1 - value) / variance, float(stdtrit(freedom, (1 + confidence) / 2)), confidence)
    return MeanShare(value, min(low, wide[0]), max(high, wide[1]), max(variance, least), cases)


def wilson(value: float, cases: float, quantile: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a share of so many cases, which need not be a whole number.

    It contains that of Clopper and Pearson (1934, Biometrika 26) for 93 % (see `EXACT`), so its coverage is never below
    93 %. That of Wilson's alone is 83 % for some shares of 5 sequences, and 91 % for some of 50.

    Args:
        value: the share.
        cases: the number of sequences, or an effective number.
        quantile: of the normal distribution, or of Student's t, for both sides.
        confidence: for which this quantile is.
    """
    square = quantile**2 / cases
    centre = (value + square / 2) / (1 + square)
    half = math.sqrt(square * (value * (1 - value) + square / 4)) / (1 + square)
    right, wrong, tail = value * cases, (1 - value) * cases, EXACT * (1 - confidence) / 2
    low = min(centre - half, float(betaincinv(right, wrong + 1, tail))) if value > 0 else 0.0
    high = max(centre + half, float(betaincinv(right + 1, wrong, 1 - tail))) if value < 1 else 1.0
    return max(low, 0.0), min(high, 1.0)
