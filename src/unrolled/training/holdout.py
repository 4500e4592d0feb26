"""Training cases that are set aside, to see whether gradients better a fitted start.

Without validation data nothing else can tell: the training data themselves are fitted ever better, whatever becomes of
other sequences.
"""

from __future__ import annotations

import numpy as np

from unrolled.data.sequences import Sequences
from unrolled.training.readout import Weights

EVERY = 4
"""One of so many of each class is set aside."""

MOST = 1_000
"""Cases that are about enough: of large data it is one of more."""


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
