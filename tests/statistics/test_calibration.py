"""Calibration against Guo et al.'s formulas, and a temperature that a model is known to need."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from torch.nn import functional as F

from unrolled.evaluation.metrics import log_probabilities, quality
from unrolled.statistics.calibration import BINS, Confidence, calibration_error, fit_temperature


def cases(count: int, seed: int = 0, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the chance of each target."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(count, classes))
    chosen = (softmax(logits, axis=1).cumsum(1) > rng.random(count)[:, None]).argmax(1)
    return logits, chosen


def test_the_bins_are_scikit_learns_and_the_error_is_their_weighted_gap() -> None:
    logits, targets = cases(500)
    confidence = Confidence.of(softmax(2 * logits, axis=1), targets)
    bins = confidence.reliability()
    truth, predicted = calibration_curve(confidence.right, confidence.values, n_bins=BINS)
    assert [b.accuracy.value for b in bins] == pytest.approx(truth.tolist())
    assert [b.confidence for b in bins] == pytest.approx(predicted.tolist())
    by_hand = sum(b.accuracy.cases * abs(b.accuracy.value - b.confidence) for b in bins) / 500
    assert confidence.error() == pytest.approx(by_hand)


def test_probabilities_of_exactly_0_and_1_have_their_bins() -> None:
    confidence = Confidence.of(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    (only,) = confidence.reliability()
    assert (only.low, only.high, only.confidence, only.accuracy.value) == (14 / 15, 1.0, 1.0, 0.5)
    assert confidence.error() == 0.5


@pytest.mark.parametrize("needed", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(needed: float) -> None:
    logits, targets = cases(20_000)
    assert fit_temperature(logits * needed, targets) == pytest.approx(needed, rel=0.03)


@pytest.mark.slow
def test_the_temperature_is_the_one_that_torch_finds() -> None:
    logits, targets = cases(300, seed=5)
    place = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([place], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(torch.from_numpy(logits) * 3 / place.exp(), torch.from_numpy(targets))
        value.backward()
        return value

    optimizer.step(loss)
    assert fit_temperature(logits * 3, targets) == pytest.approx(float(place.detach().exp()), rel=1e-3)


def test_cases_that_are_all_right_cannot_tell_the_temperature() -> None:
    assert fit_temperature(np.eye(3), np.arange(3)) == 1.0


def test_hopeless_cases_give_a_bounded_temperature() -> None:
    assert fit_temperature(np.eye(3), np.array([1, 2, 0])) == pytest.approx(100, rel=0.01)


def test_a_temperature_mends_the_calibration_and_leaves_the_classes() -> None:
    logits, targets = cases(4000)
    before = quality(log_probabilities(3 * logits), targets)
    after = quality(log_probabilities(3 * logits, fit_temperature(3 * logits, targets)), targets)
    assert after.log_loss.value < before.log_loss.value
    assert after.calibration_error.value < before.calibration_error.value / 3


def test_the_interval_of_the_error_begins_at_0_only_where_noise_explains_it() -> None:
    logits, targets = cases(2000)
    calibrated, sure = (calibration_error(Confidence.of(softmax(k * logits, axis=1), targets)) for k in (1, 3))
    assert calibrated.low == 0
    assert 0.1 < sure.low < sure.value < sure.high
