"""The readout in closed form: scikit-learn's ridge regression, each case left out in turn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from unrolled import SequenceClassifier
from unrolled.readout.ridge import BALANCES, PENALTIES, PRIOR_CASES, SHARPNESSES, fit_readout


def problem(seed: int = 0, cases: int = 24, features: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = np.arange(cases) % 3
    table = rng.normal(size=(cases, features)) * np.exp(rng.normal(size=features))
    table[:, 0] += 2 * targets
    table[:, 1] -= 3 * (targets == 1)
    table[:, 2] = 7  # a constant
    return table, targets


def standardised(table: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean = np.average(table, 0, weights)
    deviation = np.sqrt(np.average((table - mean) ** 2, 0, weights))
    deviation[2] = 1
    return (table - mean) / deviation


def best_left_out(
    rows: np.ndarray, targets: np.ndarray, weights: np.ndarray, groups: np.ndarray
) -> tuple[float, float, np.ndarray]:
    """The penalty with the least error where each group is left out in turn: the error, it, and the answers."""
    answers = np.eye(3)[targets]
    average = np.average(answers, 0, weights)
    tried = []
    for penalty in PENALTIES * weights.sum() * (rows.shape[1] - 1):
        left = np.empty_like(answers)
        for group in np.unique(groups):
            others, own = groups != group, groups == group
            ridge = Ridge(penalty).fit(rows[others], answers[others], weights[others])
            left[own] = ridge.predict(rows[own]) - average
        tried.append((float(weights @ ((answers - average - left) ** 2).sum(1)), penalty, left))
    return min(tried, key=lambda item: item[0])


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [None, (10, 20)], ids=["one-kind", "two-kinds"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("persons", [None, 2, 5], ids=["no-groups", "two-groups", "five-groups"])
@pytest.mark.parametrize(("cases", "features"), [(24, 30), (60, 7)])
def test_it_is_the_best_of_all_ridge_regressions_with_each_case_or_group_left_out(
    weighted: bool, blocks: tuple[int, int] | None, persons: int | None, cases: int, features: int
) -> None:
    if blocks and features < sum(blocks):
        pytest.skip("the two kinds are of 30 features")
    table, targets = problem(cases=cases, features=features)
    count, varying = len(targets), features - 1  # a column is constant
    groups = None if persons is None else np.random.default_rng(2).integers(0, persons, count)
    weights = np.random.default_rng(1).integers(1, 4, count).astype(float) if weighted else np.ones(count)
    answers = np.eye(3)[targets]
    average, share = np.average(answers, 0, weights), PRIOR_CASES / (count + PRIOR_CASES)
    shares = (weights @ answers + 1) / (weights.sum() + 3)

    def losses(left: np.ndarray) -> list[tuple[float, float, float]]:
        """The smoothed cross-entropy, the sharpness, and the cross-entropy, for each sharpness."""
        found = []
        for sharpness in SHARPNESSES:
            values = np.log(shares) + sharpness * left
            logs = values - np.log(np.exp(values).sum(1, keepdims=True))
            own = logs[np.arange(count), targets]
            smoothed = (1 - share) * own + share * logs.mean(1)
            found.append((-np.average(smoothed, weights=weights), sharpness, -np.average(own, weights=weights)))
        return found

    rows, tried = standardised(table, weights), []
    for first, second in BALANCES[2] if blocks else ((1.0, 1.0),):
        sizes = (9, 20) if blocks else (varying / 2, varying / 2)
        parts = np.repeat([first / sizes[0], second / sizes[1]], blocks or (features, 0)) / (first + second)
        scaled = rows * np.sqrt(varying * parts)
        each = np.arange(count) if groups is None else groups
        tried.append((*best_left_out(scaled, targets, weights, each), scaled))
    _, penalty, left, rows = min(tried, key=lambda item: min(losses(item[2])))
    _, sharpness, loss = min(losses(left))
    found = fit_readout(table, targets, weights, 3, blocks, groups)
    assert found.loss == pytest.approx(loss, rel=1e-7)
    ridge = Ridge(penalty).fit(rows, answers, weights)
    expected = np.log(shares) + sharpness * (ridge.predict(rows) - average)
    np.testing.assert_allclose(table @ found.weights + found.bias, expected, rtol=1e-6, atol=1e-8)


def test_a_table_with_more_cases_than_features_gives_the_same_as_its_cases_seen_as_features() -> None:
    """The smaller of two matrices is decomposed; both ways lead to one regression."""
    table, targets = problem(cases=40, features=6)
    wide = np.concatenate([table, np.repeat(table[:, 2:3], 60, axis=1)], axis=1)  # more columns, but constant ones
    weights = np.ones(40)
    narrow, same = fit_readout(table, targets, weights, 3), fit_readout(wide, targets, weights, 3)
    assert same.loss == pytest.approx(narrow.loss, rel=1e-9)
    np.testing.assert_allclose(same.weights[:6], narrow.weights, rtol=1e-6, atol=1e-9)


def noisy(seed: int, cases: int) -> tuple[np.ndarray, np.ndarray]:
    """30 features that tell nothing, then 3 that tell all."""
    rng = np.random.default_rng(seed)
    targets = np.arange(cases) % 3
    return np.concatenate([rng.normal(size=(cases, 300)), np.eye(3)[targets] + 0.3 * rng.normal(size=(cases, 3))], 1), (
        targets
    )


def test_two_kinds_of_features_are_weighed_against_each_other() -> None:
    """What three features tell is not drowned by three hundred that tell nothing."""
    (table, targets), (other, expected) = noisy(0, 45), noisy(1, 300)
    right = {}
    for blocks in (None, (300, 3)):
        found = fit_readout(table, targets, np.ones(45), 3, blocks)
        right[blocks] = np.mean((other @ found.weights + found.bias).argmax(1) == expected)
    assert right[None] < 0.8
    assert right[300, 3] > 0.95


def test_where_nothing_is_to_be_read_the_shares_are_the_answer() -> None:
    targets = (np.arange(40) % 4 == 0).astype(int)
    found = fit_readout(np.random.default_rng(0).normal(size=(40, 60)), targets, np.ones(40), 3)
    assert not found.weights.any()
    np.testing.assert_allclose(np.exp(found.bias), [31 / 43, 11 / 43, 1 / 43])


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("cases", "length"), [(36, 1), (36, 1000), (300, 40)])
def test_defaults_learn_small_problems_of_any_scale_and_length(scale: float, cases: int, length: int) -> None:
    rng = np.random.default_rng(cases + length)
    y = (np.arange(cases) % 5 == 0).astype(int)  # a class four times as large as the other
    X = scale * (rng.normal(size=(cases, length, 1)) + 4.0 * y[:, None, None])
    half = cases // 2
    classifier = SequenceClassifier(hidden_size=8, random_state=0, threads=1).fit(X[:half], y[:half])
    assert classifier.score(X[half:], y[half:]) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("cases", [36, 100, 300])
def test_defaults_are_no_worse_than_the_majority_on_labels_of_pure_chance(cases: int) -> None:
    right = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(cases + 200, 12, 1)), (rng.random(cases + 200) < 0.25).astype(int)
        classifier = SequenceClassifier(hidden_size=8, random_state=seed, threads=1).fit(X[:cases], y[:cases])
        right.append(classifier.score(X[cases:], y[cases:]) - (y[cases:] == 0).mean())
    assert np.mean(right) > -0.04
