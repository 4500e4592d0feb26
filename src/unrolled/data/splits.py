"""Holds out sequences: at random by class or by group, or the last in time or in order."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt

from unrolled.config import DataConfig
from unrolled.data.sequences import Integers, Sequences
from unrolled.errors import ConfigError, DataError

DEFAULT_VALIDATION_FRACTION = 0.15

_MOST_FOLDS = 10
"""Number of folds of groups, at most; some of the folds are held out."""

_ATTEMPTS = 20
"""Divisions of the groups into folds that are tried, to find one in which no class is missing."""

_NOTHING_HELD_OUT = "hold nothing out (--validation-fraction 0, and a test file with --test)"


def hold_out(sequences: Sequences, fraction: float, seed: int) -> tuple[Sequences, Sequences]:
    """Splits sequences in two so that each class has the same share in both parts.

    Args:
        sequences: labelled sequences.
        fraction: share of the sequences that is held out, over 0 and under 1.
        seed: of the random choice.
    Returns:
        The remaining and the held-out sequences, both in their old order; they share the values.
    Raises:
        DataError: for a class of one sequence, or too few sequences for the number of classes.
    """
    counts = sequences.class_counts()
    lonely = np.flatnonzero(counts == 1)
    if lonely.size:
        name = sequences.classes[int(lonely[0])]
        raise DataError(
            f"class {name!r} has one sequence, which cannot be on both sides of a split; "
            f"add another, remove the class, or {_NOTHING_HELD_OUT}."
        )
    held = max(round(fraction * len(sequences)), 1)
    classes = int((counts > 0).sum())
    if held < classes or len(sequences) - held < classes:
        raise DataError(
            f"{len(sequences)} sequences of {classes} classes cannot be split so that {held} are held out: "
            f"each side needs room for one of each class. Choose a fraction from "
            f"{math.ceil(100 * classes / len(sequences)) / 100:.2f} to "
            f"{math.floor(100 - 100 * classes / len(sequences)) / 100:.2f}, or 0 to hold nothing out."
        )
    from sklearn.model_selection import train_test_split  # scikit-learn takes a second to import

    kept, out = train_test_split(
        np.arange(len(sequences)), test_size=held, random_state=seed, stratify=sequences.targets
    )
    return sequences.take(np.sort(kept)), sequences.take(np.sort(out))


def hold_out_groups(sequences: Sequences, fraction: float, seed: int) -> tuple[Sequences, Sequences]:
    """Splits sequences in two so that no group is on both sides, with similar shares of the classes.

    scikit-learn's `StratifiedGroupKFold` divides the groups into folds; of several divisions the best is the one in
    which the fewest classes are missing on a side, and among those the one nearest to the fraction.

    Args:
        sequences: labelled sequences with groups.
        fraction: share of the sequences to hold out, over 0 and under 1; the groups may not allow it exactly.
        seed: of the divisions.
    Returns:
        As `hold_out`.
    Raises:
        DataError: for a single group, and a class that would be missing in the remaining sequences.
    """
    groups = np.unique(np.asarray(sequences.groups, str), return_inverse=True)[1]
    _refuse_lonely_groups(sequences, groups)
    faults = partial(_faults, sequences.targets, fraction)
    held = np.ones(len(sequences), bool)
    for attempt in range(_ATTEMPTS):
        held = min([*_choices(sequences, groups, fraction, seed + attempt), held], key=faults)
        if not any(faults(held)[:2]):
            break
    if faults(held)[0]:
        raise DataError(
            "found no way to hold out whole groups so that every class remains to be learned; choose another "
            f"fraction or --split-seed, leave out --group, or {_NOTHING_HELD_OUT}."
        )
    return sequences.take(np.flatnonzero(~held)), sequences.take(np.flatnonzero(held))


def hold_out_last(sequences: Sequences, fraction: float, order: Integers) -> tuple[Sequences, Sequences]:
    """Splits sequences in two and holds out the last ones.

    Args:
        sequences: labelled sequences.
        fraction: share of the sequences that is held out, over 0 and under 1.
        order: indices of the sequences, from the first to the last.
    Returns:
        As `hold_out`.
    Raises:
        DataError: for a class that occurs only among the last sequences, and for too few sequences.
    """
    held = max(round(fraction * len(sequences)), 1)
    if held >= len(sequences):
        raise DataError(f"{len(sequences)} sequences cannot be split so that {held} are held out; add more.")
    kept, out = (sequences.take(np.sort(part)) for part in (order[:-held], order[-held:]))
    late = np.flatnonzero((out.class_counts() > 0) & (kept.class_counts() == 0))
    if late.size:
        raise DataError(
            f"class {sequences.classes[int(late[0])]!r} occurs only among the last {held:,} sequences, which are held "
            "out, so it cannot be learned; hold out a smaller share, remove the class, or leave out --split."
        )
    return kept, out


def hold_out_test(sequences: Sequences, config: DataConfig) -> tuple[Sequences, Sequences | None]:
    """The sequences that remain, and the test sequences; None if no fraction is asked for."""
    if not config.test_fraction:
        return sequences, None
    return _hold_out(sequences, config.test_fraction, config)


def hold_out_validation(train: Sequences, config: DataConfig) -> tuple[Sequences, Sequences | None]:
    """The sequences that remain, and the validation sequences by the rule of the test; None for a fraction of 0."""
    fraction = config.validation_fraction
    if fraction is None:
        fraction = DEFAULT_VALIDATION_FRACTION
    return _hold_out(train, fraction, config) if fraction else (train, None)


def split_rule(sequences: Sequences, config: DataConfig) -> str:
    """The rule of the split, in a few words."""
    if config.split != "stratified":
        return "the latest" if config.split == "time" else "the last in their order"
    return f"by {'class' if sequences.groups is None else 'group'}, seed {config.split_seed}"


def _hold_out(sequences: Sequences, fraction: float, config: DataConfig) -> tuple[Sequences, Sequences]:
    if config.split != "stratified":
        return hold_out_last(sequences, fraction, _order(sequences, config))
    if sequences.groups is not None:
        return hold_out_groups(sequences, fraction, config.split_seed)
    return hold_out(sequences, fraction, config.split_seed)


def _order(sequences: Sequences, config: DataConfig) -> Integers:
    """The indices of the sequences in the order of time, or of the data; equal times keep the order of the data."""
    if sequences.groups is not None:
        raise ConfigError(
            f"split = {config.split!r} cannot also keep groups together, as --group asks for; leave out one of them."
        )
    if config.split == "order":
        return np.arange(len(sequences))
    times = sequences.times
    if times is None or np.isnan(times).any():
        found = "have no times" if times is None else f"lack {int(np.isnan(times).sum()):,} of their times"
        raise ConfigError(
            f"split = 'time' needs the moment of each sequence, and these {found}; name a time column with --time, or "
            "give --split order if they are in the order of time."
        )
    return np.argsort(times, kind="stable").astype(np.int64)


def _refuse_lonely_groups(sequences: Sequences, groups: Integers) -> None:
    """Refuses classes that occur in one group only: they cannot be both trained on and tested."""
    names = np.asarray(sequences.groups)
    if groups.max() == 0:
        raise DataError(
            f"all sequences are of one group, {names[0]!r}; a split by group needs several. Name another --group, "
            f"leave it out, or {_NOTHING_HELD_OUT}."
        )
    for label in np.unique(sequences.targets):
        own = np.unique(groups[sequences.targets == label])
        if len(own) == 1:
            group = names[groups == own[0]][0]
            raise DataError(
                f"class {sequences.classes[label]!r} occurs in one group only, {group!r}, which cannot be on both "
                f"sides of a split; add sequences of other groups, remove the class, or {_NOTHING_HELD_OUT}."
            )


def _faults(targets: Integers, fraction: float, held: npt.NDArray[np.bool_]) -> tuple[int, int, float]:
    """Missing classes in the remaining and in the held-out part, and the distance from the fraction, in sequences.

    Args:
        targets: class indices, [N].
        fraction: share of the sequences to hold out.
        held: whether each sequence is held out, [N].
    """
    classes, remaining, out = (len(np.unique(part)) for part in (targets, targets[~held], targets[held]))
    return classes - remaining, classes - out, abs(float(held.sum()) - fraction * len(held))


def _choices(sequences: Sequences, groups: Integers, fraction: float, seed: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Choices of held-out sequences, [N] each: some folds of one division of the groups into folds."""
    targets = sequences.targets
    most = min(_MOST_FOLDS, int(groups.max()) + 1, int(np.bincount(targets).max()))
    share = Fraction(fraction).limit_denominator(most)
    folds = max(share.denominator, 2) if share > 0 else most
    taken = min(max(round(fraction * folds), 1), folds - 1)
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # about classes with fewer sequences than folds
        warnings.simplefilter("ignore", UserWarning)
        tests = [test for _, test in splitter.split(targets, targets, groups)]
    for first in range(folds):
        held = np.zeros(len(targets), bool)
        for offset in range(taken):
            held[tests[(first + offset) % folds]] = True
        yield held
