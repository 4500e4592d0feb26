"""Intervals and tests of differences against statsmodels, SciPy, and simulations of their coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_elsewhere
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from unrolled.statistics import Groups, MeanShare, mean_share
from unrolled.statistics.differences import difference, fisher, mcnemar, newcombe, over_seeds, sign_flip


def pairs(both: int, one: int, other: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classifiers' answers from the four counts."""
    first = np.repeat([True, True, False, False], [both, one, other, neither])
    second = np.repeat([True, False, True, False], [both, one, other, neither])
    return first, second


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (0, 7), (3, 3), (5, 17), (120, 90), (2, 40)])
def test_mcnemar_equals_statsmodels(counts: tuple[int, int]) -> None:
    elsewhere = mcnemar_elsewhere([[50, counts[0]], [counts[1], 9]], exact=True).pvalue
    assert mcnemar(*counts) == pytest.approx(elsewhere, rel=1e-12)


@pytest.mark.parametrize(
    "counts", [(8, 10, 3, 10), (56, 70, 48, 80), (0, 10, 10, 10), (9, 9, 1, 2), (359, 359, 350, 359)]
)
def test_newcombe_for_independent_shares_equals_statsmodels(counts: tuple[int, int, int, int]) -> None:
    elsewhere = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    shares = [
        MeanShare(count / cases, *proportion_confint(count, cases, method="wilson"), 0.0, cases)
        for count, cases in (counts[:2], counts[2:])
    ]
    assert newcombe(*shares, 0.0) == pytest.approx(elsewhere, abs=1e-9)
    first, second = (np.arange(cases)[None] < count for count, cases in (counts[:2], counts[2:]))
    found = difference(first, second, paired=False)  # of shares whose intervals are at least those
    assert found.low <= elsewhere[0] + 1e-9
    assert found.high >= elsewhere[1] - 1e-9


def test_newcombe_for_pairs_that_are_independent_is_that_for_independent_shares() -> None:
    first, second = pairs(24, 16, 36, 24)  # 40 and 60 of 100, uncorrelated
    pair, apart = (difference(first[None], second[None], paired=paired) for paired in (True, False))
    assert (pair.low, pair.high) == pytest.approx((apart.low, apart.high))


@pytest.mark.parametrize(
    ("p_both", "p_one", "p_other", "cases"), [(0.9, 0.05, 0.02, 150), (0.5, 0.2, 0.1, 40), (0.9, 0.08, 0.01, 80)]
)
def test_the_paired_interval_covers_the_truth_about_95_times_in_100(
    p_both: float, p_one: float, p_other: float, cases: int
) -> None:
    rng, hits, rounds = np.random.default_rng(0), 0, 600
    for counts in rng.multinomial(cases, [p_both, p_one, p_other, 1 - p_both - p_one - p_other], rounds):
        first, second = pairs(*counts)
        found = difference(first[None], second[None])
        hits += found.low <= p_one - p_other <= found.high
    assert 0.93 <= hits / rounds <= 0.995


def answers(rng: np.random.Generator, easy: np.ndarray, seeds: int, luck: float, shift: float = 0.0) -> np.ndarray:
    """Of seeds with luck of their own on sequences of different difficulty, [S, N]."""
    return easy + luck * rng.normal(size=(seeds, 1)) + shift + rng.normal(size=(seeds, len(easy))) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("cases", "seeds", "luck"), [(200, 4, 0.15), (359, 3, 0.1), (1_000, 3, 0.1), (20, 2, 0.1)])
@pytest.mark.parametrize("gap", [0.0, 0.25])
def test_over_seeds_intervals_cover_and_tests_keep_their_level(cases: int, seeds: int, luck: float, gap: float) -> None:
    """Sequences differ in difficulty, seeds in luck; the truth is the mean over all sequences and seeds."""
    rng, hits, shown, rounds = np.random.default_rng(1), 0, 0, 400
    spread = np.sqrt(1 + 1 + luck**2)
    truth = stats.norm.cdf((1 + gap) / spread) - stats.norm.cdf(1 / spread)
    for _ in range(rounds):
        easy = rng.normal(1, 1, cases)
        found = difference(answers(rng, easy, seeds, luck, gap), answers(rng, easy, seeds, luck))
        hits += found.low <= truth <= found.high
        shown += found.p < 0.05
    assert hits / rounds >= 0.93
    if not gap:
        assert shown / rounds <= 0.065


def test_over_seeds_is_welch_where_cases_do_not_differ() -> None:
    """Unpaired, with case variance made as small as it gets, only the seeds are left: SciPy's Welch test."""
    rng = np.random.default_rng(2)
    cases = 20_000
    shares = [rng.normal(0.5, 0.02, 5), rng.normal(0.46, 0.03, 4)]
    # each seed is right on its own random cases, so that no case is easier than another
    first, second = (np.stack([rng.permutation(cases) < share * cases for share in some]) for some in shares)
    elsewhere = stats.ttest_ind(first.mean(1), second.mean(1), equal_var=False)
    assert over_seeds(first, second, *[Groups(None, cases)] * 2) == pytest.approx(elsewhere.pvalue, rel=0.1)


def test_single_runs_are_tested_by_mcnemar_or_fisher() -> None:
    first, second = pairs(50, 12, 3, 5)
    found = difference(first[None], second[None])
    assert (found.only_first, found.only_second) == (12, 3)
    assert found.value == pytest.approx(9 / 70)
    assert found.p == mcnemar(12, 3)
    apart = difference(first[None], second[None], paired=False)
    assert apart.p == pytest.approx(stats.fisher_exact([[62, 8], [53, 17]])[1])
    assert found.low > apart.low


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("first", "second"),
    [([[1]], [[0]]), ([[1]], [[1]]), ([[1, 1]], [[1, 1]]), ([[1], [1]], [[0], [1]]), ([[1, 1]] * 2, [[0, 0]] * 3)],
)
def test_few_sequences_and_perfect_classifiers_show_nothing(
    first: list[list[int]], second: list[list[int]], paired: bool
) -> None:
    found = difference(np.array(first, bool), np.array(second, bool), paired=paired)
    assert found.p >= 0.3
    assert found.low <= found.value <= found.high
    assert found.high - found.low > 0.5
    assert -1 <= found.low <= found.high <= 1


@pytest.mark.parametrize(("one", "other"), [(0, 0), (2, 0), (9, 0), (12, 3), (40, 22)])
def test_seeds_that_agree_say_what_one_run_says(one: int, other: int) -> None:
    first, second = pairs(50, one, other, 5)
    found = difference(np.tile(first, (3, 1)), np.tile(second, (2, 1)))
    single = difference(first[None], second[None])
    assert found.p >= single.p * (1 - 1e-12)
    assert found.p == pytest.approx(single.p, rel=0.3)
    assert (found.low, found.high) == pytest.approx((single.low, single.high), abs=0.02)


def test_equal_answers_of_all_seeds_are_no_difference() -> None:
    right = np.array([[True, False, True]] * 3)
    found = difference(right, right)
    assert (found.value, found.p) == (0, 1)


@pytest.mark.parametrize("gains", [[1, -2, 3, 3, 0, 1], [2, 2, 2, 1], [0, 0], [5, -5], [1] * 9 + [-4], [6, 3, -1, 2]])
def test_the_sign_flip_test_counts_all_signs(gains: list[int]) -> None:
    sums = [np.dot(signs, gains) for signs in itertools.product([1, -1], repeat=len(gains))]
    assert sign_flip(np.array(gains)) == pytest.approx(np.mean(np.abs(sums) >= abs(sum(gains))))


@pytest.mark.parametrize(("plus", "minus"), [(0, 0), (5, 0), (12, 3), (70, 50), (300, 260)])
def test_the_sign_flip_test_of_single_steps_is_mcnemars(plus: int, minus: int) -> None:
    gains = np.repeat([1, -1, 0], [plus, minus, 20])
    assert sign_flip(gains) == pytest.approx(mcnemar(plus, minus), rel=1e-9)


def test_the_normal_approximation_of_the_sign_flip_test_is_as_good_as_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    gains = np.random.default_rng(0).integers(-3, 4, 9_000) + (np.arange(9_000) % 150 == 0)
    exact = sign_flip(gains)
    monkeypatch.setattr("unrolled.statistics.differences.MOST_EXACT", 100)
    assert sign_flip(gains) == pytest.approx(exact, rel=0.02)


def test_fishers_test_of_several_seeds_has_no_more_sequences() -> None:
    first, second = pairs(50, 12, 3, 5)
    one = fisher(*map(mean_share, (first[None], second[None])))
    assert one == pytest.approx(stats.fisher_exact([[62, 8], [53, 17]])[1])
    assert fisher(mean_share(np.tile(first, (4, 1))), mean_share(np.tile(second, (3, 1)))) == one
    assert fisher(*map(mean_share, (second[None], first[None]))) == one


def test_the_correlation_of_a_difference_never_makes_it_narrower_than_nothing() -> None:
    right = np.random.default_rng(0).random((3, 12)) < 0.6
    assert mean_share(right).variance > 0
    found = difference(right, right)
    assert found.low < 0 < found.high
