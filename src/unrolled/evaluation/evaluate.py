"""The figures of a model on labelled sequences, beside what is simple."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from unrolled.data.sequences import Sequences
from unrolled.evaluation.metrics import (
    ClassRow,
    Proportion,
    class_table,
    confusion,
    cross_entropy,
    proportion,
)
from unrolled.model import Model

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on some sequences.

    Attributes:
        cases: sequences.
        accuracy: share of right ones, with its interval.
        loss: mean cross-entropy.
        majority: accuracy of always saying the training data's most frequent class.
        logistic: accuracy of the logistic regression; None where the model has none.
        majority_class: that class.
        logistic_cases: training sequences that the regression was fitted on.
        logistic_features: what it saw: ``flattened`` or ``summary``.
        classes: a line for each class.
        confusion: cases by true class (rows) and predicted class (columns).
        headline: accuracy on the first cases alone, where that was asked for.
        seconds: that the network took.
    """

    cases: int
    accuracy: Proportion
    loss: float
    majority: Proportion | None
    logistic: Proportion | None
    majority_class: str | None
    logistic_cases: int | None
    logistic_features: str | None
    classes: list[ClassRow]
    confusion: list[list[int]]
    headline: Proportion | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as ``evaluation.json`` has them."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def figures(self) -> dict[str, float]:
        """The summary's numbers by name, as trackers take them."""
        return {name: float(value) for name, value in self.summary().items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """The few figures that a model folder keeps."""
        return {
            "cases": self.cases,
            "accuracy": self.accuracy.value,
            "accuracy_low": self.accuracy.low,
            "accuracy_high": self.accuracy.high,
            "loss": self.loss,
            "majority": self.majority.value if self.majority else None,
            "logistic": self.logistic.value if self.logistic else None,
        }


def evaluate(model: Model, sequences: Sequences, *, headline_cases: int | None = None) -> Evaluation:
    """Figures of a model on labelled sequences.

    Args:
        model: the model.
        sequences: with labels, all of them among the model's classes.
        headline_cases: also give the accuracy on the first so many cases.
    Raises:
        MismatchError: for sequences or labels that do not fit the model.
        DataError: for sequences without labels.
    """
    targets = model.targets(sequences)
    started = time.perf_counter()
    logits = model.logits(sequences).numpy()
    seconds = time.perf_counter() - started
    predictions = logits.argmax(1)
    right = predictions == targets
    baselines = model.baselines
    majority = logistic = None
    if baselines is not None:
        majority = _share(targets == baselines.majority)
        logistic = _share(baselines.predict(sequences) == targets)
    return Evaluation(
        cases=len(targets),
        accuracy=_share(right),
        loss=cross_entropy(logits, targets),
        majority=majority,
        logistic=logistic,
        majority_class=model.classes[baselines.majority] if baselines else None,
        logistic_cases=baselines.cases if baselines else None,
        logistic_features=baselines.features if baselines else None,
        classes=class_table(targets, predictions, model.classes),
        confusion=confusion(targets, predictions, len(model.classes)).tolist(),
        headline=_share(right[:headline_cases]) if headline_cases else None,
        seconds=seconds,
    )


def _share(right: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Proportion:
    return proportion(int(right.sum()), len(right))
