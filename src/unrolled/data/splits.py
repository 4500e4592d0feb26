"""Holding out sequences: at random by class, by group, or by time; always the same for the same seed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from unrolled.config import DataConfig
from unrolled.data.sequences import Integers, Sequences
from unrolled.errors import ConfigError, DataError

DEFAULT_VALIDATION_FRACTION = 0.15

_MOST_FOLDS = 10
"""Folds that groups are dealt into; a share is some of them."""

_DEALS = 20
"""Ways of dealing groups into folds that are tried, to find one in which no class is missing."""

_NOTHING_HELD_OUT = "hold nothing out (--validation-fraction 0, and a test file with --test)"


def hold_out(sequences: Sequences, fraction: float, seed: int) -> tuple[Sequences, Sequences]:
    """Splits sequences in two, by class, so that each class keeps its share in both.

    Args:
        sequences: labelled sequences.
        fraction: share of the sequences that is held out, over 0 and under 1.
        seed: of the random choice.
    Returns:
        What remains and what is held out, both in their old order and sharing the values.
    Raises:
        DataError: for a class of one sequence, or too few sequences for the number of classes.
    """
    counts = sequences.class_counts()
    lonely = np.flatnonzero(counts == 1)
    if lonely.size:
        name = sequences.classes[int(lonely[0])]
        raise DataError(
            f"class {name!r} has one sequence, which cannot stand on both sides of a split; "
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
    """Splits sequences in two so that no group stands on both sides, the classes' shares kept as well as they can be.

    The groups are dealt into folds by scikit-learn's `StratifiedGroupKFold`; of several ways of dealing the one
    is taken in which the fewest classes are missing on a side, and then the one nearest to the fraction.

    Args:
        sequences: labelled sequences with groups.
        fraction: share of the sequences that is held out, over 0 and under 1; met as nearly as the groups allow.
        seed: of the dealing.
    Returns:
        As `hold_out`.
    Raises:
        DataError: for a single group, or a class that would be missing among what remains.
    """
    groups = np.unique(np.asarray(sequences.groups, str), return_inverse=True)[1]
    _refuse_lonely_groups(sequences, groups)
    found = None
    for deal in range(_DEALS):
        choices = [_Choice.of(sequences, held, fraction) for held in _deal(sequences, groups, fraction, seed + deal)]
        found = min([*choices, *([found] if found else [])], key=lambda choice: choice.faults)
        if found.complete:
            break
    if found is None or found.faults[0]:
        raise DataError(
            "no way was found to hold out whole groups so that every class remains to be learned from; choose another "
            f"fraction or --split-seed, leave out --group, or {_NOTHING_HELD_OUT}."
        )
    return sequences.take(np.flatnonzero(~found.held)), sequences.take(np.flatnonzero(found.held))


def hold_out_last(sequences: Sequences, fraction: float, order: Integers) -> tuple[Sequences, Sequences]:
    """Splits sequences in two, the last ones held out.

    Args:
        sequences: labelled sequences.
        fraction: share of the sequences that is held out, over 0 and under 1.
        order: the sequences' numbers, from the first to the last.
    Returns:
        As `hold_out`.
    Raises:
        DataError: if a class occurs only among the last ones, or there are too few sequences.
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
    """All sequences less those held out for the test, and these; None where none are asked for."""
    if not config.test_fraction:
        return sequences, None
    return _hold_out(sequences, config.test_fraction, config)


def hold_out_validation(train: Sequences, config: DataConfig) -> tuple[Sequences, Sequences | None]:
    """The training sequences less those kept for validation, and these, by the rule that the test is held out by."""
    fraction = config.validation_fraction
    if fraction is None:
        fraction = DEFAULT_VALIDATION_FRACTION
    return _hold_out(train, fraction, config) if fraction else (train, None)


def split_rule(sequences: Sequences, config: DataConfig) -> str:
    """By what the sequences are split, in a few words."""
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
    """The sequences from the first to the last; those of one moment in their old order."""
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
            "give --split order where they stand in the order of time."
        )
    return np.argsort(times, kind="stable").astype(np.int64)


def _refuse_lonely_groups(sequences: Sequences, groups: Integers) -> None:
    """A class of one group cannot be both learned and tested."""
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
                f"class {sequences.classes[label]!r} occurs in one group only, {group!r}, which cannot stand on both "
                f"sides of a split; add sequences of other groups, remove the class, or {_NOTHING_HELD_OUT}."
            )


@dataclass(frozen=True)
class _Choice:
    """A way of holding out whole groups.

    Attributes:
        held: whether each sequence is held out, [N].
        faults: classes that are missing among what remains, among what is held out, and how many sequences too
            few or too many are held out; the smallest is the best.
    """

    held: npt.NDArray[np.bool_]
    faults: tuple[int, int, float]

    @classmethod
    def of(cls, sequences: Sequences, held: npt.NDArray[np.bool_], fraction: float) -> _Choice:
        targets = sequences.targets
        remaining, out = (len(np.unique(targets[side])) for side in (~held, held))
        classes = len(np.unique(targets))
        return cls(held, (classes - remaining, classes - out, abs(float(held.sum()) - fraction * len(held))))

    @property
    def complete(self) -> bool:
        """Whether every class is on both sides."""
        return not any(self.faults[:2])


def _deal(sequences: Sequences, groups: Integers, fraction: float, seed: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Which sequences are held out, [N], for some ways to take folds into which the groups are dealt."""
    targets = sequences.targets
    most = min(_MOST_FOLDS, int(groups.max()) + 1, int(np.bincount(targets).max()))
    share = Fraction(fraction).limit_denominator(most)
    folds = max(share.denominator, 2) if share > 0 else most
    taken = min(max(round(fraction * folds), 1), folds - 1)
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # of classes with fewer sequences than folds, which cannot be helped
        warnings.simplefilter("ignore", UserWarning)
        tests = [test for _, test in splitter.split(targets, targets, groups)]
    for first in range(folds):
        held = np.zeros(len(targets), bool)
        for offset in range(taken):
            held[tests[(first + offset) % folds]] = True
        yield held
