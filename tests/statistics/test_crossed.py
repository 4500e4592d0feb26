"""Intervals of cross-validated accuracies contain what they are of, as often as they say: by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import StratifiedKFold

from unrolled.statistics import Difference, Figure, Groups, Proportion, Right, inflation, proportion, share, widened

Doubles = np.ndarray[Any, np.dtype[np.float64]]


def ridge(X: Doubles, y: Doubles) -> Doubles:
    """The weights of a ridge regression on ±1, with a constant."""
    A = np.c_[X, np.ones(len(X))]
    found: Doubles = np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ (2 * y - 1))
    return found


def answers(weights: Doubles, X: Doubles) -> Any:
    return np.c_[X, np.ones(len(X))] @ weights > 0


def drawn(rng: np.random.Generator, count: int, size: int, distance: float, groups: int | None) -> tuple[Any, Any, Any]:
    """Normal points of two classes; those of one group share a part of their noise."""
    names = np.arange(count) if groups is None else np.arange(count) % groups
    y = names % 2
    common = rng.normal(size=(names.max() + 1, size))[names]
    X = rng.normal(size=(count, size)) if groups is None else (common + rng.normal(size=(count, size))) / np.sqrt(2)
    X[:, 0] += distance * (2 * y - 1)
    return X, y, names


def cross_validated(X: Doubles, y: Any, names: Any, folds: int, repeats: int, seed: int) -> Right:
    """Whether each point is right, in each repeat; groups stay together."""
    units, first = np.unique(names, return_index=True)
    right = np.empty((repeats, len(y)), bool)
    for repeat in range(repeats):
        for _, held in StratifiedKFold(folds, shuffle=True, random_state=seed + repeat).split(units, y[first]):
            out = np.isin(names, units[held])
            right[repeat, out] = answers(ridge(X[~out], y[~out]), X[out]) == y[out]
    return right


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "size", "distance", "groups"),
    [(30, 5, 1.0, None), (40, 60, 1.0, None), (90, 20, 1.0, None), (90, 120, 1.5, None), (96, 5, 1.0, 24)],
)
@pytest.mark.parametrize(("folds", "repeats"), [(5, 1), (5, 3)])
def test_the_interval_contains_the_accuracy_of_such_classifiers(
    count: int, size: int, distance: float, groups: int | None, folds: int, repeats: int
) -> None:
    """That of classifiers of (K − 1) / K of as many sequences, stable ones and ones of more features than sequences."""
    naive, inside = coverages(count, size, distance, groups, folds, repeats, trials=120)
    assert inside > 0.93 - 2 * np.sqrt(0.93 * 0.07 / 120)
    assert inside > naive


def coverages(
    count: int, size: int, distance: float, groups: int | None, folds: int, repeats: int, *, trials: int
) -> tuple[float, float]:
    """How often Wilson's interval of all answers contains the accuracy, and how often the widened one does."""
    rng = np.random.default_rng(0)
    fewer = count - count // folds if groups is None else groups - groups // folds
    truth = []
    for _ in range(60):
        X, y, _ = drawn(rng, fewer if groups is None else fewer * count // groups, size, distance, groups and fewer)
        new, labels, _ = drawn(rng, 2_000, size, distance, None)
        truth.append((answers(ridge(X, y), new) == labels).mean())
    inside, naive = 0, 0
    for trial in range(trials):
        X, y, names = drawn(rng, count, size, distance, groups)
        right = cross_validated(X, y, names, folds, repeats, 1_000 * trial)
        plain = share(right.reshape(-1))
        found = widened(plain, repeats * inflation(right, folds, Groups(None if groups is None else names, count)))
        inside += found.low <= np.mean(truth) <= found.high
        naive += plain.low <= np.mean(truth) <= plain.high
    return naive / trials, inside / trials


def test_one_division_has_nadeau_and_bengios_variance() -> None:
    right = np.random.default_rng(0).random((1, 50)) < 0.8
    assert inflation(right, 5, Groups(None, 50)) == pytest.approx(1 + 5 * (1 / 4))
    assert inflation(right, 10, Groups(None, 50)) == pytest.approx(1 + 10 * (1 / 9))


def test_repeats_that_agree_need_hardly_more_and_repeats_that_do_not_as_much_as_one() -> None:
    rng = np.random.default_rng(0)
    agree = np.tile(rng.random(400) < 0.7, (3, 1))
    differ = rng.random((3, 400)) < 0.7
    assert inflation(agree, 5, Groups(None, 400)) < 1.05
    assert inflation(differ, 5, Groups(None, 400)) > 1.9
    assert inflation(np.ones((3, 20), bool), 5, Groups(None, 20)) == pytest.approx(
        2.25
    )  # without a mistake nothing is known


def test_a_wider_proportion_is_wilsons_of_fewer_sequences() -> None:
    found = widened(proportion(800, 1000), 2.0)
    expected = stats.binomtest(400, 500).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.count, found.cases) == (800, 1000)


def test_figures_and_differences_widen_by_the_root_and_keep_within_their_range() -> None:
    figure = widened(Figure(0.9, 0.8, 0.95, "student-mistakes"), 4.0)
    assert (figure.low, figure.high) == pytest.approx((0.7, 1.0))
    loss = widened(Figure(0.9, 0.7, 0.99, "student-mistakes"), 4.0, np.inf)
    assert (loss.low, loss.high) == pytest.approx((0.5, 1.08))
    gain = widened(Difference(0.1, 0.05, 0.15, "", float(2 * stats.norm.sf(3)), ""), 4.0)
    assert (gain.low, gain.high) == pytest.approx((0.0, 0.2))
    assert gain.p == pytest.approx(2 * stats.norm.sf(1.5))
    for same in (Figure(None, None, None, "wilson-effective"), proportion(3, 4)):
        assert widened(same, 1.0) is same
    assert isinstance(widened(proportion(3, 4), 1.5), Proportion)
