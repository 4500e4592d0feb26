"""Figures of a classifier from what it said and what was true; pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from unrolled.data.sequences import Integers

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Proportion:
    """A share of cases with its 95 % interval.

    Attributes:
        value: the share.
        low, high: Wilson's score interval (1927, JASA 22), which stays inside 0..1 and does not
            collapse when no case, or every case, counts.
        count: cases that count.
        cases: all cases.
    """

    value: float
    low: float
    high: float
    count: int
    cases: int

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} % ({100 * self.low:.2f} to {100 * self.high:.2f})"


def proportion(count: int, cases: int, confidence: float = 0.95) -> Proportion:
    """A share of cases with Wilson's interval."""
    interval = binomtest(count, cases).proportion_ci(confidence, method="wilson")
    return Proportion(count / cases, float(interval.low), float(interval.high), count, cases)


@dataclass(frozen=True)
class ClassRow:
    """A class's line in the table.

    Attributes:
        name: of the class.
        support: cases of it.
        errors: cases of it that were taken for another.
        precision: share of right ones among those taken for it; 0 where none was.
        recall: share of right ones among its own; 0 where there are none.
        f1: their harmonic mean.
    """

    name: str
    support: int
    errors: int
    precision: float
    recall: float
    f1: float


def class_table(targets: Integers, predictions: Integers, classes: tuple[str, ...]) -> list[ClassRow]:
    """Precision, recall and support of each class."""
    matrix = confusion(targets, predictions, len(classes))
    figures = precision_recall_fscore_support(targets, predictions, labels=np.arange(len(classes)), zero_division=0.0)
    return [
        ClassRow(name, int(support), int(support - matrix[i, i]), float(precision), float(recall), float(f1))
        for i, (name, precision, recall, f1, support) in enumerate(zip(classes, *figures, strict=True))
    ]


def confusion(targets: Integers, predictions: Integers, classes: int) -> Integers:
    """Cases by true class (rows) and by predicted class (columns), [C, C]."""
    matrix: Integers = confusion_matrix(targets, predictions, labels=np.arange(classes))
    return matrix


def cross_entropy(logits: Floats, targets: Integers) -> float:
    """Mean of −log of the true class's probability, natural logarithm."""
    exact = logits.astype(np.float64)
    return float((logsumexp(exact, axis=1) - exact[np.arange(len(targets)), targets]).mean())
