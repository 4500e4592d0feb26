"""Holding out sequences: at random, seeded, with the classes' shares kept."""

from __future__ import annotations

import math

import numpy as np
from sklearn.model_selection import train_test_split

from unrolled.config import DataConfig
from unrolled.data.sequences import Sequences
from unrolled.errors import DataError

DEFAULT_VALIDATION_FRACTION = 0.15


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
            "add another, remove the class, or hold nothing out "
            "(--validation-fraction 0, and a test file with --test)."
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
    kept, out = train_test_split(
        np.arange(len(sequences)), test_size=held, random_state=seed, stratify=sequences.targets
    )
    return sequences.take(np.sort(kept)), sequences.take(np.sort(out))


def hold_out_test(sequences: Sequences, config: DataConfig) -> tuple[Sequences, Sequences | None]:
    """All sequences less those held out for the test, and these; None where none are asked for."""
    if not config.test_fraction:
        return sequences, None
    return hold_out(sequences, config.test_fraction, config.split_seed)


def hold_out_validation(train: Sequences, config: DataConfig) -> tuple[Sequences, Sequences | None]:
    """The training sequences less those kept for validation, and these; None where none are asked for."""
    fraction = config.validation_fraction
    if fraction is None:
        fraction = DEFAULT_VALIDATION_FRACTION
    return hold_out(train, fraction, config.split_seed) if fraction else (train, None)
