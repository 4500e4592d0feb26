"""Training cases that are set aside, to see whether gradients better a fitted start.

Without validation data nothing else can tell: the training data themselves are fitted ever better, whatever becomes of
other sequences.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr
from torch import Tensor

from unrolled.data.sequences import Sequences
from unrolled.training.readout import Weights

EVERY = 4
"""One of so many of each class is set aside."""

MOST = 1_000
"""Cases that are about enough: of large data it is one of more."""


WORTH = 0.1
"""The share of the loss that weights which have not seen the cases set aside have to save: the start may see them."""

LEVEL = 0.01
"""Of the test below: strict, since what is tested is the best of many passes."""


def set_aside(
    train: Sequences, weights: Weights | None, seed: int
) -> tuple[Sequences, Weights | None, Sequences | None]:
    """A share of each class: what is left, with its weights, and what is set aside.

    Of a class with too few sequences none is; where no class has enough, nothing.

    Args:
        train: labelled sequences.
        weights: how much each counts, [N]; all the same where None.
        seed: of the choice.
    """
    every = max(EVERY, -(-len(train) // MOST))
    mixed = np.random.default_rng(seed).permutation(len(train))
    by_class = [mixed[train.targets[mixed] == index] for index in range(len(train.classes))]
    held = np.sort(np.concatenate([members[every - 1 :: every] for members in by_class]))
    kept = np.setdiff1d(np.arange(len(train)), held)
    left = None if weights is None else weights[kept]
    return train.take(kept), left, train.take(held) if held.size else None


def is_better(cases: Tensor, before: Tensor, worth: float = 0.0) -> bool:
    """Whether a figure of each case is lower than it was before, by Student's t test of the differences, one-sided.

    Args:
        cases: what is watched of each case, [N].
        before: the same of what it is compared with, [N].
        worth: the share of the mean before by which it has to be lower, at least.
    """
    gains = (before - cases).double().numpy()
    mean = gains.mean()
    if len(gains) < 2 or mean <= worth * float(before.mean()):
        return False
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    return bool(error == 0 or stdtr(len(gains) - 1, mean / error) > 1 - LEVEL)
