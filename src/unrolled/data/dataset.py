"""What a run is given: the sequences to train on, to choose by, and to test on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unrolled.data.checks import targets_among
from unrolled.data.sequences import Sequences


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test sequences of one problem.

    Labels are matched by name: where the validation sequences number their classes in another way than the training
    sequences, they are renumbered.

    Attributes:
        name: short, fit for a folder's name.
        train: what the weights are learned from.
        validation: what the best weights are chosen by; None where nothing is held out for it.
        test: what is read once, after training; None where there is nothing.
        note: where the sequences come from and how they were split, as a sentence.
    Raises:
        MismatchError: for a validation sequence with a label that is no class of the training sequences.

    Example:
        >>> own = unrolled.Sequences.from_list(arrays, labels)
        >>> parts = [own.take(slice(0, 40)), own.take(slice(40, 50)), own.take(slice(50, 60))]
        >>> dataset = unrolled.Dataset("levels", *parts)
        >>> len(dataset.train), len(dataset.test)
        (40, 10)
    """

    name: str
    train: Sequences
    validation: Sequences | None
    test: Sequences | None
    note: str = ""

    def __post_init__(self) -> None:
        validation, classes = self.validation, self.train.classes
        if validation is not None and validation.classes != classes:
            labels = targets_among(
                validation, classes, "the validation data", "the training data do not have; those are"
            )
            object.__setattr__(self, "validation", replace(validation, labels=labels, classes=classes))
