"""Figures of predictions against true classes, each with its interval; pure functions.

A figure that is not defined has a reason instead of a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax
from sklearn.metrics import confusion_matrix

from unrolled.evaluation.classes import Answers, ClassRow
from unrolled.statistics import (
    Confidence,
    Doubles,
    Figure,
    Groups,
    Integers,
    Proportion,
    calibration_error,
    mean_loss,
    share,
)

Floats = npt.NDArray[np.floating]

TOP = (2, 3, 5)
"""The k of top-k; only those below the number of classes are used."""


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


def decisions(logits: Floats, targets: Integers, classes: tuple[str, ...], groups: Groups | None = None) -> Decisions:
    """The figures of the most probable classes.

    Args:
        logits: [N, C].
        targets: [N].
        classes: names, [C].
        groups: of the sequences; by default each is one.
    """
    groups = groups or Groups(None, len(targets))
    answers = Answers(targets, logits.argmax(1), classes, groups)
    return Decisions(answers.balanced_accuracy(), answers.macro_f1(), top_k(logits, targets, groups), answers.rows())


def quality(log_probabilities: Doubles, targets: Integers, groups: Groups | None = None, seed: int = 0) -> Quality:
    """The figures of the probabilities.

    Args:
        log_probabilities: natural logarithms, [N, C].
        targets: [N].
        groups: of the sequences; by default each is one.
        seed: of the simulation behind the interval of the calibration error.
    """
    groups = groups or Groups(None, len(targets))
    confidence = Confidence.of(np.exp(log_probabilities), targets)
    log_loss, brier = mean_losses(log_probabilities, targets, groups)
    return Quality(log_loss, brier, calibration_error(confidence, groups, seed))


def mean_losses(log_probabilities: Doubles, targets: Integers, groups: Groups) -> tuple[Figure, Figure]:
    """The log loss and the Brier score; arguments as for `quality`."""
    probabilities, wrong = np.exp(log_probabilities), log_probabilities.argmax(1) != targets
    largest, second = _two_largest(log_probabilities)
    further = (np.exp(largest) - np.exp(second)) * (1 if probabilities.shape[1] == 2 else 2)
    losses, distances = case_losses(log_probabilities, targets), case_distances(probabilities, targets)
    return mean_loss(losses, wrong, largest - second, groups), mean_loss(distances, wrong, further, groups)


def _two_largest(values: Doubles) -> tuple[Doubles, Doubles]:
    """The largest and the second largest of each row, [N]; of a single column twice the same."""
    if values.shape[1] == 1:
        return values[:, 0], values[:, 0]
    ranked = np.partition(values, -2, axis=1)
    return ranked[:, -1], ranked[:, -2]


def confusion(targets: Integers, predictions: Integers, classes: int) -> Integers:
    """Number of sequences by true class (rows) and predicted class (columns), [C, C]."""
    matrix: Integers = confusion_matrix(targets, predictions, labels=np.arange(classes))
    return matrix


def top_k(scores: Floats, targets: Integers, groups: Groups | None = None) -> dict[int, Proportion]:
    """Share of sequences whose true class has one of the k largest scores, for each k of `TOP` below the classes.

    Of equal scores that of the last class counts as the largest, as for scikit-learn's `top_k_accuracy_score`.
    """
    classes = scores.shape[1]
    chosen = [k for k in TOP if k < classes]
    if not chosen:
        return {}
    true = scores[np.arange(len(targets)), targets][:, None]
    above = (scores > true) | ((scores == true) & (np.arange(classes) > targets[:, None]))
    place = above.sum(1)
    return {k: share(place < k, groups) for k in chosen}


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
