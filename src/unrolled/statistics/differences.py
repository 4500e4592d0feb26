"""Whether one classifier is better than another: intervals around a difference, and tests; pure functions.

Every classifier is given as ``right``, booleans of shape [S, N]: whether run s (one of S seeds) was right
on test case n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from unrolled.statistics.intervals import proportion

Right = npt.NDArray[np.bool_]
Interval = tuple[float, float]

MCNEMAR = "McNemar's exact test"
FISHER = "Fisher's exact test"
WELCH = "Student's t over seeds and cases"
NEWCOMBE_PAIRED = "Newcombe's method for pairs"
NEWCOMBE_UNPAIRED = "Newcombe's method for independent shares"


@dataclass(frozen=True)
class Difference:
    """The accuracy of one classifier less that of another.

    Attributes:
        value: the difference, −1 to 1.
        low, high: its 95 % interval; None where nothing can be said, as of a single case and several seeds.
        interval: the interval's method.
        p: two-sided p value of no difference; None where nothing can be said.
        test: the test that gave it.
        only_first, only_second: cases that one alone got right, where both are single runs on the same cases.
    """

    value: float
    low: float | None
    high: float | None
    interval: str
    p: float | None
    test: str
    only_first: int | None = None
    only_second: int | None = None


def difference(first: Right, second: Right, *, paired: bool = True, confidence: float = 0.95) -> Difference:
    """The difference in accuracy, with the interval and the test that fit the runs.

    Single runs on the same cases: Newcombe's interval and McNemar's test; on different cases: Newcombe's
    interval for independent shares and Fisher's test; with several seeds on either side: `over_seeds`.

    Args:
        first, second: whether each run was right on each case, [S, N].
        paired: whether both were tested on the same cases, in the same order.
        confidence: of the interval.
    """
    if len(first) > 1 or len(second) > 1:
        return over_seeds(first, second, paired=paired, confidence=confidence)
    a, b = first[0], second[0]
    value = float(a.mean() - b.mean())
    if not paired:
        low, high = newcombe_unpaired(int(a.sum()), len(a), int(b.sum()), len(b), confidence)
        table = np.array([[a.sum(), (~a).sum()], [b.sum(), (~b).sum()]])
        return Difference(value, low, high, NEWCOMBE_UNPAIRED, float(stats.fisher_exact(table).pvalue), FISHER)
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    low, high = newcombe_paired(a, b, confidence)
    p = mcnemar(only_first, only_second)
    return Difference(value, low, high, NEWCOMBE_PAIRED, p, MCNEMAR, only_first, only_second)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p value of McNemar's exact test (1947, Psychometrika 12).

    Args:
        only_first, only_second: cases that one classifier alone got right. If neither is better, each such
            case falls to one side like a fair coin.
    """
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def newcombe_paired(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], confidence: float = 0.95) -> Interval:
    """Interval of the difference of two shares of the same cases.

    Method 10 of Newcombe (1998, Statistics in Medicine 17, 2635-2650): both Wilson intervals, joined with
    the correlation of the two, which is corrected for continuity where it is positive.

    Args:
        first, second: whether each was right, [N].
        confidence: of the interval.
    """
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    margins = math.sqrt((both + one) * (other + neither) * (both + other) * (one + neither))
    product = float(both * neither - one * other)
    if product > 0:
        product = max(product - len(first) / 2, 0.0)
    correlation = product / margins if margins else 0.0  # no margins: a share of 0 or 1, which goes with nothing
    return _joined((int(first.sum()), len(first)), (int(second.sum()), len(second)), correlation, confidence)


def newcombe_unpaired(first: int, first_cases: int, second: int, second_cases: int, confidence: float) -> Interval:
    """Interval of the difference of two shares of independent cases: method 10 of Newcombe (1998, ibid. 873-890)."""
    return _joined((first, first_cases), (second, second_cases), 0.0, confidence)


def _joined(first: tuple[int, int], second: tuple[int, int], correlation: float, confidence: float) -> Interval:
    """Two Wilson intervals as one of the difference: their distances from the shares, squared and added."""
    a, b = proportion(*first, confidence), proportion(*second, confidence)
    value = a.value - b.value

    def distance(of_a: float, of_b: float) -> float:
        return math.sqrt(max(of_a**2 - 2 * correlation * of_a * of_b + of_b**2, 0.0))

    low = value - distance(a.value - a.low, b.high - b.value)
    high = value + distance(a.high - a.value, b.value - b.low)
    return max(low, -1.0), min(high, 1.0)


def over_seeds(first: Right, second: Right, *, paired: bool = True, confidence: float = 0.95) -> Difference:
    """The difference of mean accuracies where seeds and cases are both samples.

    Its variance is the sum of three: that of the cases (of their mean differences over the seeds), and that of the
    seeds on each side; what belongs to seed and case together is counted twice, so the interval is a little
    wide rather than narrow. Degrees of freedom as Welch and Satterthwaite (1946, Biometrics Bulletin 2).
    Runs of equal seeds are not taken for pairs: different networks begin at unrelated weights.
    """
    terms: list[tuple[float, int]] = []  # (variance of a mean, degrees of freedom)
    if paired:
        terms.append(_of_mean(first.mean(0) - second.mean(0)))
    else:
        terms += [_of_mean(first.mean(0)), _of_mean(second.mean(0))]
    terms += [_of_mean(right.mean(1)) for right in (first, second) if len(right) > 1]
    value = float(first.mean() - second.mean())
    variance = sum(part for part, _ in terms)
    if not all(freedom for _, freedom in terms):  # a single case
        return Difference(value, None, None, WELCH, None, WELCH)
    if variance == 0:
        return Difference(value, value, value, WELCH, 1.0 if value == 0 else 0.0, WELCH)
    freedom = variance**2 / sum(part**2 / count for part, count in terms)
    scale = math.sqrt(variance)
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * scale
    p = float(2 * stats.t.sf(abs(value) / scale, freedom))
    return Difference(value, max(value - half, -1.0), min(value + half, 1.0), WELCH, p, WELCH)


def mean_interval(right: Right, confidence: float = 0.95) -> Interval | None:
    """Interval of the mean accuracy over seeds, by the same sum of variances; None for a single case."""
    terms = [_of_mean(right.mean(0)), _of_mean(right.mean(1))]
    if not all(freedom for _, freedom in terms):
        return None
    value, variance = float(right.mean()), sum(part for part, _ in terms)
    if variance == 0:
        return value, value
    freedom = variance**2 / sum(part**2 / count for part, count in terms)
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(variance)
    return max(value - half, 0.0), min(value + half, 1.0)


def _of_mean(values: npt.NDArray[np.floating]) -> tuple[float, int]:
    """Variance of the mean of some values, and its degrees of freedom."""
    freedom = len(values) - 1
    return (float(values.var(ddof=1)) / len(values) if freedom else 0.0), freedom


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p values corrected for being several, by Holm's step-down method (1979, Scandinavian Journal of Statistics 6).

    Args:
        p_values: of all comparisons; those that are None stay so and do not count.
    """
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[index] = largest
    return corrected
