"""Area under the ROC curve: the chance that a sequence of a class gets a higher score for it than another one.

For two classes it is the area of the second class; for more, the mean of each class against the rest, over the classes
with sequences on both sides. It equals scikit-learn's `roc_auc_score`, but it is computed from the order of the scores,
which the interval needs too: sorting a million scores once for each class is most of the work.
"""

from __future__ import annotations

import numpy as np

from unrolled.statistics.figures import FEW_CASES, FEW_TEXT, Figure, effective_share
from unrolled.statistics.groups import Booleans, Doubles, Groups, Integers

_NONE = "it needs sequences of at least two classes"


def roc_auc(scores: Doubles, targets: Integers, groups: Groups | None = None) -> Figure:
    """The area with its interval, from DeLong's variance or, where that is larger, Hanley and McNeil's.

    DeLong's variance (1988, Biometrics 44) is that of the sequences' influences, and 0 where the classes are separated;
    that of Hanley and McNeil (1982, Radiology 143) follows from the area, here with two more sequences of the smaller
    side, one of which is misplaced.

    Args:
        scores: scores of each class, [N, C]: probabilities, or anything that rises with them.
        targets: [N].
        groups: of the sequences; by default each is one.
    """
    cases, count = scores.shape
    support = np.bincount(targets, minlength=count)
    usable = [index for index in range(count) if 0 < support[index] < cases]
    if not usable:
        return Figure(None, None, None, "wilson-effective", _NONE)
    absent = count - int((support > 0).sum())
    note = f"{absent} of {count} classes have no sequences and do not count" if absent and count > 2 else ""
    few = int((support[usable] < FEW_CASES).sum())
    doubt = f"{few} of {count} classes {FEW_TEXT}" if few else ""
    if count == 2:
        usable = [1]
    influences, areas, variances = np.zeros(cases), [], []
    for index in usable:
        area, own = area_and_influences(scores[:, index], targets == index)
        influences += own / len(usable)
        smaller = min(support[index], cases - support[index])
        areas.append((area, (area * smaller + 1) / (smaller + 2)))
        variances.append(_hanley_mcneil(areas[-1][1], support[index], cases - support[index]))
    value, likely = (float(mean) for mean in np.mean(areas, axis=0))
    variance = max(float(np.square(influences).sum()), float(np.mean(variances)) / len(usable))
    return effective_share(
        value, likely, variance, groups or Groups(None, cases), influences, influences < 0, note, doubt
    )


def area_and_influences(scores: Doubles, positive: Booleans) -> tuple[float, Doubles]:
    """The area of one class, and the influence of each sequence on it, [N], of mean 0.

    The influence is that of DeLong's placements: the share of the other side that a sequence beats, where a tie counts
    half, less the area.
    """
    order = np.argsort(scores)  # in any order among equal scores: they get the same placements
    ranked, own = scores[order], positive[order]
    edges = np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1, [len(ranked)]])
    sizes = np.diff(edges)
    first, last = np.repeat(edges[:-1], sizes), np.repeat(edges[1:], sizes)
    ahead = np.concatenate([[0], np.cumsum(own)])
    positives = ahead[first] + ahead[last]  # twice the class's sequences below, where a tie counts half
    count = int(ahead[-1])
    rest = len(order) - count
    placements = np.where(own, (first + last - positives) / (2 * rest), 1 - positives / (2 * count))
    area = float(placements[own].mean())
    influences = np.empty(len(order))
    influences[order] = (placements - area) / np.where(own, count, rest)
    return area, influences


def _hanley_mcneil(area: float, own: int, rest: int) -> float:
    """The variance of an area, if scores are distributed exponentially."""
    pairs = area / (2 - area) - area**2, 2 * area**2 / (1 + area) - area**2
    return float((area * (1 - area) + (own - 1) * pairs[0] + (rest - 1) * pairs[1]) / (own * rest))
