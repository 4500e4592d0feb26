"""Training sequences that are set aside for the challenge where there are no validation sequences.

Without them nothing shows whether gradients improve on a fitted start: the loss on the training sequences falls even
where it rises on others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrolled.config import DataConfig
from unrolled.data import Integers, Sequences, hold_out_validation
from unrolled.errors import ConfigError, DataError
from unrolled.statistics import FEWEST_LOSSES

SHARE = 0.25
"""Share of each class that is set aside."""

MOST = 1_000
"""Sequences that suffice; of large data the share is smaller."""


def choose_aside(train: Sequences, seed: int, split: DataConfig) -> Integers | None:
    """The indices of the sequences to set aside, in order; None where there are too few for a test.

    They are chosen like validation sequences: whole groups, or the latest, where ``split`` says so. Otherwise they are
    a share of each class, at least one sequence of every class that has two. A test needs `FEWEST_LOSSES` sequences of
    at least two classes.

    Args:
        train: labelled sequences.
        seed: of the choice.
        split: the rule by which the data are split.
    """
    share = min(SHARE, MOST / len(train))
    if train.groups is None and split.split == "stratified":
        aside = _of_each_class(train, share, seed)
    else:
        aside = _by_the_rule(train, split.model_copy(update={"validation_fraction": share, "split_seed": seed}))
    return None if len(aside) < FEWEST_LOSSES or len(np.unique(train.targets[aside])) < 2 else aside


def _of_each_class(train: Sequences, share: float, seed: int) -> Integers:
    mixed = np.random.default_rng(seed).permutation(len(train))
    by_class = [mixed[train.targets[mixed] == index] for index in range(len(train.classes))]
    chosen = [members[: max(1, int(share * len(members)))] for members in by_class if len(members) > 1]
    aside: Integers = np.sort(np.concatenate([*chosen, mixed[:0]]))
    return aside


def _by_the_rule(train: Sequences, split: DataConfig) -> Integers:
    """Indices by group, time or order; none where the data do not allow it, such as a single group."""
    numbered = replace(train, ids=np.arange(len(train)).astype(object))
    try:
        aside = hold_out_validation(numbered, split)[1]
    except (ConfigError, DataError):
        return np.arange(0)
    return np.arange(0) if aside is None or aside.ids is None else aside.ids.astype(np.int64)
