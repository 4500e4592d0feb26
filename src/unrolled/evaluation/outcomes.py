"""The predictions for the test sequences, as a run stores them: a few bytes a sequence, for any number of classes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers
from unrolled.model import Probabilities
from unrolled.statistics import Groups
from unrolled.storage import write_bytes

MOST_PROBABILITIES = 1_000_000
"""Most probabilities that are stored completely; those of a million sequences of 20 classes would take 80 MB."""


@dataclass(frozen=True)
class Outcomes:
    """True and predicted class of each sequence, with their probabilities.

    Attributes:
        targets: index of the true class, [N].
        predictions: index of the predicted class, [N].
        confidences: probability of the predicted class, [N]; NaN if any probability of the sequence is NaN.
        likelihoods: probability of the true class, [N].
        groups: index of each sequence's group, [N]; None without groups, and in runs of version 0.1.0.
    """

    targets: Integers
    predictions: Integers
    confidences: npt.NDArray[np.float32]
    likelihoods: npt.NDArray[np.float32]
    groups: Integers | None = None

    @classmethod
    def of(cls, targets: Integers, probabilities: Probabilities, groups: Iterable[str] | None = None) -> Self:
        """Takes the outcomes from the probabilities of all classes, [N, C], and the names of the groups, [N]."""
        true = probabilities[np.arange(len(targets)), targets]
        places = Groups.of(groups, len(targets)).places
        return cls(targets, probabilities.argmax(1), probabilities.max(1), true, places)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Reads the outcomes from a file; None if it is missing, damaged or written by an older version."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                targets, predictions = (stored[name].astype(np.int64) for name in ("targets", "predictions"))
                groups = stored["groups"].astype(np.int64) if "groups" in stored else None
                found = cls(targets, predictions, stored["confidences"], stored["likelihoods"], groups)
        except (OSError, ValueError, KeyError, BadZipFile):
            return None
        parts = (found.targets, found.predictions, found.confidences, found.likelihoods, found.groups)
        return found if {part.shape for part in parts if part is not None} == {(len(found),)} else None

    def __len__(self) -> int:
        return len(self.targets)


def save_outcomes(
    path: Path, targets: Integers, probabilities: Probabilities, groups: Iterable[str] | None = None
) -> None:
    """Writes the outcomes as an ``.npz`` file, with all ``probabilities`` [N, C] up to `MOST_PROBABILITIES`.

    Args:
        path: path of the file.
        targets: [N].
        probabilities: [N, C].
        groups: name of each sequence's group, [N]; None without groups.
    """
    found = Outcomes.of(targets, probabilities, groups)
    smallest = np.min_scalar_type(probabilities.shape[1] - 1)
    columns = {
        "targets": found.targets.astype(smallest),
        "predictions": found.predictions.astype(smallest),
        "confidences": found.confidences,
        "likelihoods": found.likelihoods,
    }
    if found.groups is not None:
        columns["groups"] = found.groups.astype(np.min_scalar_type(int(found.groups.max())))
    if probabilities.size <= MOST_PROBABILITIES:
        columns["probabilities"] = probabilities
    buffer = io.BytesIO()
    np.savez(buffer, **columns)  # type: ignore[arg-type]  # numpy's stubs mistake the names for options
    write_bytes(path, buffer.getvalue())
