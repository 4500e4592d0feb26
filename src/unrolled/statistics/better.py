"""The one rule for 'A is better than B': in the report, in comparisons, and in the choice of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import stdtr

from unrolled.statistics.differences import Difference, sign_flip
from unrolled.statistics.groups import Doubles, Groups

LEVEL = 0.05
"""A p value below this, corrected where there are several comparisons, shows a difference of accuracies."""

CHOICE_LEVEL = 0.01
"""The nominal level for the choice among weights of one training, where the best of many epochs is tested."""

FEWEST_LOSSES = 5
"""Fewest sequences for a test of their losses."""

Verdict = Literal["better", "worse", "not shown"]


def verdict(found: Difference, p: float | None = None) -> Verdict:
    """Whether the first of two classifiers is better than the second.

    Args:
        found: the difference of their accuracies.
        p: the p value corrected for several comparisons; by default that of the difference.
    """
    if (found.p if p is None else p) >= LEVEL or found.value == 0:
        return "not shown"
    return "better" if found.value > 0 else "worse"


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for several comparisons by Holm's method (1979, Scandinavian Journal of Statistics 6)."""
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(sorted((p, index) for index, p in enumerate(p_values))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        corrected[index] = largest
    return corrected


def losses_are_lower(
    losses: Doubles,
    before: Doubles,
    weights: Doubles | None = None,
    worth: float = 0.0,
    groups: Groups | None = None,
) -> bool:
    """Whether the losses of the same sequences are lower than before, by a one-sided paired test.

    The test is Student's; of losses that are counts, such as mistakes, it is the exact one (`sign_flip`), as for
    accuracies.

    Args:
        losses: loss of each sequence, [N].
        before: loss of each sequence before, [N].
        weights: weight of each sequence, [N]; equal weights if None.
        worth: smallest decrease of the mean that counts, as a share of the mean before.
        groups: of the sequences; by default each is one.
    """
    gains, count = before - losses, len(losses)
    groups = groups or Groups(None, count)
    shares = np.ones(count) if weights is None else weights
    shares = shares / shares.sum()
    mean = shares @ gains
    if count < FEWEST_LOSSES or len(groups.sizes) < 2 or mean <= worth * (shares @ before):
        return False
    if weights is None and (gains == np.rint(gains)).all():
        return sign_flip(np.rint(groups.sums(gains)).astype(np.int64)) / 2 < CHOICE_LEVEL
    error = np.sqrt(groups.variance_of_sum(shares * (gains - mean)))
    freedom = count - 1 if groups.are_single else groups.freedom
    return bool(error == 0 or stdtr(freedom, mean / error) > 1 - CHOICE_LEVEL)


def p_text(p: float) -> str:
    """``p = 0.012``, or ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
