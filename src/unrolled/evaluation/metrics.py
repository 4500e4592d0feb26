"""Figures of predictions against true classes, each with its interval; pure functions.

scikit-learn computes the figures; the thousand resamples are computed here, from sums over sequences. A figure that is
not defined has a reason instead of a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import log_softmax
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

from unrolled.data import Integers
from unrolled.statistics import (
    FEW_CASES,
    FEW_TEXT,
    Confidence,
    Doubles,
    Figure,
    Proportion,
    basic_interval,
    expected_calibration_error,
    percentile_interval,
    proportion,
    resampled_sums,
)

Floats = npt.NDArray[np.floating]

TOP = (2, 3, 5)
"""The k of top-k; only those below the number of classes are used."""


@dataclass(frozen=True)
class ClassRow:
    """The figures of one class.

    Attributes:
        name: the class's name.
        support: number of sequences of this class.
        predicted: number of sequences predicted as this class.
        errors: number of sequences of this class predicted as another one.
        precision: share of right predictions among those of this class; None if it was never predicted.
        recall: share of right predictions among its sequences; None if there are none.
        f1: harmonic mean of precision and recall.

    Example:
        >>> [(row.name, row.support, row.errors) for row in run.evaluation.classes]
        [('high', 5, 0), ('low', 5, 0)]
    """

    name: str
    support: int
    predicted: int
    errors: int
    precision: Proportion | None
    recall: Proportion | None
    f1: Figure


@dataclass(frozen=True)
class Quality:
    """Figures of the probabilities, each over all sequences.

    Attributes:
        log_loss: mean of −log of the true class's probability, natural logarithm.
        brier: mean squared distance of the probabilities from the truth, summed over the classes; halved for two
            classes, as scikit-learn has it.
        calibration_error: expected calibration error of the largest probability, in 15 bins.

    Example:
        >>> quality = run.evaluation.quality
        >>> quality.brier.low <= quality.brier.value <= quality.brier.high
        True
    """

    log_loss: Figure
    brier: Figure
    calibration_error: Figure


@dataclass(frozen=True)
class Decisions:
    """Figures of the predicted classes.

    Attributes:
        balanced_accuracy: mean recall of the classes that have sequences.
        macro_f1: mean F1 of the classes that have sequences or were predicted.
        top: share of sequences whose true class is among the k most probable, by k.
        classes: a row for each class.
    """

    balanced_accuracy: Figure
    macro_f1: Figure
    top: dict[int, Proportion]
    classes: list[ClassRow]


def decisions(logits: Floats, targets: Integers, classes: tuple[str, ...], seed: int = 0) -> Decisions:
    """The figures of the most probable classes.

    Args:
        logits: [N, C].
        targets: [N].
        classes: names, [C].
        seed: of the resamples.
    """
    count, predictions = len(classes), logits.argmax(1)
    sums = resampled_sums(
        {
            "right": _one_hot(np.where(predictions == targets, targets, -1), count),
            "support": _one_hot(targets, count),
            "predicted": _one_hot(predictions, count),
        },
        seed=seed,
    )
    with np.errstate(invalid="ignore"):
        recall = sums["right"] / sums["support"]
        f1 = 2 * sums["right"] / (sums["support"] + sums["predicted"])
    rows = class_table(targets, predictions, classes, f1)
    recalls = [row.recall.value for row in rows if row.recall]
    absent = _about([row.name for row in rows if not row.support], "have no sequences and do not count")
    unpredicted = _about([row.name for row in rows if not row.predicted], "were never predicted")
    few = _about([row.name for row in rows if 0 < row.support < FEW_CASES], FEW_TEXT)
    f1s = [row.f1.value for row in rows if row.f1.value is not None]
    return Decisions(
        balanced_accuracy=percentile_interval(float(np.mean(recalls)), np.nanmean(recall, axis=1), absent, few),
        macro_f1=percentile_interval(float(np.mean(f1s)), np.nanmean(f1, axis=1), unpredicted, few),
        top=top_k(logits, targets),
        classes=rows,
    )


def quality(log_probabilities: Doubles, targets: Integers, seed: int = 0) -> Quality:
    """The figures of the probabilities.

    Args:
        log_probabilities: natural logarithms, [N, C].
        targets: [N].
        seed: of the resamples.
    """
    losses = case_losses(log_probabilities, targets)
    probabilities = np.exp(log_probabilities)
    confidence = Confidence.of(probabilities, targets)
    distances = case_distances(probabilities, targets)
    ones = np.ones(len(targets))
    gaps = confidence.gaps()
    sums = resampled_sums(
        {"case": np.stack([ones, losses, distances], 1), "gap": gaps},
        seed=seed,
    )
    cases = sums["case"][:, 0]
    error = expected_calibration_error(np.asarray(gaps.sum(0)), np.array(float(len(targets))))
    return Quality(
        log_loss=percentile_interval(float(losses.mean()), sums["case"][:, 1] / cases),
        brier=percentile_interval(float(distances.mean()), sums["case"][:, 2] / cases),
        calibration_error=basic_interval(
            float(error), expected_calibration_error(sums["gap"], cases), confidence.chance_error(seed=seed)
        ),
    )


def class_table(
    targets: Integers, predictions: Integers, classes: tuple[str, ...], resampled_f1: Doubles | None = None
) -> list[ClassRow]:
    """Precision, recall, F1 and support of each class.

    Args:
        targets, predictions: [N].
        classes: names, [C].
        resampled_f1: each class's F1 in each resample, [R, C], for its intervals.
    """
    matrix = confusion(targets, predictions, len(classes))
    f1s = precision_recall_fscore_support(targets, predictions, labels=np.arange(len(classes)), zero_division=0.0)[2]
    rows = []
    for index, name in enumerate(classes):
        right, support, predicted = int(matrix[index, index]), int(matrix[index].sum()), int(matrix[:, index].sum())
        f1 = Figure(None, None, None, "bootstrap-percentile", "the class has no sequences and was never predicted")
        if support or predicted:
            spread = np.empty(0) if resampled_f1 is None else resampled_f1[:, index]
            f1 = percentile_interval(float(f1s[index]), spread)
        rows.append(
            ClassRow(
                name=name,
                support=support,
                predicted=predicted,
                errors=support - right,
                precision=proportion(right, predicted) if predicted else None,
                recall=proportion(right, support) if support else None,
                f1=f1,
            )
        )
    return rows


def confusion(targets: Integers, predictions: Integers, classes: int) -> Integers:
    """Number of sequences by true class (rows) and predicted class (columns), [C, C]."""
    matrix: Integers = confusion_matrix(targets, predictions, labels=np.arange(classes))
    return matrix


def top_k(scores: Floats, targets: Integers) -> dict[int, Proportion]:
    """Share of sequences whose true class has one of the k largest scores, for each k of `TOP` below the classes."""
    classes = scores.shape[1]
    found = {}
    for k in TOP:
        if k < classes:
            right = top_k_accuracy_score(targets, scores, k=k, labels=np.arange(classes), normalize=False)
            found[k] = proportion(int(right), len(targets))
    return found


def log_probabilities(logits: Floats, temperature: float = 1.0) -> Doubles:
    """Natural logarithms of softmax(logits / temperature), [N, C].

    scikit-learn's `log_loss` takes the logarithm of rounded probabilities; this one is exact for those that round to 0.
    """
    found: Doubles = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return found


def case_losses(log_probabilities: Doubles, targets: Integers) -> Doubles:
    """−log of the true class's probability of each sequence, [N]."""
    losses: Doubles = -log_probabilities[np.arange(len(targets)), targets]
    return losses


def case_distances(probabilities: Doubles, targets: Integers) -> Doubles:
    """Brier's score of each sequence, [N]: Σ over classes of (p − truth)², halved for two classes."""
    true = probabilities[np.arange(len(targets)), targets]
    distances: Doubles = np.square(probabilities).sum(1) - 2 * true + 1
    return distances / 2 if probabilities.shape[1] == 2 else distances


def _one_hot(indices: Integers, classes: int) -> csr_array:
    """A one in each sequence's column, and zeros for a negative index, [N, C]."""
    cases = np.flatnonzero(indices >= 0)
    return csr_array((np.ones(len(cases)), (cases, indices[cases])), shape=(len(indices), classes))


def _about(names: list[str], what: str, most: int = 5) -> str:
    """A note about classes; empty without any."""
    if not names:
        return ""
    shown = ", ".join(repr(name) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"classes {shown}{more} {what}"
