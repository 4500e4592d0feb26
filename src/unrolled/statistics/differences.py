"""The difference of two classifiers' accuracies: its interval, and the p value of no difference; pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import ndtr

from unrolled.statistics.groups import CONFIDENCE, Doubles, Groups, Integers
from unrolled.statistics.shares import MeanShare, Right, mean_share

Interval = tuple[float, float]

MCNEMAR = "McNemar's exact test"
SIGN_FLIP = "an exact sign-flip test over groups"
FISHER = "Fisher's exact test"
OVER_SEEDS = "Student's t over seeds and sequences, bounded by an exact permutation test"
OVER_GROUPS = "Student's t over seeds and groups, bounded by an exact permutation test"
NEWCOMBE_PAIRED = "Newcombe's method for pairs"
NEWCOMBE_UNPAIRED = "Newcombe's method for independent shares"

ROUNDING = 1e-6
"""Sequences by which a product of floating-point numbers may miss a whole number."""

MOST_EXACT = 20_000
"""Sum of the gains up to which a sign-flip test is exact; of a larger one the normal approximation is as good."""


@dataclass(frozen=True)
class Difference:
    """The accuracy of one classifier less that of another.

    Attributes:
        value: the difference, −1 to 1.
        low, high: its 95 % interval.
        interval: the interval's method.
        p: two-sided p value of no difference.
        test: the test that gave it.
        only_first, only_second: sequences that one alone got right, where both are single runs on the same ones.

    Example:
        >>> gain = run.evaluation.over_majority
        >>> gain.value, gain.only_first, gain.test
        (0.5, 5, "McNemar's exact test")
        >>> gain.p  # 5 sequences that one alone got right
        0.0625
    """

    value: float
    low: float
    high: float
    interval: str
    p: float
    test: str
    only_first: int | None = None
    only_second: int | None = None


def difference(
    first: Right,
    second: Right,
    *,
    paired: bool = True,
    groups: Groups | None = None,
    second_groups: Groups | None = None,
    confidence: float = CONFIDENCE,
) -> Difference:
    """The difference in accuracy, with the interval and the test that fit the runs.

    The interval joins those of the two accuracies (`mean_share`) by Newcombe's method 10; that of the same sequences is
    wider by the square root of the gains' design effect where they have groups. The test is McNemar's of
    single runs on the same sequences, `sign_flip` by groups where these have groups, Fisher's on different sequences,
    and `over_seeds` with several seeds on either side, or groups of different sequences.

    Args:
        first, second: whether each run was right on each sequence, [S, N].
        paired: whether both were tested on the same sequences, in the same order.
        groups: the groups of the sequences (of the first's, unless ``paired``); by default each sequence is one.
        second_groups: of the second's sequences, unless ``paired``.
        confidence: of the interval.
    """
    groups = groups or Groups(None, first.shape[1])
    others = groups if paired else second_groups or Groups(None, second.shape[1])
    if paired:
        a, b = mean_share(first, None, confidence), mean_share(second, None, confidence)
        low, high = newcombe(a, b, _correlation(first, second, a, b))
        low, high = _widened(low, high, first.mean(0) - second.mean(0), groups, confidence)
    else:
        a, b = mean_share(first, groups, confidence), mean_share(second, others, confidence)
        low, high = newcombe(a, b, 0.0)
    interval = NEWCOMBE_PAIRED if paired else NEWCOMBE_UNPAIRED
    value = a.value - b.value
    single = groups.are_single and others.are_single
    if len(first) > 1 or len(second) > 1 or not (paired or single):
        p = over_seeds(first, second, groups, None if paired else others)
        return Difference(value, low, high, interval, p, OVER_SEEDS if single else OVER_GROUPS)
    if not paired:
        return Difference(value, low, high, interval, fisher(a, b), FISHER)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    p, test = mcnemar(only_first, only_second), MCNEMAR
    if not single:
        p, test = sign_flip(_whole(groups.sums(first[0].astype(np.int8) - second[0]))), SIGN_FLIP
    return Difference(value, low, high, interval, p, test, only_first, only_second)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p value of McNemar's exact test (1947, Psychometrika 12).

    Args:
        only_first, only_second: sequences that one classifier alone got right. If neither is better, each such
            sequence falls to one side like a fair coin.
    """
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def fisher(first: MeanShare, second: MeanShare) -> float:
    """Two-sided p value of Fisher's exact test of two shares of independent sequences.

    Means over seeds, and shares of fewer effective sequences than there are, are taken for whole numbers of sequences:
    more seeds are no more sequences. They are rounded towards each other.
    """
    if first.value < second.value:
        first, second = second, first
    cases, others = max(int(first.cases), 1), max(int(second.cases), 1)
    high, low = math.floor(first.value * cases + ROUNDING), math.ceil(second.value * others - ROUNDING)
    if high * others <= low * cases:
        return 1.0
    return float(stats.fisher_exact(np.array([[high, cases - high], [low, others - low]])).pvalue)


def newcombe(first: MeanShare, second: MeanShare, correlation: float) -> Interval:
    """Interval of the difference of two shares, from theirs.

    Method 10 of Newcombe (1998, Statistics in Medicine 17, 2635-2650; with correlation 0 that of 873-890): the
    distances of both intervals' ends from the shares, squared and added, with the correlation of the two.
    """
    value = first.value - second.value

    def distance(of_first: float, of_second: float) -> float:
        return math.sqrt(max(of_first**2 - 2 * correlation * of_first * of_second + of_second**2, 0.0))

    low = value - distance(first.value - first.low, second.high - second.value)
    high = value + distance(first.high - first.value, second.value - second.low)
    return max(low, -1.0), min(high, 1.0)


def _correlation(first: Right, second: Right, a: MeanShare, b: MeanShare) -> float:
    """Of two means on the same sequences; Newcombe's correction for continuity where it is positive."""
    cases = first.shape[1]
    covariance = float(np.mean((first.mean(0) - a.value) * (second.mean(0) - b.value)))
    if covariance > 0:
        covariance = max(covariance - 1 / (2 * cases), 0.0)
    scale = cases * math.sqrt(a.variance * b.variance)
    return covariance / scale if scale else 0.0  # a share of 0 or 1 goes with nothing


def _widened(low: float, high: float, gains: Doubles, groups: Groups, confidence: float) -> Interval:
    """The interval of a mean gain, [N], by as much wider as groups make its standard deviation larger."""
    value = float(gains.mean())
    wider = math.sqrt(groups.design_effect(gains - value, gains != 0)) * groups.quantile(confidence)
    wider /= Groups(None, groups.cases).quantile(confidence)
    return max(value - wider * (value - low), -1.0), min(value + wider * (high - value), 1.0)


def over_seeds(first: Right, second: Right, groups: Groups, others: Groups | None = None) -> float:
    """Two-sided p value of no difference of mean accuracies where seeds and sequences are both samples.

    Student's t: the variance is the sum of that of the sequences, or groups (of their mean differences over the seeds),
    and that of the seeds on each side; what belongs to seed and sequence together is counted twice, so it is a little
    large rather than small. Runs of equal seeds are not taken for pairs: different networks begin at unrelated
    weights. The p value is never below the exact one of the sequences alone (`sign_flip`, or `fisher` of
    different sequences), since few sequences on which all seeds agree have no variance.

    Args:
        first, second: whether each run was right on each sequence, [S, N].
        groups: the groups of the sequences.
        others: those of the second's sequences, if these are different ones.
    """
    values = [(first.mean(0) - second.mean(0), groups)]
    if others is not None:
        values = [(first.mean(0), groups), (second.mean(0), others)]
    values += [(run.mean(1), Groups(None, len(run))) for run in (first, second) if len(run) > 1]
    variance, freedom = _summed_variance([units.variance_of_mean(one) for one, units in values])
    value = float(first.mean() - second.mean())
    by_seed = float(2 * stats.t.sf(abs(value) / math.sqrt(variance), freedom)) if variance else float(value == 0)
    if others is not None:
        return max(by_seed, fisher(mean_share(first, groups), mean_share(second, others)))
    runs = math.lcm(len(first), len(second))
    gains = first.sum(0) * (runs // len(first)) - second.sum(0) * (runs // len(second))
    return max(by_seed, sign_flip(_whole(groups.sums(gains))))


def _summed_variance(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """A sum of variances, and its degrees of freedom after Satterthwaite, from those of each."""
    variance = sum(part for part, _ in parts)
    return variance, variance**2 / sum(part**2 / count for part, count in parts if part) if variance else math.inf


def _whole(sums: Doubles) -> Integers:
    return np.rint(sums).astype(np.int64)


def sign_flip(gains: Integers) -> float:
    """Two-sided p value of the sign-flip test: if neither is better, each gain has either sign with equal chance.

    The permutation test of pairs (Fisher 1935, The Design of Experiments, 21); of gains of −1, 0 and 1 it is McNemar's.

    Args:
        gains: by how much the first is better on each sequence, whole numbers, [N].
    """
    sizes, found = np.abs(gains), abs(int(gains.sum()))
    if sizes.sum() > MOST_EXACT:
        return float(2 * ndtr(-found / math.sqrt(float(np.square(gains).sum()))))
    chances = np.ones(1)  # of each sum of the gains that are positive
    for size, count in zip(*np.unique(sizes[sizes > 0], return_counts=True), strict=True):
        steps = np.zeros(size * count + 1)
        steps[::size] = stats.binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, steps)
    sums = 2 * np.arange(len(chances)) - int(sizes.sum())
    return min(float(chances[np.abs(sums) >= found].sum()), 1.0)
