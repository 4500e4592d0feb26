"""The one rule for 'A is better than B', Holm's correction, and the test of a training's losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from unrolled.statistics import LEVEL, Groups, difference, holm, losses_are_lower, p_text, verdict
from unrolled.statistics.better import CHOICE_LEVEL


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 3), st.floats(0, 1))
def test_a_verdict_turns_with_the_two_and_needs_a_small_p_value(
    seed: int, cases: int, seeds: int, share: float
) -> None:
    first, second = np.random.default_rng(seed).random((2, seeds, cases)) < np.array([0.9, share])[:, None, None]
    one, other = difference(first, second), difference(second, first)
    turned = {"better": "worse", "worse": "better", "not shown": "not shown"}
    assert verdict(other) == turned[verdict(one)]
    assert (verdict(one) != "not shown") == (one.p < LEVEL)
    assert verdict(one, 1.0) == "not shown"
    if verdict(one) == "better":
        assert one.value > 0


@pytest.mark.parametrize("shared", [0, 1, 2, 3])
def test_3_against_12_wrong_of_359_is_a_difference_whatever_both_get_wrong(shared: int) -> None:
    first, second = (np.ones((1, 359), bool) for _ in range(2))
    first[0, :3] = False
    second[0, 3 - shared : 15 - shared] = False
    assert verdict(difference(first, second)) == "better"


@pytest.mark.parametrize("seed", range(5))
def test_holm_equals_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).random(7) ** 3
    assert holm(list(p)) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]) == []


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(5, 40), st.floats(0, 2))
def test_lower_is_what_students_test_of_pairs_says(seed: int, cases: int, gain: float) -> None:
    before, after = np.random.default_rng(seed).exponential(size=(2, cases))
    after = after - gain
    expected = stats.ttest_rel(before, after, alternative="greater").pvalue < CHOICE_LEVEL
    assert losses_are_lower(after, before) == expected
    share = float((before.mean() - after.mean()) / before.mean())
    assert losses_are_lower(after, before, worth=max(share - 0.01, 0)) == (expected and share > 0)
    assert not losses_are_lower(after, before, worth=share + 0.01)
    assert losses_are_lower(after, before, np.full(cases, 3.0)) == expected


def test_lower_by_the_same_everywhere_is_lower_and_four_sequences_tell_nothing() -> None:
    assert losses_are_lower(np.full(5, 0.5), np.ones(5))
    assert not losses_are_lower(np.ones(5), np.ones(5))
    assert not losses_are_lower(np.zeros(4), np.ones(4))


@pytest.mark.parametrize(("better", "worse"), [(6, 0), (7, 0), (9, 1), (12, 1), (40, 20), (45, 20)])
def test_fewer_mistakes_are_what_the_exact_test_says(better: int, worse: int) -> None:
    before, after = np.repeat([1.0, 0.0, 1.0], [better, worse, 30]), np.repeat([0.0, 1.0, 1.0], [better, worse, 30])
    expected = stats.binomtest(better, better + worse, alternative="greater").pvalue < CHOICE_LEVEL
    assert losses_are_lower(after, before) == expected


def test_losses_of_a_few_groups_tell_little() -> None:
    before, after = np.ones(60), np.linspace(0.8, 0.99, 60)
    assert losses_are_lower(after, before)
    assert not losses_are_lower(after, before, groups=Groups(np.arange(60) // 20, 60))
    assert losses_are_lower(after, before, groups=Groups(np.arange(60) // 5, 60))


def test_a_sequence_of_little_weight_has_little_say() -> None:
    after, before = np.array([0.0, 0.1, 0.0, 0.1, 0.0, 9.0]), np.ones(6)
    assert not losses_are_lower(after, before)
    assert losses_are_lower(after, before, np.array([1.0, 1, 1, 1, 1, 0.001]))


def test_p_values_are_worded_with_as_many_digits_as_matter() -> None:
    assert [p_text(p) for p in (0.0004, 0.0123, 0.345, 1.0)] == ["p < 0.001", "p = 0.012", "p = 0.34", "p = 1.00"]
