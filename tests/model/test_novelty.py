"""What is unlike the training data: distances against SciPy's, and the promised share of false alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis

from unrolled.errors import ConfigError, UnsupportedError
from unrolled.model import Model, Novelty
from unrolled.runs import Run


def problem(count: int, width: int, classes: int, seed: int) -> tuple[Any, Any]:
    """Features of classes that lie apart, with a covariance of their own."""
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.arange(count) % classes)
    mixing = rng.normal(size=(width, width))
    return rng.normal(size=(count, width)) @ mixing + 9 * np.eye(classes, width)[targets], targets


@pytest.mark.parametrize(("count", "width"), [(60, 8), (12, 30), (3, 5)])
def test_the_distance_is_scipys_to_the_nearest_class(count: int, width: int) -> None:
    features, targets = problem(count, width, 3, 1)
    features[:, 0] = 7.0  # a feature that never changes says nothing
    found = Novelty.learn(features, targets, 3, features[:2])
    *own, rest = found.variances
    basis = found.directions.T
    covariance = basis @ np.diag(own) @ basis.T + rest * (np.eye(width) - basis @ basis.T)
    others = np.random.default_rng(2).normal(size=(5, width)) * 9
    expected = [
        min(mahalanobis(x * found.scale, mean, np.linalg.inv(covariance)) for mean in found.means) for x in others
    ]
    assert found.distances(others) == pytest.approx(expected, rel=1e-4)
    assert np.allclose(basis.T @ basis, np.eye(len(own)), atol=1e-5)


def test_the_directions_are_those_of_the_largest_variances_within_the_classes() -> None:
    features, targets = problem(300, 6, 2, 3)
    found = Novelty.learn(features, targets, 2, features[:9])
    values = features * found.scale
    within = values - np.stack([values[targets == label].mean(0) for label in range(2)])[targets]
    expected = np.sort(np.linalg.eigvalsh(within.T @ within / 298))
    assert np.sort(found.variances[:-1]) == pytest.approx(expected[-len(found.variances) + 1 :], rel=1e-3)
    assert found.variances[-1] == pytest.approx(expected[: -len(found.variances) + 1].mean(), rel=1e-3)


def test_the_share_of_false_alarms_is_at_most_the_promised_one() -> None:
    """Over many draws of training, validation and new sequences; the p-values of like sequences are uniform."""
    counts, alarms = 0, 0
    for seed in range(150):
        features, targets = problem(160, 5, 2, seed)
        found = Novelty.learn(features[:40], targets[:40], 2, features[40:60])
        familiarity = found.familiarity(features[60:])
        alarms, counts = alarms + int((familiarity <= 0.1).sum()), counts + 100
    # 20 validation sequences: 2 of 21 places; its deviation over 150 draws is below 0.006
    assert 2 / 21 - 0.02 < alarms / counts < 0.1 + 0.01


@given(st.integers(1, 60))
def test_few_validation_sequences_promise_no_smaller_share(count: int) -> None:
    features, targets = problem(20, 3, 2, count)
    found = Novelty.learn(features, targets, 2, np.resize(features, (count, 3)))
    assert found.familiarity(1e6 * np.ones((1, 3))) == [1 / (count + 1)]
    found.check(found.rate)
    with pytest.raises(ConfigError, match=f"{count:,} validation sequences can show"):
        found.check(0.9 / (count + 1))


def test_what_is_not_finite_is_least_familiar() -> None:
    features, targets = problem(20, 3, 2, 0)
    found = Novelty.learn(features, targets, 2, features)
    assert (found.familiarity(np.array([[np.nan, 0, 0], [np.inf, 0, 0]])) == 1 / 21).all()


def test_a_folder_keeps_it_and_one_without_it_says_so(digits_run: Run, tmp_path: Path) -> None:
    model = digits_run.model
    rows = np.random.default_rng(0).integers(0, 17, (40, 8, 8)).astype(np.uint8)
    expected = model.familiarity(rows)
    assert expected.max() <= 0.05, "noise is no digit"
    model.save(tmp_path / "one")
    assert (Model.load(tmp_path / "one").familiarity(rows) == expected).all()
    without = Model(model.network, model.facts)
    without.save(tmp_path / "two")
    with pytest.raises(UnsupportedError, match="without validation sequences"):
        Model.load(tmp_path / "two").familiarity(rows)
