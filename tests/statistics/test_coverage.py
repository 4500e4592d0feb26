"""How often intervals contain the truth, by simulation; `benchmarks/interval_coverage.py` makes the whole table."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from interval_coverage import (
    ACCURACIES,
    SIZES,
    calibration,
    coverage_of_figures,
    coverage_of_groups,
    coverage_of_seeds,
    differences,
    figures,
    grouped,
    single,
)
from unrolled.statistics import proportion

ROUNDS = 200
NOISE = 2.5 * np.sqrt(0.95 * 0.05 / ROUNDS)
"""Of a coverage of 95 %, as far as one of a hundred simulations strays."""


@pytest.mark.parametrize("cases", [5, 6, 9, 10, 20, 50, 137, 359, 1000])
def test_the_interval_of_a_share_covers_at_least_93_and_on_average_about_95_of_100(cases: int) -> None:
    """Exactly, for every share from 1 to 99 %."""
    shares, counts = np.linspace(0.01, 0.99, 197), np.arange(cases + 1)
    ends = np.array([(one.low, one.high) for one in (proportion(int(count), cases) for count in counts)])
    inside = (ends[:, 0, None] <= shares) & (shares <= ends[:, 1, None])
    coverage = (stats.binom.pmf(counts[:, None], cases, shares) * inside).sum(0)
    assert coverage.min() >= 0.93
    assert coverage.mean() <= (0.985 if cases < 20 else 0.968)


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "cases"), list(itertools.product((2, 3, 5), SIZES)))
def test_the_interval_of_a_mean_over_seeds_covers(seeds: int, cases: int) -> None:
    for accuracy in ACCURACIES:
        assert coverage_of_seeds(accuracy, cases, seeds, ROUNDS) >= 0.95 - NOISE


@pytest.mark.slow
@pytest.mark.parametrize("cases", SIZES)
def test_the_intervals_of_other_figures_cover(cases: int) -> None:
    least = dict.fromkeys(("log loss", "Brier", "balanced accuracy", "macro F1", "ROC area", "calibration error"), 0.93)
    least["macro F1"] = 0.88  # a mean over few classes of few sequences is biased
    for situation in ((0.8, 1.0, 2, 0.0), (0.97, 2.0, 2, 0.0), (0.9, 1.0, 5, 0.0)):
        rounds = ROUNDS if cases < 1000 else 100
        found = coverage_of_figures(figures, single(cases), situation, rounds)
        found |= coverage_of_figures(calibration, single(cases), situation, rounds)
        for name, coverage in found.items():
            assert coverage >= least[name] - NOISE, (name, situation)


@pytest.mark.slow
@pytest.mark.parametrize(("paired", "seeds"), list(itertools.product((True, False), (1, 3))))
def test_intervals_of_differences_cover_and_tests_keep_their_level(paired: bool, seeds: int) -> None:
    for cases, gap in itertools.product((10, 50, 359), (0.0, 0.1)):
        inside, shown = differences(0.95, gap, seeds, single(cases), 0.5, ROUNDS, paired=paired)
        assert inside >= 0.95 - NOISE
        assert gap or shown <= 0.05 + NOISE


@pytest.mark.slow
@pytest.mark.parametrize(("count", "size"), [(5, 10), (8, 15), (30, 6)])
@pytest.mark.parametrize("equal", [True, False])
def test_intervals_and_tests_of_grouped_sequences_hold(count: int, size: int, equal: bool) -> None:
    make = grouped(count, size, equal=equal)
    for accuracy, alike in itertools.product((0.8, 0.95), (0.0, 0.5)):
        assert coverage_of_groups(accuracy, make, alike, ROUNDS) >= 0.95 - NOISE
        inside, shown = differences(accuracy, 0.0, 1, make, alike, ROUNDS)
        assert inside >= 0.95 - NOISE
        assert shown <= 0.05 + NOISE
        for name, coverage in coverage_of_figures(figures, make, (accuracy, 1.0, 3, alike), ROUNDS).items():
            assert coverage >= 0.92 - NOISE, (name, accuracy, alike)
