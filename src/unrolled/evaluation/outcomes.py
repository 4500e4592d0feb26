"""The predictions for the test sequences, as a run stores them: a few bytes a sequence, for any number of classes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers
from unrolled.model import Probabilities
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
    """

    targets: Integers
    predictions: Integers
    confidences: npt.NDArray[np.float32]
    likelihoods: npt.NDArray[np.float32]

    @classmethod
    def of(cls, targets: Integers, probabilities: Probabilities) -> Self:
        """Takes the outcomes from the probabilities of all classes, [N, C]."""
        true = probabilities[np.arange(len(targets)), targets]
        return cls(targets, probabilities.argmax(1), probabilities.max(1), true)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Reads the outcomes from a file; None if it is missing, damaged or written by an older version."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                targets, predictions = (stored[name].astype(np.int64) for name in ("targets", "predictions"))
                found = cls(targets, predictions, stored["confidences"], stored["likelihoods"])
        except (OSError, ValueError, KeyError, BadZipFile):
            return None
        parts = (found.targets, found.predictions, found.confidences, found.likelihoods)
        return found if {part.shape for part in parts} == {(len(found),)} else None

    def __len__(self) -> int:
        return len(self.targets)


def save_outcomes(path: Path, targets: Integers, probabilities: Probabilities) -> None:
    """Writes the outcomes as an ``.npz`` file, with all ``probabilities`` [N, C] up to `MOST_PROBABILITIES`.

    Args:
        path: path of the file.
        targets: [N].
        probabilities: [N, C].
    """
    found = Outcomes.of(targets, probabilities)
    smallest = np.min_scalar_type(probabilities.shape[1] - 1)
    columns = {
        "targets": found.targets.astype(smallest),
        "predictions": found.predictions.astype(smallest),
        "confidences": found.confidences,
        "likelihoods": found.likelihoods,
    }
    if probabilities.size <= MOST_PROBABILITIES:
        columns["probabilities"] = probabilities
    buffer = io.BytesIO()
    np.savez(buffer, **columns)  # type: ignore[arg-type]  # numpy's stubs mistake the names for options
    write_bytes(path, buffer.getvalue())
