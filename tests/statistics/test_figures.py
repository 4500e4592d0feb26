"""Figures other than shares: where their intervals are those of shares, or Student's, and what they say otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from unrolled.statistics import Figure, Groups, effective_share, mean_loss, share
from unrolled.statistics.figures import ONE


def test_a_share_is_a_figure_with_the_variance_of_a_share() -> None:
    right = np.arange(80) < 70
    found = effective_share(0.875, 0.875, 0.875 * 0.125 / 80, Groups(None, 80), right - 0.875, ~right, "why", "", "and")
    one = share(right)
    assert (found.low, found.high) == pytest.approx((one.low, one.high))
    assert found.note == "why; and"


def test_a_loss_that_mistakes_do_not_raise_has_students_upper_end() -> None:
    losses = np.random.default_rng(0).exponential(size=300)
    found = mean_loss(losses, np.zeros(300, bool), np.zeros(300), Groups(None, 300))
    high = stats.t.interval(0.95, 299, losses.mean(), stats.sem(losses))[1]
    assert found.high == pytest.approx(high)
    assert found.low == pytest.approx(losses.mean() ** 2 / high, rel=0.02)  # the same on a logarithmic scale


def test_sequences_without_a_mistake_may_have_some_and_those_cost() -> None:
    """Ten right answers, each of which would have cost 5 more: up to 28 % of such sequences may be wrong."""
    found = mean_loss(np.full(10, 0.01), np.zeros(10, bool), np.full(10, 5.0), Groups(None, 10))
    assert found.high == pytest.approx(0.01 + 5 * (1 - share(np.ones(10, bool)).low))
    assert found.low == pytest.approx(0.01)


def test_the_interval_of_a_loss_narrows_by_the_square_root_of_the_sequences() -> None:
    rng = np.random.default_rng(0)
    wrong = rng.random(40_000) < 0.1
    losses = np.where(wrong, 2.0, 0.1) + rng.random(40_000)
    small, large = (mean_loss(losses[:n], wrong[:n], np.full(n, 1.9), Groups(None, n)) for n in (10_000, 40_000))
    assert (small.high - small.low) / (large.high - large.low) == pytest.approx(2, rel=0.05)
    assert large.high - large.value == pytest.approx(1.96 * stats.sem(losses), rel=0.05)


def test_one_sequence_or_one_group_has_no_interval_and_it_is_said() -> None:
    for groups in (Groups(None, 1), Groups(np.zeros(7, np.int64), 7)):
        cases = groups.cases
        found = mean_loss(np.ones(cases), np.zeros(cases, bool), np.ones(cases), groups)
        assert (found.value, found.low, found.note) == (1.0, None, ONE)


def test_a_figure_without_a_value_says_why() -> None:
    assert str(Figure(None, None, None, "wilson-effective", "why")) == "– (why)"
