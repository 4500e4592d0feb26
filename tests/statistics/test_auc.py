"""The area under the ROC curve against scikit-learn, SciPy's rank sums and a resampling written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from unrolled.statistics import auc
from unrolled.statistics.auc import Ranking, roc_auc


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


@pytest.mark.parametrize("digits", [None, 1])
def test_the_area_where_cases_count_several_times_is_scikit_learns_with_weights(digits: int | None) -> None:
    probabilities, targets = cases(60, 2, digits=digits)
    weights = np.random.default_rng(1).integers(0, 4, (5, 60)).astype(np.float32)
    found = Ranking.of(probabilities[:, 1], targets == 1).areas(weights)
    expected = [roc_auc_score(targets, probabilities[:, 1], sample_weight=row) for row in weights]
    assert found == pytest.approx(expected)


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
    influences = Ranking.of(probabilities[:, 1], targets == 1).influences()
    assert influences.mean() == pytest.approx(0, abs=1e-12)
    assert influences.var(ddof=1) / 150 == pytest.approx(variance, rel=0.03)


def test_delongs_interval_and_the_bootstraps_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, targets = cases(1500, 4)
    resampled = roc_auc(probabilities, targets)
    monkeypatch.setattr(auc, "MOST_PRODUCTS", 0)
    found = roc_auc(probabilities, targets)
    assert (resampled.method, found.method) == ("bootstrap-percentile", "delong")
    assert (found.low, found.high) == pytest.approx((resampled.low, resampled.high), abs=0.002)


def test_the_interval_covers_the_truth() -> None:
    probabilities, targets = cases(200_000, seed=99)
    truth = float(np.mean([roc_auc_score(targets == c, probabilities[:, c]) for c in range(3)]))
    found = [roc_auc(*cases(150, seed=seed)) for seed in range(60)]
    assert sum(f.low <= truth <= f.high for f in found) >= 52


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
