"""Checks of sequences before hours are spent on training: labels, values, channels, groups."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from unrolled.config import MissingName
from unrolled.data.arrays import Integers, Offsets, Values
from unrolled.data.labels import label_indices
from unrolled.data.sequences import Sequences
from unrolled.errors import DataError, LayoutWarning, MismatchError, UnitWarning

_FAR = 10
"""Values that lie this many ranges of the training data outside of it, probably have another unit."""


def check_trainable(sequences: Sequences, missing: MissingName = "none") -> None:
    """Refuses sequences of a single class, and values that no network can read.

    Args:
        sequences: to train on.
        missing: how missing values are handled.
    Raises:
        DataError: for labels of one class, infinite or missing values, and channels without values.
    """
    counts = sequences.class_counts()
    present = [name for name, count in zip(sequences.classes, counts, strict=True) if count]
    if len(present) < 2:
        raise DataError(
            f"every training sequence has the label {present[0]!r}; a classifier needs at least two classes."
        )
    if sequences.equal_length == 1 and len(sequences.channels) > 1:
        warnings.warn(
            f"every sequence is a single step of {len(sequences.channels)} channels, which has no order. If these are "
            "the steps of one channel, give arrays as [N, T, F], time before channels: array.transpose(0, 2, 1), or "
            "--layout channels-first.",
            LayoutWarning,
            stacklevel=2,
        )
    refuse_values(sequences, "training", missing)
    if missing != "none":
        _refuse_empty_channels(sequences)


def check_test(test: Sequences, train: Sequences, missing: MissingName = "none") -> None:
    """Refuses test sequences on which the trained model could not be measured.

    Raises:
        DataError: as `check_held_out`, and for groups that are also in the training data.
    """
    check_held_out(test, train, "test", missing)
    _refuse_shared_groups(test, train)


def check_held_out(part: Sequences, train: Sequences, role: str, missing: MissingName = "none") -> None:
    """Refuses validation or test sequences that do not fit the training sequences.

    Args:
        part: the validation or test sequences.
        train: the training sequences.
        role: ``"validation"`` or ``"test"``, for messages.
        missing: how missing values are handled.
    Raises:
        DataError: for other channels or classes than those of the training sequences, no labels, text in the place
            of numbers, or values that no network can read.
    """
    check_kind(part, train.symbols is not None, role)
    check_channels(part, train.channels, f"the {role} data", "the training data have")
    learned = tuple(train.classes[index] for index in np.flatnonzero(train.class_counts()))
    targets_among(part, learned, f"the {role} data", "the training data do not have; those are")
    refuse_values(part, role, missing)


def targets_among(
    sequences: Sequences,
    classes: tuple[str, ...],
    found: str = "the data",
    unknown_to: str = "the model does not know; it was trained on",
) -> Integers:
    """The labels of sequences as indices of other classes, by name, [N].

    Args:
        sequences: with labels.
        classes: names.
        found: names the sequences in the message.
        unknown_to: says in the message to whom a label is unknown.
    Raises:
        MismatchError: for a label that is not one of the classes.
        DataError: for sequences without labels.
    """
    indices = label_indices(sequences, classes)
    if (indices < 0).any():
        name = sequences.classes[sequences.targets[int((indices < 0).argmax())]]
        raise MismatchError(
            f"{found} have the label {name!r}, which {unknown_to} {', '.join(classes)}. "
            "Remove those sequences, or train with some of them."
        )
    return indices


def check_kind(sequences: Sequences, text: bool, role: str) -> None:
    """Refuses numbers where the network reads text, and text where it reads numbers.

    Raises:
        MismatchError: with both.
    """
    if (sequences.symbols is not None) != text:
        found, expected = ("numbers", "text") if text else ("text", "numbers")
        raise MismatchError(f"the {role} data are {found}; expected {expected}, as the training data are.")


class Learned(Protocol):
    """What says how the training data were stored: they themselves, or the facts of a model."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels' names, [F]."""

    @property
    def scale(self) -> float:
        """See `Sequences`."""

    @property
    def offsets(self) -> Offsets | tuple[float, ...] | None:
        """See `Sequences`."""


def as_learned(sequences: Sequences, learned: Learned) -> Sequences:
    """The sequences as those of the training were read: channels by name in their order, values in their unit.

    Args:
        sequences: to predict or test on. Further channels are left out, where all have names.
        learned: the training data, or a model's facts.
    """
    channels, scale = learned.channels, learned.scale
    own = sequences.channels
    if own != channels and _named(own) and _named(channels) and set(channels) <= set(own):
        order = [own.index(name) for name in channels]
        values: Values = sequences.values[:, order]
        taken = None if sequences.offsets is None else sequences.offsets[order]
        sequences = replace(sequences, values=values, channels=channels, offsets=taken)
    if scale != 1.0 and sequences.scale == 1.0 and sequences.values.dtype == np.uint8:
        sequences = replace(sequences, scale=scale)
    wanted = None if learned.offsets is None else np.asarray(learned.offsets)
    if wanted is not None and len(wanted) != len(sequences.channels):
        return sequences  # which `check_channels` refuses
    return sequences.with_offsets(wanted)


def check_channels(
    sequences: Sequences,
    channels: tuple[str, ...],
    found: str = "the data",
    learned: str = "the model was trained on",
) -> None:
    """Refuses other channels than those of the training data.

    Args:
        sequences: to predict or test on.
        channels: of the training data.
        found: names the sequences in the message.
        learned: introduces the training data's channels in the message.
    Raises:
        MismatchError: with both.
    """
    count, expected = len(sequences.channels), len(channels)
    if count != expected:
        raise MismatchError(
            f"{found} have {count} channels, {learned} {expected} "
            f"({', '.join(channels[:8])}{', …' if expected > 8 else ''}). Give arrays as [N, T, F], time before "
            "channels, and a .npz file with its --layout."
        )
    if _named(sequences.channels) and _named(channels) and sequences.channels != channels:
        raise MismatchError(
            f"{found}'s channels are {', '.join(sequences.channels)}; {learned} {', '.join(channels)}. Rename them."
        )


def warn_if_out_of_range(sequences: Sequences, learned: tuple[float, float]) -> None:
    """Warns of values so much larger or smaller than the training data's that they must have another unit.

    Args:
        sequences: to predict.
        learned: least and largest value of the training data.
    """
    low, high = value_range(sequences)
    span = learned[1] - learned[0]
    least, most = plausible_range(learned)
    beyond = low < least or high > most
    within = len(sequences) >= _FAR and high - low < span / _FAR**2  # a few sequences may simply be quiet
    if span and (beyond or within):
        warnings.warn(
            f"the values run from {low:g} to {high:g}, the training data's from {learned[0]:g} to {learned[1]:g}. If "
            "they have another unit, such as bytes in the place of 0 to 1, the answers are worthless; convert them.",
            UnitWarning,
            stacklevel=2,
        )


def plausible_range(learned: tuple[float, float]) -> tuple[float, float]:
    """The range outside which a value is probably in another unit; see `warn_if_out_of_range`."""
    far = _FAR * (learned[1] - learned[0])
    return learned[0] - far, learned[1] + far


def value_range(sequences: Sequences) -> tuple[float, float]:
    """The smallest and the largest value of all channels, in the real unit; NaN if every value is missing."""
    low = high = np.nan
    for block in sequences.blocks():
        lows, highs = np.fmin.reduce(block, 0) * sequences.scale, np.fmax.reduce(block, 0) * sequences.scale
        if sequences.offsets is not None:
            lows, highs = lows + sequences.offsets, highs + sequences.offsets
        low, high = np.fmin(low, np.fmin.reduce(lows)), np.fmax(high, np.fmax.reduce(highs))
    return float(low), float(high)


def refuse_values(sequences: Sequences, role: str, missing: MissingName = "none") -> None:
    """Refuses infinite values, and missing values unless the network handles them.

    Raises:
        MismatchError: with their number and the position of the first.
    """
    if sequences.values.dtype.kind != "f":
        return

    def wrong(values: Values) -> npt.NDArray[np.bool_]:
        return ~np.isfinite(values) if missing == "none" else np.isinf(values)

    count = sum(np.count_nonzero(wrong(block)) for block in sequences.blocks())
    if not count:
        return
    index, places = next(
        (index, found) for index, rows in enumerate(sequences) if (found := np.argwhere(wrong(rows))).size
    )
    step, channel = places[0].tolist()
    kind = "missing or infinite" if missing == "none" else "infinite"
    holes = np.isnan(sequences[index][step, channel])
    advice = "Train with --missing forward-fill, mean or mask, fill them in, or" if holes else "Correct them, or"
    raise MismatchError(
        f"the {role} data hold {count:,} {kind} values, the first in sequence {index}, step {step}, channel "
        f"{sequences.channels[channel]!r} (counted from 0); expected finite numbers. {advice} remove those "
        "sequences."
    )


def _refuse_empty_channels(sequences: Sequences) -> None:
    empty = np.ones(len(sequences.channels), bool)
    for block in sequences.blocks():
        empty &= np.isnan(block).all(0)
        if not empty.any():
            return
    name = sequences.channels[int(empty.argmax())]
    raise DataError(
        f"every value of channel {name!r} is missing in the training data; there is nothing to learn from it. "
        "Leave the channel out."
    )


def _refuse_shared_groups(test: Sequences, train: Sequences) -> None:
    if test.groups is None or train.groups is None or (test.cut is not None and test.cut.recordings.groups is None):
        return
    shared = sorted(set(test.groups) & set(train.groups))
    if shared:
        raise DataError(
            f"{len(shared):,} groups are both in the training and in the test data, such as {shared[0]!r}; a test on "
            "them would flatter. Remove them from one side, or leave out --group."
        )


def _named(channels: tuple[str, ...]) -> bool:
    """Whether channels have names, not only numbers."""
    return channels != tuple(map(str, range(len(channels))))
