"""Reliability of probabilities, expected calibration error, temperature scaling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from unrolled.statistics.figures import Figure
from unrolled.statistics.groups import CONFIDENCE, Booleans, Doubles, Groups, Integers
from unrolled.statistics.shares import Proportion, share

BINS = 15
"""Number of bins of equal width between 0 and 1, as in Guo et al."""

SIMULATIONS = 1_000
"""Number of simulated calibration errors; the lower end is then exact to about a tenth of its distance."""

MAX_TEMPERATURE = 100.0


@dataclass(frozen=True)
class ReliabilityBin:
    """The sequences whose largest probability lies in an interval.

    Attributes:
        low, high: the interval; its lower end belongs to the bin below.
        confidence: mean of their largest probabilities.
        accuracy: share of right predictions among them.

    Example:
        >>> sum(one.accuracy.cases for one in run.evaluation.reliability)  # every test sequence is in one bin
        10
    """

    low: float
    high: float
    confidence: float
    accuracy: Proportion


@dataclass(frozen=True)
class Confidence:
    """The largest probability of each sequence, its bin, and whether the prediction is right.

    Attributes:
        values: [N].
        bins: number of the bin, [N].
        right: [N].
    """

    values: Doubles
    bins: Integers
    right: Booleans

    @classmethod
    def of(cls, probabilities: Doubles, targets: Integers, bins: int = BINS) -> Confidence:
        """Takes them from the probabilities of all classes, [N, C]."""
        largest = probabilities.max(1)
        number = np.clip(np.ceil(largest * bins).astype(np.int64) - 1, 0, bins - 1)
        return cls(largest, number, probabilities.argmax(1) == targets)

    def reliability(self, groups: Groups | None = None, bins: int = BINS) -> list[ReliabilityBin]:
        """The bins that are not empty."""
        groups, found = groups or Groups(None, len(self.bins)), []
        for number in range(bins):
            inside = self.bins == number
            if inside.any():
                accuracy = share(self.right[inside], groups.take(inside))
                confidence = float(self.values[inside].mean())
                found.append(ReliabilityBin(number / bins, (number + 1) / bins, confidence, accuracy))
        return found

    def sums(self, values: npt.NDArray[np.generic], bins: int = BINS) -> Doubles:
        """The sum of each bin's values, [N] → [bins]."""
        return np.bincount(self.bins, values.astype(np.float64), minlength=bins).astype(np.float64)

    def error(self) -> float:
        """The expected calibration error: Σ over bins of (share of sequences in it)·|accuracy − confidence|.

        Naeini et al. 2015; Guo et al. 2017.
        """
        return float(np.abs(self.sums(self.right - self.values)).sum()) / len(self.values)


def calibration_error(confidence: Confidence, groups: Groups | None = None, seed: int = 0) -> Figure:
    """The expected calibration error with its interval.

    Noise alone makes the error larger: of 10 sequences of a perfectly calibrated classifier it is about 0.2. The lower
    end is the error less what noise adds to it with a chance of 2.5 %, by simulation: each bin's gap between right
    answers and confidences is the observed one, or 0 where it is less than two standard deviations from 0, with normal
    noise. The upper end is as far away as the share of right answers, and the mean confidence, may be from theirs.

    Args:
        confidence: of the sequences.
        groups: of the sequences; by default each is one.
        seed: of the simulation.
    """
    groups = groups or Groups(None, len(confidence.values))
    cases, gaps = groups.cases, confidence.right - confidence.values
    value, sums, counts = confidence.error(), confidence.sums(gaps), confidence.sums(np.ones(cases))
    # two sequences more in each bin, as often right as their confidences say, so that few right ones are not certain
    likely = (confidence.sums(confidence.right) + 2 * (confidence.sums(confidence.values) / np.maximum(counts, 1))) / (
        counts + 2
    )
    chances = likely[confidence.bins]
    squares = chances * np.square(1 - confidence.values) + (1 - chances) * np.square(confidence.values)
    effect = groups.design_effect(gaps - gaps.mean(), ~confidence.right)
    deviations = np.sqrt(confidence.sums(squares) * effect)
    certain = np.where(np.abs(sums) > 2 * deviations, sums, 0.0)
    noise = np.random.default_rng(seed).normal(size=(SIMULATIONS, len(sums))) * deviations
    added = (np.abs(certain + noise).sum(1) - np.abs(certain).sum()) / cases
    low = max(value - float(np.quantile(added, (1 + CONFIDENCE) / 2)), 0.0)
    right = share(confidence.right, groups)
    variance, _ = groups.variance_of_mean(confidence.values)
    further = max(right.high - right.value, right.value - right.low)
    high = min(value + math.hypot(further, groups.quantile() * math.sqrt(variance)), 1.0)
    return Figure(value, low, high, "simulated-gaps")


def fit_temperature(logits: npt.NDArray[np.floating], targets: Integers) -> float:
    """The T for which softmax(logits / T) gives the targets the largest likelihood.

    Guo et al. 2017 (arXiv 1706.04599). The classes stay as they are, only the probabilities change. If every
    prediction is right, the likelihood has no maximum, and the temperature is 1.0.

    Args:
        logits: logits of sequences that the network was not trained on, [N, C].
        targets: [N].
    """
    exact = logits.astype(np.float64)
    margins = exact - exact[np.arange(len(targets)), targets][:, None]  # [N, C]; 0 for the target
    if (margins > 0).sum() == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = margins * np.exp(-log_temperature)
        return float(np.logaddexp.reduce(scaled, axis=1).mean())

    widest = np.log(MAX_TEMPERATURE)
    return float(np.exp(minimize_scalar(loss, bounds=(-widest, widest), method="bounded", options={"xatol": 1e-6}).x))
