"""Reliability of probabilities, expected calibration error, temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array

from unrolled.statistics.shares import Doubles, Integers, Proportion, proportion

BINS = 15
"""Number of bins of equal width between 0 and 1, as in Guo et al."""

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
    right: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, probabilities: Doubles, targets: Integers, bins: int = BINS) -> Confidence:
        """Takes them from the probabilities of all classes, [N, C]."""
        largest = probabilities.max(1)
        number = np.clip(np.ceil(largest * bins).astype(np.int64) - 1, 0, bins - 1)
        return cls(largest, number, probabilities.argmax(1) == targets)

    def reliability(self, bins: int = BINS) -> list[ReliabilityBin]:
        """The bins that are not empty."""
        found = []
        for number in range(bins):
            inside = self.bins == number
            if cases := int(inside.sum()):
                accuracy = proportion(int(self.right[inside].sum()), cases)
                confidence = float(self.values[inside].mean())
                found.append(ReliabilityBin(number / bins, (number + 1) / bins, confidence, accuracy))
        return found

    def gaps(self, bins: int = BINS) -> csr_array:
        """The term of each sequence in its bin's sum of (right − confidence), [N, bins]."""
        cases = len(self.values)
        return csr_array((self.right - self.values, (np.arange(cases), self.bins)), shape=(cases, bins))

    def chance_error(self, bins: int = BINS, draws: int = 1_000, seed: int = 0) -> float:
        """The calibration error that a perfectly calibrated classifier exceeds in one of 20 such test sets.

        As in the consistency resampling of Bröcker and Smith (2007, Weather and Forecasting 22): each
        prediction is right with a probability equal to its confidence. The sums of the bins are drawn from a normal
        distribution.
        """
        variance = np.bincount(self.bins, self.values * (1 - self.values), minlength=bins)
        gaps = np.random.default_rng(seed).normal(0.0, np.sqrt(np.maximum(variance, 0)), (draws, bins))
        errors = expected_calibration_error(gaps, np.full(draws, float(len(self.values))))
        return float(np.quantile(errors, 0.95))


def expected_calibration_error(gaps: Doubles, cases: Doubles) -> Doubles:
    """Σ over bins of (share of sequences in it)·|accuracy − confidence| (Naeini et al. 2015; Guo et al. 2017).

    Args:
        gaps: each bin's sum of (right − confidence), [..., bins].
        cases: number of all sequences, [...].
    """
    error: Doubles = np.abs(gaps).sum(-1) / cases
    return error


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
