"""`Dataset`: training, validation and test sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from unrolled.data.checks import as_learned, targets_among
from unrolled.data.record import DatasetRecord, PartRecord
from unrolled.data.sequences import Sequences
from unrolled.notebook import lines, titled


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test sequences of one problem.

    Classes and channels are matched by name: validation labels are renumbered where their classes have another order
    than the training data's, and so are the channels of validation and test sequences. Bytes have the training data's
    unit.

    Attributes:
        name: short, fit for a folder's name.
        train: sequences to learn the weights from.
        validation: sequences to choose among weights and settings by; None if there are none.
        test: sequences for the figures, read once after training; None if there are none.
        note: the origin of the sequences and how they were split, as a sentence.
    Raises:
        MismatchError: for a validation label that is not a class of the training sequences.

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

    def __repr__(self) -> str:
        """The name, and a line for each part."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return "\n  ".join([f"Dataset {self.name}", *(f"{name}: {part!r}" for name, part in parts.items())])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        title, *described = repr(self).splitlines()
        return titled(title, lines("\n".join(described)), self.train._repr_html_())

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            part: Sequences | None = getattr(self, name)
            if part is not None:
                object.__setattr__(self, name, as_learned(part, self.train))
        validation, classes = self.validation, self.train.classes
        if validation is not None and validation.classes != classes:
            labels = targets_among(
                validation, classes, "the validation data", "the training data do not have; those are"
            )
            object.__setattr__(self, "validation", replace(validation, labels=labels, classes=classes))

    def each(self, change: Callable[[Sequences], Sequences]) -> Dataset:
        """The data set with a change of each of its parts."""
        validation, test = (None if part is None else change(part) for part in (self.validation, self.test))
        return replace(self, train=change(self.train), validation=validation, test=test)

    @cached_property
    def record(self) -> DatasetRecord:
        """The content of all sequences, as hashes, before any preparation."""
        parts = (self.train, self.validation, self.test)
        return DatasetRecord(*(PartRecord.of(part, self.train.classes) for part in parts))
