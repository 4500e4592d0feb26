"""Figures of a classifier from what it said and what was true, each with its interval; pure functions.

scikit-learn does the arithmetic of the figures; resampling them a thousand times is done here, on sums over
cases. A figure that is not defined says why in the place of a number.
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
"""The k of top-k, as far as there are more classes than that."""


@dataclass(frozen=True)
class ClassRow:
    """A class's line in the table.

    Attributes:
        name: of the class.
        support: cases of it.
        predicted: cases that were taken for it.
        errors: cases of it that were taken for another.
        precision: share of right ones among those taken for it; None where none was.
        recall: share of right ones among its own; None where there are none.
        f1: their harmonic mean.

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
    """Figures of the probabilities, each over all cases.

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
    """Figures of the classes that were said.

    Attributes:
        balanced_accuracy: mean recall of the classes that the cases have.
        macro_f1: mean F1 of the classes that the cases have or that were said.
        top: accuracy where the true class need only be among the k most probable, by k.
        classes: a line for each class.
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
    absent = _about([row.name for row in rows if not row.support], "have no cases and do not count")
    unsaid = _about([row.name for row in rows if not row.predicted], "were never predicted")
    few = _about([row.name for row in rows if 0 < row.support < FEW_CASES], FEW_TEXT)
    f1s = [row.f1.value for row in rows if row.f1.value is not None]
    return Decisions(
        balanced_accuracy=percentile_interval(float(np.mean(recalls)), np.nanmean(recall, axis=1), absent, few),
        macro_f1=percentile_interval(float(np.mean(f1s)), np.nanmean(f1, axis=1), unsaid, few),
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
        right, support, said = int(matrix[index, index]), int(matrix[index].sum()), int(matrix[:, index].sum())
        f1 = Figure(None, None, None, "bootstrap-percentile", "the class has no cases and was never predicted")
        if support or said:
            spread = np.empty(0) if resampled_f1 is None else resampled_f1[:, index]
            f1 = percentile_interval(float(f1s[index]), spread)
        rows.append(
            ClassRow(
                name=name,
                support=support,
                predicted=said,
                errors=support - right,
                precision=proportion(right, said) if said else None,
                recall=proportion(right, support) if support else None,
                f1=f1,
            )
        )
    return rows


def confusion(targets: Integers, predictions: Integers, classes: int) -> Integers:
    """Cases by true class (rows) and by predicted class (columns), [C, C]."""
    matrix: Integers = confusion_matrix(targets, predictions, labels=np.arange(classes))
    return matrix


def top_k(scores: Floats, targets: Integers) -> dict[int, Proportion]:
    """Whether the true class is among the k largest scores, for each k of `TOP` below the number of classes."""
    classes = scores.shape[1]
    found = {}
    for k in TOP:
        if k < classes:
            right = top_k_accuracy_score(targets, scores, k=k, labels=np.arange(classes), normalize=False)
            found[k] = proportion(int(right), len(targets))
    return found


def log_probabilities(logits: Floats, temperature: float = 1.0) -> Doubles:
    """Natural logarithms of softmax(logits / temperature), [N, C].

    Taken from the logits and not from the probabilities, as scikit-learn's `log_loss` has them: a probability that
    rounds to 0 then costs what it should, not what the rounding leaves.
    """
    found: Doubles = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return found


def case_losses(log_probabilities: Doubles, targets: Integers) -> Doubles:
    """−log of the true class's probability of each case, [N]."""
    losses: Doubles = -log_probabilities[np.arange(len(targets)), targets]
    return losses


def case_distances(probabilities: Doubles, targets: Integers) -> Doubles:
    """Brier's score of each case, [N]: Σ over classes of (p − truth)², halved for two classes."""
    true = probabilities[np.arange(len(targets)), targets]
    distances: Doubles = np.square(probabilities).sum(1) - 2 * true + 1
    return distances / 2 if probabilities.shape[1] == 2 else distances


def _one_hot(indices: Integers, classes: int) -> csr_array:
    """A one in each case's column, nothing where the index is negative, [N, C]."""
    cases = np.flatnonzero(indices >= 0)
    return csr_array((np.ones(len(cases)), (cases, indices[cases])), shape=(len(indices), classes))


def _about(names: list[str], what: str, most: int = 5) -> str:
    """Classes and what there is to say about them; nothing where there are none."""
    if not names:
        return ""
    shown = ", ".join(repr(name) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"classes {shown}{more} {what}"
