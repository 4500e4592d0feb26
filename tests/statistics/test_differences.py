"""Intervals and tests of differences against statsmodels, SciPy, and simulations of their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_elsewhere
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from unrolled.statistics.differences import (
    difference,
    holm,
    mcnemar,
    mean_interval,
    newcombe_paired,
    newcombe_unpaired,
    over_seeds,
)


def pairs(both: int, one: int, other: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classifiers' answers from the four counts."""
    first = np.repeat([True, True, False, False], [both, one, other, neither])
    second = np.repeat([True, False, True, False], [both, one, other, neither])
    return first, second


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (0, 7), (3, 3), (5, 17), (120, 90), (2, 40)])
def test_mcnemar_equals_statsmodels(counts: tuple[int, int]) -> None:
    elsewhere = mcnemar_elsewhere([[50, counts[0]], [counts[1], 9]], exact=True).pvalue
    assert mcnemar(*counts) == pytest.approx(elsewhere, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_holm_equals_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).random(7) ** 3
    assert holm(list(p)) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_holm_leaves_out_what_is_not_known() -> None:
    assert holm([0.01, None, 0.04]) == [pytest.approx(0.02), None, pytest.approx(0.04)]
    assert holm([]) == []


@pytest.mark.parametrize(
    "counts", [(8, 10, 3, 10), (56, 70, 48, 80), (0, 10, 10, 10), (9, 9, 1, 2), (359, 359, 350, 359)]
)
def test_newcombe_for_independent_shares_equals_statsmodels(counts: tuple[int, int, int, int]) -> None:
    elsewhere = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    assert newcombe_unpaired(*counts, 0.95) == pytest.approx(elsewhere, abs=1e-9)


def test_newcombe_for_pairs_that_are_independent_is_that_for_independent_shares() -> None:
    first, second = pairs(24, 16, 36, 24)  # 40 and 60 of 100, uncorrelated
    assert newcombe_paired(first, second) == pytest.approx(newcombe_unpaired(40, 100, 60, 100, 0.95))


@pytest.mark.parametrize(
    ("p_both", "p_one", "p_other", "cases"), [(0.9, 0.05, 0.02, 150), (0.5, 0.2, 0.1, 40), (0.9, 0.08, 0.01, 80)]
)
def test_the_paired_interval_covers_the_truth_about_95_times_in_100(
    p_both: float, p_one: float, p_other: float, cases: int
) -> None:
    rng, hits, rounds = np.random.default_rng(0), 0, 600
    for counts in rng.multinomial(cases, [p_both, p_one, p_other, 1 - p_both - p_one - p_other], rounds):
        low, high = newcombe_paired(*pairs(*counts))
        hits += low <= p_one - p_other <= high
    assert 0.93 <= hits / rounds <= 0.995


def test_the_interval_over_seeds_covers_the_truth_about_95_times_in_100() -> None:
    """Cases differ in difficulty, seeds in luck; the truth is the mean over all cases and seeds."""
    rng, hits, rounds = np.random.default_rng(1), 0, 400
    cases, seeds, gap = 200, 4, 0.25

    def answers(easy: np.ndarray, shift: float) -> np.ndarray:
        luck = rng.normal(0, 0.15, (seeds, 1))
        return easy + luck + shift + rng.normal(0, 1, (seeds, cases)) > 0

    spread = np.sqrt(1 + 1 + 0.15**2)
    truth = stats.norm.cdf((1 + gap) / spread) - stats.norm.cdf(1 / spread)
    for _ in range(rounds):
        easy = rng.normal(1, 1, cases)
        found = over_seeds(answers(easy, gap), answers(easy, 0))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / rounds <= 0.99


def test_over_seeds_is_welch_where_cases_do_not_differ() -> None:
    """Unpaired, with case variance made as small as it gets, only the seeds are left: SciPy's Welch test."""
    rng = np.random.default_rng(2)
    cases = 20_000
    shares = [rng.normal(0.5, 0.02, 5), rng.normal(0.46, 0.03, 4)]
    # each seed is right on its own random cases, so that no case is easier than another
    first, second = (np.stack([rng.permutation(cases) < share * cases for share in some]) for some in shares)
    found = over_seeds(first, second, paired=False)
    elsewhere = stats.ttest_ind(first.mean(1), second.mean(1), equal_var=False)
    assert found.value == pytest.approx(first.mean() - second.mean())
    assert found.p == pytest.approx(elsewhere.pvalue, rel=0.1)
    assert (found.low, found.high) == pytest.approx(tuple(elsewhere.confidence_interval()), abs=2e-3)


def test_single_runs_are_tested_by_mcnemar_or_fisher() -> None:
    first, second = pairs(50, 12, 3, 5)
    found = difference(first[None], second[None])
    assert (found.only_first, found.only_second) == (12, 3)
    assert found.value == pytest.approx(9 / 70)
    assert found.p == mcnemar(12, 3)
    apart = difference(first[None], second[None], paired=False)
    assert apart.p == pytest.approx(stats.fisher_exact([[62, 8], [53, 17]])[1])
    assert found.low is not None
    assert apart.low is not None
    assert found.low > apart.low


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("first", "second"), [([True], [False]), ([True], [True]), ([True, True], [True, True])])
def test_one_case_and_perfect_classifiers_have_an_answer(first: list[bool], second: list[bool], paired: bool) -> None:
    found = difference(np.array([first]), np.array([second]), paired=paired)
    assert found.p is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= found.value <= found.high <= 1


def test_of_one_case_and_several_seeds_nothing_is_claimed() -> None:
    found = difference(np.array([[True], [True]]), np.array([[False], [True]]))
    assert (found.value, found.low, found.high, found.p) == (0.5, None, None, None)
    assert mean_interval(np.array([[True], [False]])) is None


def test_equal_answers_of_all_seeds_are_no_difference() -> None:
    right = np.array([[True, False, True]] * 3)
    found = difference(right, right)
    assert (found.value, found.p) == (0, 1)
    assert mean_interval(np.ones((2, 3), bool)) == (1, 1)
