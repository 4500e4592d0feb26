"""Area under the ROC curve: the chance that a sequence of a class gets a higher score for it than another one.

For two classes it is the area of the second class; for more, the mean of each class against the rest, over the classes
with sequences on both sides. It equals scikit-learn's `roc_auc_score`, but it is computed from the order of the scores,
which the interval needs too: sorting a million scores once for each class is most of the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from unrolled.statistics.bootstrap import (
    DRAWS,
    FEW_CASES,
    FEW_TEXT,
    Figure,
    draws,
    joined,
    percentile_interval,
)
from unrolled.statistics.shares import CONFIDENCE, Doubles, Integers

MOST_PRODUCTS = 200_000_000
"""Most resamples × sequences × classes for the bootstrap; beyond that, DeLong's variance gives the interval."""

_NONE = "it needs sequences of at least two classes"


@dataclass(frozen=True)
class Ranking:
    """All sequences in the order of their scores for one class.

    Attributes:
        order: indices of the sequences by rising score, [N].
        positive: whether each sequence, in this order, belongs to the class, [N].
        first, last: the places in this order of the first, and behind the last, sequence with the same score, [N].
    """

    order: Integers
    positive: npt.NDArray[np.bool_]
    first: Integers
    last: Integers

    @classmethod
    def of(cls, scores: Doubles, positive: npt.NDArray[np.bool_]) -> Ranking:
        """Ranks the sequences by their scores for the class."""
        order = np.argsort(scores)  # in any order among equal scores: `first` and `last` are the same for all of them
        ranked = scores[order]
        edges = np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1, [len(ranked)]])
        sizes = np.diff(edges)
        return cls(order, positive[order], np.repeat(edges[:-1], sizes), np.repeat(edges[1:], sizes))

    def areas(self, weights: npt.NDArray[np.float32]) -> Doubles:
        """The area for a number of copies of each sequence, [R, N] → [R]; NaN if one side is empty."""
        ranked = weights[:, self.order]
        own = np.flatnonzero(self.positive)
        ours = ranked[:, own].astype(np.float64)
        ranked[:, own] = 0
        below = np.zeros((len(weights), len(self.order) + 1), np.float32)  # whole numbers far below 2²⁴: exact
        np.cumsum(ranked, axis=1, out=below[:, 1:])  # sequences of the rest up to each place
        beaten = below[:, self.first[own]].astype(np.float64) + below[:, self.last[own]]
        with np.errstate(invalid="ignore"):
            areas: Doubles = (ours * beaten).sum(1) / (2 * ours.sum(1) * below[:, -1])
        return areas

    @cached_property
    def placements(self) -> Doubles:
        """The share of the other side that each sequence beats, where a tie counts half, [N] in the ranking's order.

        Their mean over the class's sequences is the area, and over the others too (DeLong et al. 1988, Biometrics 44).
        """
        ahead = np.concatenate([[0], np.cumsum(self.positive)])
        positives = ahead[self.first] + ahead[self.last]  # twice the class's sequences below, where a tie counts half
        own, rest = int(ahead[-1]), len(self.order) - int(ahead[-1])
        of_own = (self.first + self.last - positives) / (2 * rest)
        placements: Doubles = np.where(self.positive, of_own, 1 - positives / (2 * own))
        return placements

    def area(self) -> float:
        """The area over all sequences."""
        return float(self.placements[self.positive].mean())

    def influences(self) -> Doubles:
        """The influence of each sequence on the area, [N] in the original order, of mean 0."""
        own, cases = np.count_nonzero(self.positive), len(self.order)
        found = np.empty(cases)
        found[self.order] = (self.placements - self.area()) * np.where(
            self.positive, cases / own, cases / (cases - own)
        )
        return found


def roc_auc(scores: Doubles, targets: Integers, seed: int = 0) -> Figure:
    """The area with its interval.

    Args:
        scores: scores of each class, [N, C]: probabilities, or anything that rises with them.
        targets: [N].
        seed: seed of the resamples.
    """
    cases, count = scores.shape
    support = np.bincount(targets, minlength=count)
    usable = [index for index in range(count) if 0 < support[index] < cases]
    if not usable:
        return Figure(None, None, None, "bootstrap-percentile", _NONE)
    absent = count - int((support > 0).sum())
    note = f"{absent} of {count} classes have no sequences and do not count" if absent and count > 2 else ""
    few = int((support[usable] < FEW_CASES).sum())
    doubt = f"{few} of {count} classes {FEW_TEXT}" if few else ""
    if count == 2:
        usable = [1]
    rankings = (Ranking.of(scores[:, index], targets == index) for index in usable)
    if DRAWS * cases * len(usable) <= MOST_PRODUCTS:
        kept = list(rankings)
        value = float(np.mean([ranking.area() for ranking in kept]))
        areas = [[ranking.areas(block) for ranking in kept] for block in draws(cases, seed=seed)]
        return percentile_interval(value, _mean_defined(np.concatenate(areas, axis=1)), note, doubt)
    values, influences = [], np.zeros(cases)
    for ranking in rankings:
        values.append(ranking.area())
        influences += ranking.influences() / len(usable)
    value = float(np.mean(values))
    half = float(ndtri((1 + CONFIDENCE) / 2)) * float(influences.std(ddof=1)) / math.sqrt(cases)
    return Figure(value, max(value - half, 0.0), min(value + half, 1.0), "delong", joined(note, doubt))


def _mean_defined(areas: Doubles) -> Doubles:
    """The mean over the classes in each resample, [K, R] → [R]; NaN without any."""
    defined = np.isfinite(areas)
    counts = defined.sum(0)
    with np.errstate(invalid="ignore"):
        means: Doubles = np.where(defined, areas, 0.0).sum(0) / counts
    return means
