"""Training cases that are set aside, to see whether gradients better a fitted start.

Without validation data nothing else can tell: the training data themselves are fitted ever better, whatever becomes of
other sequences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr
from torch import Tensor

from unrolled.data import Sequences
from unrolled.readout.ridge import Weights

SHARE = 0.25
"""Of each class."""

MOST = 1_000
"""Cases that are about enough: of large data it is a smaller share."""

LEAST = 5
"""Cases below which nothing can be told."""

WORTH = 0.1
"""The share of the loss that weights which have not seen the cases set aside have to save: the start may see them."""

LEVEL = 0.01
"""Of the test below, nominally: it is strict, since what is tested is the best of many passes."""


@dataclass(frozen=True)
class Cases:
    """Labelled sequences and how much each counts, [N]; all the same where None."""

    sequences: Sequences
    weights: Weights | None


def set_aside(cases: Cases, seed: int) -> tuple[Cases, Cases | None]:
    """What is left, its weights again 1 in the mean, and a share of each class, at least one case of two or more.

    Nothing is set aside where that would be fewer than `LEAST` cases, or all of one class.
    """
    train, weights = cases.sequences, cases.weights
    share = min(SHARE, MOST / len(train))
    mixed = np.random.default_rng(seed).permutation(len(train))
    by_class = [mixed[train.targets[mixed] == index] for index in range(len(train.classes))]
    picked = [members[: max(1, int(share * len(members)))] for members in by_class if len(members) > 1]
    held = np.sort(np.concatenate([*picked, mixed[:0]]))
    if len(held) < LEAST or len(picked) < 2:
        return cases, None
    kept = np.setdiff1d(np.arange(len(train)), held)
    if weights is None:
        return Cases(train.take(kept), None), Cases(train.take(held), None)
    left = Cases(train.take(kept), weights[kept] / weights[kept].mean())
    return left, Cases(train.take(held), weights[held])


def is_better(cases: Tensor, before: Tensor, weights: Tensor | None = None, worth: float = 0.0) -> bool:
    """Whether a figure of each case is lower than it was before, by Student's t test of the differences, one-sided.

    Args:
        cases: what is watched of each case, [N].
        before: the same of what it is compared with, [N].
        weights: how much each counts, [N]; all the same where None.
        worth: the share of the mean before by which it has to be lower, at least.
    """
    gains, count = (before - cases).double().numpy(), len(cases)
    shares = np.ones(count) if weights is None else weights.double().numpy()
    shares = shares / shares.sum()
    mean = shares @ gains
    if count < LEAST or mean <= worth * (shares @ before.double().numpy()):
        return False
    error = np.sqrt(np.square(shares * (gains - mean)).sum() * count / (count - 1))
    return bool(error == 0 or stdtr(count - 1, mean / error) > 1 - LEVEL)
