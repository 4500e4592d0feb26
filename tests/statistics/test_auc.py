"""The area under the ROC curve against scikit-learn, SciPy's rank sums and DeLong's variance written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from unrolled.statistics.auc import area_and_influences, roc_auc


def cases(count: int, classes: int = 3, seed: int = 0, digits: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, count)
    logits = rng.normal(size=(count, classes))
    logits[np.arange(count), targets] += 1
    probabilities = softmax(logits, axis=1)
    return (probabilities if digits is None else probabilities.round(digits)), targets


def test_two_classes_and_more_are_scikit_learns() -> None:
    probabilities, targets = cases(200, 2)
    assert roc_auc(probabilities, targets).value == pytest.approx(roc_auc_score(targets, probabilities[:, 1]))
    probabilities, targets = cases(200, 5)
    expected = roc_auc_score(targets, probabilities, multi_class="ovr", average="macro")
    assert roc_auc(probabilities, targets).value == pytest.approx(expected)


def test_the_area_is_the_rank_sum() -> None:
    probabilities, targets = cases(80, 2, digits=1)
    ones, zeros = probabilities[targets == 1, 1], probabilities[targets == 0, 1]
    expected = mannwhitneyu(ones, zeros).statistic / (len(ones) * len(zeros))
    assert roc_auc(probabilities, targets).value == pytest.approx(expected)


def test_delongs_variance_is_the_one_of_its_paper() -> None:
    """V10 and V01, their sample variances over m and n: equation 5 of DeLong et al. 1988, written out."""
    probabilities, targets = cases(150, 2, digits=2)
    x, y = probabilities[targets == 1, 1], probabilities[targets == 0, 1]
    wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    variance = wins.mean(1).var(ddof=1) / len(x) + wins.mean(0).var(ddof=1) / len(y)
    area, influences = area_and_influences(probabilities[:, 1], targets == 1)
    assert area == pytest.approx(wins.mean())
    assert influences.sum() == pytest.approx(0, abs=1e-12)
    assert np.square(influences).sum() == pytest.approx(variance, rel=0.03)


def test_the_interval_is_never_narrower_than_hanley_and_mcneils() -> None:
    """Of two classes that are separated DeLong's variance is 0; 10 sequences are not certain."""
    found = roc_auc(np.column_stack([np.arange(10)[::-1], np.arange(10)]).astype(float), np.arange(10) // 5)
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.6 < found.low < 0.8


def test_a_class_without_cases_does_not_count_and_it_is_said() -> None:
    probabilities, targets = cases(60, 3)
    kept = targets != 2
    found = roc_auc(probabilities[kept], targets[kept])
    assert found.note == "1 of 3 classes have no sequences and do not count"
    expected = [roc_auc_score(targets[kept] == c, probabilities[kept, c]) for c in (0, 1)]
    assert found.value == pytest.approx(np.mean(expected))


def test_cases_of_one_class_have_no_area_and_it_is_said() -> None:
    probabilities, _ = cases(10, 2)
    found = roc_auc(probabilities, np.zeros(10, np.int64))
    assert (found.value, found.low) == (None, None)
    assert "two classes" in str(found)
