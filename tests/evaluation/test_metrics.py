"""Figures against scikit-learn and simulations of their intervals' coverage; odd cases are said, not hidden."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    classification_report,
    f1_score,
    log_loss,
    top_k_accuracy_score,
)

from unrolled.evaluation.classes import Answers
from unrolled.evaluation.metrics import confusion, decisions, log_probabilities, quality, top_k
from unrolled.statistics import Groups, proportion
from unrolled.statistics.figures import ONE

NAMES = ("a", "b", "c", "d")


def cases(count: int, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, count)
    logits = rng.normal(size=(count, classes))
    logits[np.arange(count), targets] += 1
    return logits, targets


def test_the_class_table_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    targets, predictions = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    report = classification_report(targets, predictions, target_names=NAMES, output_dict=True)
    for row in Answers(targets, predictions, NAMES, Groups(None, 200)).rows():
        expected = report[row.name]
        assert row.precision.value == pytest.approx(expected["precision"])
        assert row.recall.value == pytest.approx(expected["recall"])
        assert row.f1.value == pytest.approx(expected["f1-score"])
        assert row.support == expected["support"]
        assert row.errors == row.support - round(expected["recall"] * row.support)
        assert row.recall == proportion(row.support - row.errors, row.support)


def test_the_figures_of_decisions_are_scikit_learns() -> None:
    logits, targets = cases(300)
    found = decisions(logits, targets, NAMES)
    said = logits.argmax(1)
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(targets, said))
    assert found.macro_f1.value == pytest.approx(f1_score(targets, said, average="macro"))
    assert found.top[3].value == pytest.approx(top_k_accuracy_score(targets, logits, k=3))
    for figure in (found.balanced_accuracy, found.macro_f1, *(row.f1 for row in found.classes)):
        assert figure.low < figure.value < figure.high


@pytest.mark.parametrize("classes", [2, 4])
def test_the_figures_of_probabilities_are_scikit_learns(classes: int) -> None:
    logits, targets = cases(300, classes)
    probabilities = softmax(logits / 1.7, axis=1)
    found = quality(log_probabilities(logits, 1.7), targets)
    assert found.log_loss.value == pytest.approx(log_loss(targets, probabilities))
    theirs = brier_score_loss(targets, probabilities[:, 1] if classes == 2 else probabilities)
    assert found.brier.value == pytest.approx(theirs)


def test_a_class_that_is_never_said_or_never_true_is_said_not_hidden() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = decisions(np.eye(3)[[0, 1, 1, 0]], np.array([0, 0, 1, 0]), ("a", "b", "c"))
    row = found.classes[2]
    assert (row.support, row.predicted, row.precision, row.recall, row.f1.value) == (0, 0, None, None, None)
    assert row.f1.note == "the class has no sequences and was never predicted"
    few = "classes 'a', 'b' have fewer than 5 sequences, so the interval may be too narrow"
    assert found.balanced_accuracy.note == f"classes 'c' have no sequences and do not count; {few}"
    assert found.macro_f1.note == f"classes 'c' were never predicted; {few}"
    assert found.balanced_accuracy.value == pytest.approx((2 / 3 + 1) / 2)


def test_figures_that_are_perfect_have_the_interval_of_the_accuracy() -> None:
    found, one = decisions(np.eye(4)[np.arange(80) % 4], np.arange(80) % 4, NAMES), proportion(80, 80)
    for figure in (found.balanced_accuracy, found.macro_f1):
        assert (figure.value, figure.high) == (1.0, 1.0)
        assert figure.low == pytest.approx(one.low, abs=0.02)


def test_the_balanced_accuracy_of_equal_classes_is_the_accuracy() -> None:
    logits, targets = cases(400, 4)
    targets[:] = np.arange(400) % 4
    found, right = decisions(logits, targets, NAMES).balanced_accuracy, int((logits.argmax(1) == targets).sum())
    assert found.value == pytest.approx(right / 400)
    assert (found.low, found.high) == pytest.approx((proportion(right, 400).low, proportion(right, 400).high), abs=0.01)


def test_one_case_has_values_without_intervals() -> None:
    found = quality(log_probabilities(np.array([[1.0, 0.0]])), np.array([0]))
    assert (found.log_loss.low, found.log_loss.note) == (None, ONE)
    assert found.log_loss.value == pytest.approx(log_loss([0], softmax([[1.0, 0.0]], axis=1), labels=[0, 1]))


def test_probabilities_of_exactly_0_and_1_have_finite_figures() -> None:
    logits = np.array([[2000.0, 0.0], [0.0, 2000.0], [2000.0, 0.0]], np.float32)
    found = quality(log_probabilities(logits), np.array([0, 1, 1]))
    assert found.log_loss.value == pytest.approx(2000 / 3)
    assert found.brier.value == pytest.approx(1 / 3)
    assert found.calibration_error.value == pytest.approx(1 / 3)


def test_a_thousand_classes_are_no_trouble() -> None:
    logits, targets = cases(500, 1000)
    found = decisions(logits, targets, tuple(str(n) for n in range(1000)))
    assert len(found.classes) == 1000
    assert " more have no sequences" in str(found.balanced_accuracy.note)


def test_top_k_is_given_for_fewer_than_all_classes() -> None:
    assert list(top_k(*cases(50, 2))) == []
    assert list(top_k(*cases(50, 3))) == [2]
    assert list(top_k(*cases(50, 10))) == [2, 3, 5]


def test_the_confusion_matrix_has_true_classes_in_rows() -> None:
    assert confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_a_hopeless_case_costs_what_it_should() -> None:
    """A probability that rounds to 0 would cost nothing sure; its logarithm is taken from the logits."""
    found = quality(log_probabilities(np.array([[1000.0, -1000.0]], np.float32)), np.array([1]))
    assert found.log_loss.value == pytest.approx(2000)
