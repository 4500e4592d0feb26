"""Resampled intervals against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_array

from unrolled.statistics import bootstrap
from unrolled.statistics.bootstrap import (
    ALIKE,
    FEW,
    Figure,
    basic_interval,
    draws,
    percentile_interval,
    resampled_sums,
)


def test_resamples_hold_as_many_cases_as_there_are_and_are_the_same_for_a_seed() -> None:
    first, again = (np.concatenate(list(draws(37, 250, seed=3))) for _ in range(2))
    assert first.shape == (250, 37)
    assert (first.sum(1) == 37).all()
    assert (first == again).all()
    assert (first != np.concatenate(list(draws(37, 250, seed=4)))).any()


def test_the_interval_of_a_mean_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(0).exponential(size=300)
    found = percentile_interval(values.mean(), resampled_sums({"v": values[:, None]}, 4000)["v"][:, 0] / 300)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert found.low == pytest.approx(theirs.low, abs=0.01)
    assert found.high == pytest.approx(theirs.high, abs=0.01)


def test_the_mirrored_interval_of_a_mean_is_scipys_basic_bootstrap() -> None:
    values = np.random.default_rng(0).exponential(size=300)
    found = basic_interval(values.mean(), resampled_sums({"v": values[:, None]}, 4000)["v"][:, 0] / 300, chance=0)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="basic", rng=1).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_sums_are_the_same_from_dense_and_sparse_columns() -> None:
    values = np.random.default_rng(0).normal(size=(50, 4))
    sums = resampled_sums({"dense": values, "sparse": csr_array(values)}, 20)
    weights = np.concatenate(list(draws(50, 20)))
    np.testing.assert_allclose(sums["dense"], weights @ values, atol=1e-5)
    np.testing.assert_allclose(sums["sparse"], sums["dense"], atol=1e-9)


def test_many_cases_drawn_in_groups_give_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).exponential(size=(20_000, 1))
    single = resampled_sums({"v": values[:, :1]}, 600)["v"] / 20_000
    monkeypatch.setattr(bootstrap, "MAX_UNITS", 500)
    grouped = resampled_sums({"v": values}, 600)["v"] / 20_000
    assert grouped.std() == pytest.approx(single.std(), rel=0.15)
    assert grouped.std() == pytest.approx(values.std() / np.sqrt(20_000), rel=0.15)


def test_resamples_that_are_all_alike_give_no_interval_and_it_is_said() -> None:
    found = percentile_interval(1.0, np.ones(100))
    assert (found.value, found.low, found.high, found.note) == (1.0, None, None, ALIKE)
    assert basic_interval(0.0, np.zeros(100), 0.1).note == ALIKE


def test_a_figure_that_most_resamples_do_not_have_gets_no_interval_and_it_is_said() -> None:
    resampled = np.where(np.arange(100) < 60, np.nan, np.arange(100.0))
    found = percentile_interval(80.0, resampled)
    assert (found.low, found.high, found.note) == (None, None, FEW)
    assert percentile_interval(80.0, resampled[20:]).low is not None


def test_a_note_about_the_value_stands_beside_the_one_about_the_interval() -> None:
    assert percentile_interval(1.0, np.ones(100), "why", "doubt").note == f"why; {ALIKE}"
    assert percentile_interval(0.5, np.linspace(0, 1, 100), "why", "doubt").note == "why; doubt"


def test_a_figure_without_a_value_says_why() -> None:
    assert str(Figure(None, None, None, "delong", "why")) == "– (why)"
