"""Whether sequences can be trained on, tested on, predicted: said before any hour is spent."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from unrolled.config import MissingName
from unrolled.data.sequences import Integers, Sequences, Values, label_indices
from unrolled.errors import DataError, MismatchError, UnitWarning

_CHUNK_STEPS = 65_536
_FAR = 10
"""So many times the training's range outside of it, values are doubted."""


def check_trainable(sequences: Sequences, missing: MissingName = "none") -> None:
    """Refuses labels that teach nothing and values that no network takes.

    Args:
        sequences: to train on.
        missing: what becomes of missing values.
    Raises:
        DataError: saying which, where and what to do.
    """
    counts = sequences.class_counts()
    present = [name for name, count in zip(sequences.classes, counts, strict=True) if count]
    if len(present) < 2:
        raise DataError(
            f"every training sequence has the label {present[0]!r}; a classifier needs at least two classes."
        )
    refuse_values(sequences, "training", missing)
    if missing != "none":
        _refuse_empty_channels(sequences)


def check_test(test: Sequences, train: Sequences, missing: MissingName = "none") -> None:
    """Refuses, before hours of training, test sequences on which the trained model could not be measured.

    Raises:
        DataError: as `check_held_out`, and for sequences of a group that is trained on.
    """
    check_held_out(test, train, "test", missing)
    _refuse_shared_groups(test, train)


def check_held_out(part: Sequences, train: Sequences, role: str, missing: MissingName = "none") -> None:
    """Refuses validation or test sequences that do not fit the training sequences.

    Args:
        part: the sequences that are held out.
        train: the training sequences.
        role: what the former are held out for, for messages.
        missing: what becomes of missing values.
    Raises:
        DataError: for other channels or classes than the training sequences', no labels, text in the place of
            numbers, or values that no network takes.
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
        found, unknown_to: what the sequences are and whose the classes are, for the message.
    Raises:
        MismatchError: for a label that is none of the classes.
        DataError: where there are no labels.
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
    """Refuses numbers where text was learned, and text where numbers were.

    Raises:
        MismatchError: saying which is which.
    """
    if (sequences.symbols is not None) != text:
        found, expected = ("numbers", "text") if text else ("text", "numbers")
        raise MismatchError(f"the {role} data are {found}; expected {expected}, as the training data are.")


def check_channels(
    sequences: Sequences,
    channels: tuple[str, ...],
    found: str = "the data",
    learned: str = "the model was trained on",
) -> None:
    """Refuses other channels than those that were, or will be, learned.

    Args:
        sequences: to predict or test on.
        channels: those of the training.
        found: what the sequences are, for the message.
        learned: begins what the message says of the training's.
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
            f"{found}'s channels are {', '.join(sequences.channels)}; {learned} {', '.join(channels)}, in this "
            "order. Rename or reorder them."
        )


def doubt_unit(sequences: Sequences, learned: tuple[float, float]) -> None:
    """Warns of values that are so much larger or smaller than the training's that their unit must be another.

    Args:
        sequences: to predict.
        learned: least and largest value of the training data.
    """
    low, high = value_range(sequences)
    span = learned[1] - learned[0]
    beyond = max(learned[0] - low, high - learned[1]) > _FAR * span
    within = len(sequences) >= _FAR and high - low < span / _FAR**2  # fewer may well be quiet ones
    if span and (beyond or within):
        warnings.warn(
            f"the values run from {low:g} to {high:g}, those that the model was trained on from {learned[0]:g} to "
            f"{learned[1]:g}. If their unit is another, such as bytes in the place of 0 to 1, the answers are "
            "worthless; convert them.",
            UnitWarning,
            stacklevel=2,
        )


def value_range(sequences: Sequences) -> tuple[float, float]:
    """The least and the largest value of all channels, in the real unit; NaN where there is none."""
    low = high = np.nan
    for first, last in sequences.stretches():
        for begin in range(first, last, _CHUNK_STEPS):
            block = sequences.values[begin : min(begin + _CHUNK_STEPS, last)]
            low, high = np.fmin(low, np.fmin.reduce(block, None)), np.fmax(high, np.fmax.reduce(block, None))
    return float(low) * sequences.scale, float(high) * sequences.scale


def refuse_values(sequences: Sequences, role: str, missing: MissingName = "none") -> None:
    """Refuses infinite values, and missing ones unless something becomes of them.

    Raises:
        MismatchError: with how many there are and where the first stands.
    """
    wrong = _unfinite if missing == "none" else np.isinf
    count = sum(int(wrong(block).sum()) for block in _blocks(sequences))
    if not count:
        return
    index = next(index for index in range(len(sequences)) if wrong(sequences[index]).any())
    step, channel = (int(place[0]) for place in np.nonzero(wrong(sequences[index])))
    kind = "missing or infinite" if missing == "none" else "infinite"
    holes = bool(np.isnan(sequences[index][step, channel]))
    advice = "Train with --missing forward-fill, mean or mask, fill them in, or" if holes else "Correct them, or"
    raise MismatchError(
        f"the {role} data hold {count:,} {kind} values, the first in sequence {index}, step {step}, channel "
        f"{sequences.channels[channel]!r} (counted from 0); only finite numbers are taken. {advice} remove those "
        "sequences."
    )


def _unfinite(values: Values) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = ~np.isfinite(values)
    return found


def _refuse_empty_channels(sequences: Sequences) -> None:
    empty = np.ones(len(sequences.channels), bool)
    for block in _blocks(sequences):
        empty &= np.isnan(block).all(0)
        if not empty.any():
            return
    if sequences.values.dtype.kind == "f":
        name = sequences.channels[int(empty.argmax())]
        raise DataError(
            f"every value of channel {name!r} is missing in the training data; there is nothing to learn from it. "
            "Leave the channel out."
        )


def _refuse_shared_groups(test: Sequences, train: Sequences) -> None:
    if test.groups is None or train.groups is None:
        return
    shared = sorted(set(test.groups) & set(train.groups))
    if shared:
        raise DataError(
            f"{len(shared):,} groups stand both in the training and in the test data, such as {shared[0]!r}; a test on "
            "them would flatter. Remove them from one side, or leave out --group."
        )


def _blocks(sequences: Sequences) -> Iterator[Values]:
    """All values that can be missing or infinite, some steps at a time, [S', F]."""
    if sequences.values.dtype.kind != "f":
        return
    for first, last in sequences.stretches():
        for low in range(first, last, _CHUNK_STEPS):
            yield sequences.values[low : min(low + _CHUNK_STEPS, last)]


def _named(channels: tuple[str, ...]) -> bool:
    """Whether channels have names of their own, not only numbers."""
    return channels != tuple(str(number) for number in range(len(channels)))
