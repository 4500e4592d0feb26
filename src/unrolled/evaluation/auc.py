"""Area under the ROC curve: the chance that a case of a class gets a higher score for it than a case of another.

For two classes it is that of the second one; for more, the mean over the classes, each against the rest, that
have cases and leave some to the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from sklearn.metrics import roc_auc_score

from unrolled.data.sequences import Integers
from unrolled.evaluation.intervals import CONFIDENCE, DRAWS, Doubles, Figure, draws, percentile_interval

MOST_PRODUCTS = 200_000_000
"""Resamples × cases × classes up to which the bootstrap is used; beyond it, DeLong's variance."""

_NONE = "it needs cases of at least two classes"


@dataclass(frozen=True)
class Ranking:
    """A class's cases and all others in the order of their scores for it.

    Attributes:
        order: the cases by rising score, [N].
        positive: whether each, in this order, is of the class, [N].
        first, last: of the cases with the same score as this one, the first one's place and the last one's plus 1.
    """

    order: Integers
    positive: npt.NDArray[np.bool_]
    first: Integers
    last: Integers

    @classmethod
    def of(cls, scores: Doubles, positive: npt.NDArray[np.bool_]) -> Ranking:
        """From each case's score for the class."""
        order = np.argsort(scores, kind="stable")
        ranked = scores[order]
        edges = np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1, [len(ranked)]])
        sizes = np.diff(edges)
        return cls(order, positive[order], np.repeat(edges[:-1], sizes), np.repeat(edges[1:], sizes))

    def areas(self, weights: npt.NDArray[np.float32]) -> Doubles:
        """The area where each case counts so often, [R, N] → [R]; NaN where one side is empty."""
        ranked = weights[:, self.order]
        own = np.flatnonzero(self.positive)
        ours = ranked[:, own].astype(np.float64)
        ranked[:, own] = 0
        below = np.zeros((len(weights), len(self.order) + 1), np.float32)  # whole numbers far below 2²⁴: exact
        np.cumsum(ranked, axis=1, out=below[:, 1:])  # cases of the rest up to each place
        beaten = below[:, self.first[own]].astype(np.float64) + below[:, self.last[own]]
        with np.errstate(invalid="ignore"):
            areas: Doubles = (ours * beaten).sum(1) / (2 * ours.sum(1) * below[:, -1])
        return areas

    def influences(self) -> Doubles:
        """How far each case moves the area from its value, [N], of mean 0 (DeLong's placement values)."""
        negatives = np.concatenate([[0], np.cumsum(~self.positive)])
        positives = np.concatenate([[0], np.cumsum(self.positive)])
        below = (negatives[self.first] + negatives[self.last]) / 2 / negatives[-1]
        above = 1 - (positives[self.first] + positives[self.last]) / 2 / positives[-1]
        placement = np.where(self.positive, below, above)
        area = placement[self.positive].mean()
        share = np.where(self.positive, positives[-1], negatives[-1]) / len(self.order)
        found = np.empty(len(self.order))
        found[self.order] = (placement - area) / share
        return found


def roc_auc(probabilities: Doubles, targets: Integers, seed: int = 0) -> Figure:
    """The area with its interval.

    Args:
        probabilities: [N, C].
        targets: [N].
        seed: of the resamples.
    """
    cases, count = probabilities.shape
    support = np.bincount(targets, minlength=count)
    usable = [index for index in range(count) if 0 < support[index] < cases]
    if not usable:
        return Figure(None, None, None, "bootstrap-percentile", _NONE)
    absent = count - int((support > 0).sum())
    note = None if not absent or count == 2 else f"{absent} of {count} classes have no cases and do not count"
    if count == 2:
        usable = [1]
    value = float(np.mean([roc_auc_score(targets == index, probabilities[:, index]) for index in usable]))
    rankings = (Ranking.of(probabilities[:, index], targets == index) for index in usable)
    if DRAWS * cases * len(usable) <= MOST_PRODUCTS:
        areas = [np.concatenate([ranking.areas(block) for block in draws(cases, seed=seed)]) for ranking in rankings]
        return percentile_interval(value, _mean_defined(np.stack(areas)), note)
    influences = np.zeros(cases)
    for ranking in rankings:
        influences += ranking.influences() / len(usable)
    half = float(ndtri((1 + CONFIDENCE) / 2)) * float(influences.std(ddof=1)) / math.sqrt(cases)
    return Figure(value, max(value - half, 0.0), min(value + half, 1.0), "delong", note)


def _mean_defined(areas: Doubles) -> Doubles:
    """The mean over the classes that a resample has, [K, R] → [R]; NaN where it has none."""
    defined = np.isfinite(areas)
    counts = defined.sum(0)
    with np.errstate(invalid="ignore"):
        means: Doubles = np.where(defined, areas, 0.0).sum(0) / counts
    return means
