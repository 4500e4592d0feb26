"""Training sequences that are set aside for the challenge where there is no validation data.

Nothing else can tell whether gradients improve on a fitted start: the training data themselves are fitted ever better,
whatever becomes of other sequences.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrolled.config import DataConfig
from unrolled.data import Integers, Sequences, hold_out_validation
from unrolled.errors import ConfigError, DataError
from unrolled.statistics import FEWEST_LOSSES

SHARE = 0.25
"""Of each class."""

MOST = 1_000
"""Sequences that are about enough: of large data it is a smaller share."""


def choose_aside(train: Sequences, seed: int, split: DataConfig) -> Integers | None:
    """The sequences to set aside, by number and in order; None where they could not tell anything.

    They are chosen as validation data are: whole groups, or the latest, where ``split`` says so. Otherwise they are
    a share of each class, at least one sequence of two or more. Fewer than `FEWEST_LOSSES`, or those of a single
    class, tell nothing.

    Args:
        train: labelled sequences.
        seed: of the choice.
        split: how the user's data are split.
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
    """By group, time or order; none where the data do not allow it, such as all of one group."""
    numbered = replace(train, ids=np.arange(len(train)).astype(object))
    try:
        aside = hold_out_validation(numbered, split)[1]
    except (ConfigError, DataError):
        return np.arange(0)
    return np.arange(0) if aside is None or aside.ids is None else aside.ids.astype(np.int64)
