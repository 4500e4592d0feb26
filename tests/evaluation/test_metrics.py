"""Figures against closed formulas, scikit-learn and a simulation of the interval's coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import classification_report, log_loss

from unrolled.evaluation.metrics import class_table, confusion, cross_entropy, proportion


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_is_its_formula(counts: tuple[int, int]) -> None:
    k, n = counts
    z, p = 1.959963984540054, k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found = proportion(k, n)
    assert found.low == pytest.approx(max(centre - half, 0), abs=1e-12)
    assert found.high == pytest.approx(min(centre + half, 1), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_tutorials_127_of_128_span_four_points() -> None:
    found = proportion(127, 128)
    assert (round(100 * found.low, 1), round(100 * found.high, 1)) == (95.7, 99.9)


def test_the_interval_covers_the_truth_about_95_times_of_100() -> None:
    draws = np.random.default_rng(0).binomial(359, 0.97, size=2000)
    inside = [proportion(int(k), 359).low <= 0.97 <= proportion(int(k), 359).high for k in draws]
    assert 0.93 <= np.mean(inside) <= 0.975


def test_an_interval_is_worded_in_per_cent() -> None:
    assert str(proportion(1, 2)) == "50.00 % (9.45 to 90.55)"


def test_the_class_table_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    targets, predictions = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    names = ("a", "b", "c", "d")
    report = classification_report(targets, predictions, target_names=names, output_dict=True)
    for row in class_table(targets, predictions, names):
        expected = report[row.name]
        assert row.precision == pytest.approx(expected["precision"])
        assert row.recall == pytest.approx(expected["recall"])
        assert row.f1 == pytest.approx(expected["f1-score"])
        assert row.support == expected["support"]
        assert row.errors == row.support - round(expected["recall"] * row.support)


def test_a_class_that_is_never_said_or_never_true_has_zeros_not_nan() -> None:
    rows = class_table(np.array([0, 0, 1]), np.array([0, 1, 1]), ("a", "b", "c"))
    assert (rows[2].support, rows[2].precision, rows[2].recall, rows[2].f1) == (0, 0.0, 0.0, 0.0)


def test_the_confusion_matrix_has_true_classes_in_rows() -> None:
    assert confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_cross_entropy_is_scikit_learns_log_loss() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert cross_entropy(logits, targets) == pytest.approx(log_loss(targets, probabilities, labels=[0, 1, 2]))


def test_cross_entropy_of_hopeless_logits_is_finite() -> None:
    assert cross_entropy(np.array([[1000.0, -1000.0]], np.float32), np.array([1])) == pytest.approx(2000)
