"""What a run is given: the sequences to train on, to choose by, and to test on."""

from __future__ import annotations

from dataclasses import dataclass

from unrolled.data.sequences import Sequences


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test sequences of one problem.

    Attributes:
        name: short, fit for a folder's name.
        train: what the weights are learned from.
        validation: what the best weights are chosen by; None where nothing is held out for it.
        test: what is read once, after training; None where there is nothing.
        note: where the sequences come from and how they were split, as a sentence.
    """

    name: str
    train: Sequences
    validation: Sequences | None
    test: Sequences | None
    note: str = ""
