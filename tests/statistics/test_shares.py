"""Intervals of shares against closed formulas, statsmodels, and simulations of their coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from unrolled.statistics import mean_share, proportion


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_is_its_formula(counts: tuple[int, int]) -> None:
    k, n = counts
    z, p = 1.959963984540054, k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    exact = proportion_confint(k, n, alpha=0.07, method="beta")
    found = proportion(k, n)
    assert found.low == pytest.approx(max(min(centre - half, exact[0]), 0) if k else 0, abs=1e-9)
    assert found.high == pytest.approx(min(max(centre + half, exact[1]), 1) if k < n else 1, abs=1e-9)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(("k", "n"), [(180, 359), (250, 359), (9870, 10000), (60_000, 100_000)])
def test_of_many_sequences_it_is_statsmodels_wilson_interval(k: int, n: int) -> None:
    found = proportion(k, n)
    assert (found.low, found.high) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-9)
    assert found.method == "wilson"


def test_the_tutorials_127_of_128_span_four_points() -> None:
    found = proportion(127, 128)
    assert (round(100 * found.low, 1), round(100 * found.high, 1)) == (95.7, 100.0)


def test_an_interval_is_worded_in_per_cent() -> None:
    assert str(proportion(1, 2)) == "50.00 % (1.77 to 98.23)"


def runs(
    rng: np.random.Generator, accuracy: float, shape: tuple[int, int], difficulty: float, luck: float
) -> np.ndarray:
    """Answers of S seeds on N sequences that share their difficulty, each seed with luck of its own, [S, N]."""
    level = stats.norm.ppf(accuracy) * math.sqrt(1 + difficulty**2 + luck**2)
    hard, lucky = difficulty * rng.normal(size=shape[1]), luck * rng.normal(size=(shape[0], 1))
    return rng.normal(size=shape) < level + hard + lucky


@pytest.mark.slow
@pytest.mark.parametrize(
    ("accuracy", "cases", "seeds"),
    [
        (0.99, 60, 3),
        (0.97, 30, 2),
        (0.97, 60, 3),
        (0.99, 359, 3),
        (0.984, 370, 5),
        (0.95, 100, 3),
        (0.7, 20, 5),
        (0.8, 5, 2),
    ],
)
@pytest.mark.parametrize(("difficulty", "luck"), [(0, 0), (1, 0.1), (3, 0.1)])
def test_the_interval_of_a_mean_over_seeds_covers_the_truth_at_least_93_times_of_100(
    accuracy: float, cases: int, seeds: int, difficulty: float, luck: float
) -> None:
    rng, rounds = np.random.default_rng(0), 500
    found = [mean_share(runs(rng, accuracy, (seeds, cases), difficulty, luck)) for _ in range(rounds)]
    assert np.mean([one.low <= accuracy <= one.high for one in found]) >= 0.93


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 5), st.floats(0, 1))
def test_more_seeds_are_no_more_sequences(seed: int, cases: int, seeds: int, accuracy: float) -> None:
    right = np.random.default_rng(seed).random((seeds, cases)) < accuracy
    found, share = mean_share(right), right.mean()
    least = proportion_confint(share * cases, cases, method="wilson")
    assert found.cases == cases
    assert found.low <= least[0] + 1e-9
    assert found.high >= least[1] - 1e-9
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.variance >= share * (1 - share) / cases - 1e-12


@pytest.mark.parametrize("seeds", [1, 2, 7])
def test_seeds_that_agree_leave_the_interval_of_one_run(seeds: int) -> None:
    for count in (0, 3, 8, 10):
        right = np.tile(np.arange(10) < count, (seeds, 1))
        found, one = mean_share(right), proportion(count, 10)
        assert (found.low, found.high) == pytest.approx((one.low, one.high), abs=1e-12)
