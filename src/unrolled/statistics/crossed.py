"""Intervals of a cross-validation, whose answers are not independent: folds learn from almost the same sequences."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

import numpy as np
from scipy.special import ndtr, ndtri

from unrolled.statistics.differences import Difference
from unrolled.statistics.figures import Figure
from unrolled.statistics.groups import CONFIDENCE, Doubles, Groups
from unrolled.statistics.shares import Proportion, Right, wilson

T = TypeVar("T", bound=Proportion | Figure | Difference)


def inflation(right: Right, folds: int, groups: Groups) -> float:
    """The variance of a cross-validated accuracy, as a multiple of that of as many independent sequences.

    Of one division into folds it is 1 + K / (K − 1), after Nadeau and Bengio (2003, Machine Learning 52): what training
    sets share adds as much as if a test part had that much less to say. It supposes the worst, an unstable classifier.
    Repeats show how unstable the answers are: with the share u of their variance that lies between the repeats, it is
    1 + u (1 + 1 / R), and never more than of one division. Groups multiply it by their design effect (Kish 1965), and
    Student's t takes the place of the normal quantile.

    Args:
        right: whether each sequence was classified correctly, in each repeat, [R, N].
        folds: their number, K.
        groups: the groups of the sequences.
    """
    repeats, shares = len(right), right.mean(0)
    most = 1 + folds / (folds - 1)
    found = most
    if repeats > 1:
        found = min(most, 1 + _instability(shares, repeats) * (1 + 1 / repeats))
    quantile = groups.quantile() / Groups(None, groups.cases).quantile()
    return found * groups.design_effect(shares - shares.mean(), shares < 1) * quantile**2


def widened(found: T, factor: float, most: float = 1.0) -> T:
    """A figure whose variance is a multiple of what its interval supposes; also its p value, if it has one.

    Args:
        found: the figure.
        factor: the multiple.
        most: the largest value that the figure can have; infinite for a loss.
    """
    if factor == 1 or found.low is None or found.high is None or found.value is None:
        return found
    if isinstance(found, Proportion):
        low, high = wide_share(found.value, found.cases, factor)
        return replace(found, low=low, high=high)
    root = math.sqrt(factor)
    low = max(found.value - root * (found.value - found.low), -1.0 if isinstance(found, Difference) else 0.0)
    wide = replace(found, low=low, high=min(found.value + root * (found.high - found.value), most))
    if isinstance(wide, Difference):
        wide = replace(wide, p=float(2 * ndtr(ndtri(wide.p / 2) / root)))
    return wide


def wide_share(value: float, cases: int, factor: float) -> tuple[float, float]:
    """Wilson's interval of a share of so many sequences, for a variance that is a multiple of theirs."""
    return wilson(value, cases / factor, float(ndtri((1 + CONFIDENCE) / 2)))


def _instability(shares: Doubles, repeats: int) -> float:
    """The share of the variance of single answers that lies between repeats, 0 to 1.

    Few mistakes say little about it, so one that is completely unstable is added to them.
    """
    mean, mistakes = shares.mean(), int(np.count_nonzero(shares < 1))
    within = (shares * (1 - shares)).mean() * repeats / (repeats - 1)
    share = min(float(within / (mean * (1 - mean))), 1.0) if 0 < mean < 1 else 1.0
    return (mistakes * share + 1) / (mistakes + 1)
