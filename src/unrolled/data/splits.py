"""Holds out sequences: at random by class or by group, or the last in time or in order.

Sequences of the same content stay on one side of a random split, and of a split by group where the groups allow it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt

from unrolled.config import DataConfig
from unrolled.data.arrays import Integers
from unrolled.data.copies import first_copies
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, DataError, option

DEFAULT_VALIDATION_FRACTION = 0.15

_MOST_FOLDS = 10
"""Number of folds of groups, at most; some of the folds are held out."""

_ATTEMPTS = 20
"""Divisions of the groups into folds that are tried, to find one in which no class is missing."""

_NOTHING_HELD_OUT = "hold nothing out (--test-fraction 0 --validation-fraction 0)"


def hold_out(
    sequences: Sequences, fraction: float, seed: int, *, of_each_class: bool = False
) -> tuple[Sequences, Sequences]:
    """Splits sequences in two so that each class has the same share in both parts.

    All copies of a content are on the same side; a class whose sequences are all alike is not held out.

    Args:
        sequences: labelled sequences.
        fraction: share of the sequences that is held out, over 0 and under 1.
        seed: of the random choice.
        of_each_class: whether more are held out where the fraction is too small for one of each class.
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
    contents, place = np.unique(first_copies(sequences), return_inverse=True)
    targets = _rarest_labels(sequences.targets, counts, place)
    several = np.flatnonzero(np.bincount(targets, minlength=len(counts))[targets] > 1)
    held, classes = max(round(fraction * len(several)), 1), len(np.unique(targets[several]))
    if not classes:
        raise DataError(
            f"all {len(sequences)} sequences of each class are alike, so none can be held out; add others, or "
            f"{_NOTHING_HELD_OUT}."
        )
    if of_each_class and len(several) >= 2 * classes:
        held = min(max(held, classes), len(several) - classes)
    if held < classes or len(several) - held < classes:
        different = "" if len(contents) == len(sequences) else "different "
        raise DataError(
            f"{len(several)} {different}sequences of {classes} classes cannot be split so that {held} are held out: "
            f"each side needs room for one of each class. Choose a fraction from "
            f"{math.ceil(100 * classes / len(several)) / 100:.2f} to "
            f"{math.floor(100 - 100 * classes / len(several)) / 100:.2f}, or 0 to hold nothing out."
        )
    from sklearn.model_selection import train_test_split  # scikit-learn takes a second to import

    out = train_test_split(several, test_size=held, random_state=seed, stratify=targets[several])[1]
    return _divided(sequences, np.isin(place, out))


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
    groups = _with_copies_together(sequences, groups)
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
    return _divided(sequences, held)


def hold_out_last(
    sequences: Sequences, fraction: float, moments: npt.NDArray[np.generic]
) -> tuple[Sequences, Sequences]:
    """Splits sequences in two and holds out the last ones; sequences of one moment are on the same side.

    Args:
        sequences: labelled sequences.
        fraction: share of the sequences that is held out, over 0 and under 1; the moments may not allow it exactly.
        moments: time or place of each sequence, [N].
    Returns:
        As `hold_out`.
    Raises:
        DataError: for a class that occurs only among the last sequences, and for too few sequences.
    """
    held = max(round(fraction * len(sequences)), 1)
    firsts, counts = np.unique(moments, return_counts=True)
    if held >= len(sequences) or len(firsts) == 1:
        found = f"{len(sequences)} sequences" if len(firsts) > 1 else f"{len(sequences)} sequences of one moment"
        raise DataError(f"{found} cannot be split so that {held} are held out; add more.")
    later = np.cumsum(counts[::-1])[-2::-1]  # sequences from the second moment on, from the third on, …
    boundary = firsts[1 + int(np.abs(later - held).argmin())]
    kept, out = _divided(sequences, moments >= boundary)
    late = np.flatnonzero((out.class_counts() > 0) & (kept.class_counts() == 0))
    if late.size:
        raise DataError(
            f"class {sequences.classes[int(late[0])]!r} occurs only among the last {len(out):,} sequences, which are "
            "held out, so it cannot be learned; hold out a smaller share, remove the class, or leave out --split."
        )
    return kept, out


def hold_out_test(sequences: Sequences, config: DataConfig) -> tuple[Sequences, Sequences | None]:
    """The sequences that remain, and the test sequences; None if no fraction is asked for, or folds are."""
    if not config.test_fraction or config.folds:
        return sequences, None
    return _hold_out(sequences, config.test_fraction, config, of_each_class=True)


def hold_out_validation(train: Sequences, config: DataConfig) -> tuple[Sequences, Sequences | None]:
    """The sequences that remain, and the validation sequences by the rule of the test.

    There are none for a fraction of 0, nor where no fraction is given and the sequences are too few for the default.
    """
    fraction = config.validation_fraction
    if fraction == 0:
        return train, None
    if fraction is not None:
        return _hold_out(train, fraction, config)
    try:
        return _hold_out(train, DEFAULT_VALIDATION_FRACTION, config)
    except DataError:
        return train, None


def split_rule(sequences: Sequences, config: DataConfig) -> str:
    """The rule of the split, in a few words."""
    if config.split != "stratified":
        return "the latest" if config.split == "time" else "the last in their order"
    by = "class" if sequences.groups is None else "group" if sequences.cut is None else sequences.cut.group_name
    return f"by {by}, seed {config.split_seed}"


def _hold_out(
    sequences: Sequences, fraction: float, config: DataConfig, *, of_each_class: bool = False
) -> tuple[Sequences, Sequences]:
    if config.split != "stratified":
        return hold_out_last(sequences, fraction, _moments(sequences, config))
    if sequences.groups is not None:
        return hold_out_groups(sequences, fraction, config.split_seed)
    return hold_out(sequences, fraction, config.split_seed, of_each_class=of_each_class)


def _moments(sequences: Sequences, config: DataConfig) -> npt.NDArray[np.generic]:
    """The time of each sequence, or its place in the data, [N]; of windows, those of the first of their group."""
    if sequences.cut is not None and sequences.cut.recordings.groups is None and sequences.groups is not None:
        moments = _moments(replace(sequences, groups=None, cut=None), config)
        _, first, place = np.unique(sequences.groups.astype(str), return_index=True, return_inverse=True)
        return moments[first][place]
    if sequences.groups is not None:
        raise ConfigError(
            f"{option('split', config.split)} cannot also keep groups together, as {option('group')} asks for; leave "
            "one of them out."
        )
    if config.split == "order":
        return np.arange(len(sequences))
    times = sequences.times
    if times is None or np.isnan(times).any():
        found = "have no times" if times is None else f"lack {int(np.isnan(times).sum()):,} of their times"
        raise ConfigError(
            f"{option('split', 'time')} needs the moment of each sequence, and these {found}; name a time column with "
            f"{option('time')}, or give {option('split', 'order')} if they are in the order of time."
        )
    return times


def _divided(sequences: Sequences, held: npt.NDArray[np.bool_]) -> tuple[Sequences, Sequences]:
    """The remaining and the held-out sequences, in their order."""
    return sequences.take(np.flatnonzero(~held)), sequences.take(np.flatnonzero(held))


def _rarest_labels(targets: Integers, counts: Integers, place: Integers) -> Integers:
    """The label of each content, [U]: of its copies' labels the rarest, so that no class is left without a content.

    Args:
        targets: label of each sequence, [N].
        counts: sequences of each class, [C].
        place: content of each sequence, [N].
    """
    by_count = np.argsort(-counts[targets], kind="stable")  # the rarest last: it overwrites the others
    labels = np.empty(int(place.max()) + 1, np.int64)
    labels[place[by_count]] = targets[by_count]
    return labels


def _with_copies_together(sequences: Sequences, groups: Integers) -> Integers:
    """The groups, [N], joined where they have copies of the same content, unless a class would have one group only."""
    joined = joined_by_copies(sequences, groups)
    lonely = any(len(np.unique(joined[sequences.targets == label])) == 1 for label in np.unique(sequences.targets))
    return groups if lonely else joined


def joined_by_copies(sequences: Sequences, groups: Integers) -> Integers:
    """The groups, [N], joined where they have copies of the same content."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = int(groups.max()) + 1
    contents = count + first_copies(sequences)
    size = count + len(groups)
    links = coo_array((np.ones(len(groups)), (groups, contents)), shape=(size, size))
    joined: Integers = connected_components(links, directed=False)[1][groups].astype(np.int64)
    return joined


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
