"""Folds of a cross-validation: every sequence is held out once in each repeat."""

from __future__ import annotations

import warnings

import numpy as np

from unrolled.config import DataConfig
from unrolled.data.arrays import Integers
from unrolled.data.dataset import Dataset
from unrolled.data.sequences import Sequences
from unrolled.data.splits import hold_out_validation, joined_by_copies
from unrolled.errors import DataError

_ATTEMPTS = 20
"""Divisions that are tried, to find one in which every class remains to be learned."""


def divide(sequences: Sequences, config: DataConfig) -> Integers:
    """The fold in which each sequence is held out, from 0, in each repeat, [R, N].

    Every class has about the same share in all folds. Sequences of one group, and sequences of the same content, are in
    one fold. Repeat r is scikit-learn's `StratifiedKFold` with the seed ``split_seed`` + r, or its
    `StratifiedGroupKFold` where sequences belong together.

    Args:
        sequences: labelled sequences, N.
        config: the number of folds and of repeats R, and the seed.
    Raises:
        DataError: for fewer sequences or groups than folds, and for a class that would be missing in a training.
    """
    assert config.folds is not None  # noqa: S101  # the caller asked for folds
    units = _kept_together(sequences)
    what = "different sequence" if sequences.groups is None else "group"
    if (count := len(np.unique(units))) < config.folds:
        raise DataError(f"there are {count} {what}s that can be held out apart; choose --folds {count} or fewer.")
    if lonely := _lonely_classes(sequences, units):
        raise DataError(
            f"class {lonely[0]!r} has one {what} only, which cannot be both held out and learned from; add another "
            f"{what} of it, or remove the class."
        )
    if (most := int(sequences.class_counts().max())) < config.folds:
        raise DataError(f"the largest class has {most} sequences; choose --folds {most} or fewer.")
    seeds = range(config.split_seed, config.split_seed + config.repeats)
    return np.stack([_fold_numbers(sequences.targets, units, config.folds, seed) for seed in seeds])


def fold_datasets(whole: Sequences, config: DataConfig, fold_of: Integers) -> list[Dataset]:
    """The training, validation and test sequences of every fold of one repeat.

    Args:
        whole: all sequences.
        config: the share of the training sequences for validation.
        fold_of: fold in which each sequence is held out, [N].
    """
    found = []
    for fold in range(int(fold_of.max()) + 1):
        train, validation = hold_out_validation(whole.take(np.flatnonzero(fold_of != fold)), config)
        found.append(Dataset("fold", train, validation, whole.take(np.flatnonzero(fold_of == fold))))
    return found


def in_folds(folds: int, repeats: int) -> str:
    """``5 folds``, or ``5 folds × 3``."""
    return f"{folds} folds" if repeats == 1 else f"{folds} folds × {repeats}"


def _kept_together(sequences: Sequences) -> Integers:
    """The number of the unit that each sequence belongs to, [N]: a group, or a content; copies join groups."""
    if sequences.groups is None:
        return joined_by_copies(sequences, np.arange(len(sequences)))
    groups = np.unique(np.asarray(sequences.groups, str), return_inverse=True)[1].astype(np.int64)
    joined = joined_by_copies(sequences, groups)
    return groups if _lonely_classes(sequences, joined) else joined


def _lonely_classes(sequences: Sequences, units: Integers) -> list[str]:
    """The classes of one unit: while it is held out, nothing of the class can be learned."""
    labels = np.unique(sequences.targets)
    lonely = [label for label in labels if len(np.unique(units[sequences.targets == label])) == 1]
    return [sequences.classes[int(label)] for label in lonely]


def _fold_numbers(targets: Integers, units: Integers, folds: int, seed: int) -> Integers:
    """The fold of each sequence, [N]."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if len(np.unique(units)) == len(units) else StratifiedGroupKFold
    numbers = np.zeros(len(targets), np.int64)
    for attempt in range(_ATTEMPTS):
        splitter = kind(folds, shuffle=True, random_state=seed + 1_000 * attempt)
        with warnings.catch_warnings():  # about classes with fewer sequences than folds
            warnings.simplefilter("ignore", UserWarning)
            for number, (_, held) in enumerate(splitter.split(targets, targets, units)):
                numbers[held] = number
        classes = np.unique(targets)
        if all(len(np.unique(targets[numbers != fold])) == len(classes) for fold in range(folds)):
            return numbers
    raise DataError(
        f"found no way to make {folds} folds so that every class can always be learned; choose another number of "
        "folds or another --split-seed, or leave out --group."
    )
