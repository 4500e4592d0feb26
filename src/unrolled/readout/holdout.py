"""Training cases that are set aside, to see whether gradients better a fitted start.

Without validation data nothing else can tell: the training data themselves are fitted ever better, whatever becomes of
other sequences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from unrolled.data import Sequences
from unrolled.readout.ridge import Weights
from unrolled.statistics import FEWEST_LOSSES, losses_are_lower

SHARE = 0.25
"""Of each class."""

MOST = 1_000
"""Cases that are about enough: of large data it is a smaller share."""

WORTH = 0.1
"""The share of the loss that weights which have not seen the cases set aside have to save: the start may see them."""


@dataclass(frozen=True)
class Cases:
    """Labelled sequences and how much each counts, [N]; all the same where None."""

    sequences: Sequences
    weights: Weights | None


def set_aside(cases: Cases, seed: int) -> tuple[Cases, Cases | None]:
    """What is left, its weights again 1 in the mean, and a share of each class, at least one case of two or more.

    Nothing is set aside where that would be fewer than `FEWEST_LOSSES` cases, or all of one class.
    """
    train, weights = cases.sequences, cases.weights
    share = min(SHARE, MOST / len(train))
    mixed = np.random.default_rng(seed).permutation(len(train))
    by_class = [mixed[train.targets[mixed] == index] for index in range(len(train.classes))]
    picked = [members[: max(1, int(share * len(members)))] for members in by_class if len(members) > 1]
    held = np.sort(np.concatenate([*picked, mixed[:0]]))
    if len(held) < FEWEST_LOSSES or len(picked) < 2:
        return cases, None
    kept = np.setdiff1d(np.arange(len(train)), held)
    if weights is None:
        return Cases(train.take(kept), None), Cases(train.take(held), None)
    left = Cases(train.take(kept), weights[kept] / weights[kept].mean())
    return left, Cases(train.take(held), weights[held])


def is_better(cases: Tensor, before: Tensor, weights: Tensor | None = None, worth: float = 0.0) -> bool:
    """`losses_are_lower` of tensors."""
    counts = None if weights is None else weights.double().numpy()
    return losses_are_lower(cases.double().numpy(), before.double().numpy(), counts, worth)
