"""Groups of sequences: they count once, whoever asks; without groups nothing changes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from unrolled.evaluation.metrics import decisions, log_probabilities, quality
from unrolled.statistics import Confidence, Groups, counted, difference, mean_share, roc_auc, share, verdict


def logits_of(cases: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, classes, cases)
    logits = rng.normal(size=(cases, classes))
    logits[np.arange(cases), targets] += 2
    return logits, targets


def everything(logits: np.ndarray, targets: np.ndarray, groups: Groups | None) -> dict[str, tuple[float, float]]:
    """Both ends of every interval."""
    logs = log_probabilities(logits)
    decided, probable = decisions(logits, targets, ("a", "b", "c"), groups), quality(logs, targets, groups)
    confidence = Confidence.of(np.exp(logs), targets)
    right = confidence.right
    gain = difference(right[None], (targets > 0)[None], groups=groups)
    found = {
        "accuracy": share(right, groups),
        "balanced": decided.balanced_accuracy,
        "macro": decided.macro_f1,
        "top": decided.top[2],
        "log loss": probable.log_loss,
        "brier": probable.brier,
        "calibration": probable.calibration_error,
        "area": roc_auc(logs, targets, groups),
        "difference": gain,
        "seeds": mean_share(np.stack([right, np.roll(right, 1)]), groups),
        **{f"bin {one.low:.2f}": one.accuracy for one in confidence.reliability(groups)},
    }
    for row in decided.classes:
        found |= {f"{row.name} recall": row.recall, f"{row.name} precision": row.precision, f"{row.name} F1": row.f1}
    return {name: (one.low, one.high) for name, one in found.items()}


def test_groups_of_one_sequence_each_change_nothing() -> None:
    logits, targets = logits_of(40)
    alone = everything(logits, targets, None)
    found = everything(logits, targets, Groups(np.random.default_rng(1).permutation(40), 40))
    assert list(found) == list(alone)
    np.testing.assert_allclose(list(found.values()), list(alone.values()), atol=1e-9)


def test_sequences_that_stand_there_ten_times_make_no_interval_narrower() -> None:
    """Groups of ten equal sequences say as much as one of each: every interval is at least as wide."""
    logits, targets = logits_of(40)
    alone = everything(logits, targets, None)
    ten = everything(np.repeat(logits, 10, 0), np.repeat(targets, 10), Groups(np.repeat(np.arange(40), 10), 400))
    for name, (low, high) in ten.items():
        assert high - low >= 0.9 * (alone[name][1] - alone[name][0]), name
    without = everything(np.repeat(logits, 10, 0), np.repeat(targets, 10), None)
    for name in ("accuracy", "balanced", "macro", "log loss", "brier", "area", "difference", "a recall", "a F1"):
        assert without[name][1] - without[name][0] < 0.5 * (ten[name][1] - ten[name][0]), name


def test_the_variance_of_a_grouped_mean_is_that_of_the_groups_means() -> None:
    """Of groups of equal size: SciPy's standard error of their means."""
    values = np.random.default_rng(0).normal(size=(12, 5)) + np.random.default_rng(1).normal(size=(12, 1))
    variance, freedom = Groups(np.repeat(np.arange(12), 5), 60).variance_of_mean(values.ravel())
    assert variance == pytest.approx(stats.sem(values.mean(1)) ** 2)
    assert freedom == 11


def test_120_windows_of_8_recordings_are_8_recordings() -> None:
    """By the recordings' means the accuracy is somewhere from 52 to 97 %; as 120 sequences it would be 69 to 84 %."""
    hits = np.array([15, 15, 14, 13, 12, 11, 9, 4])
    right = (np.arange(15) < hits[:, None]).ravel()
    groups = Groups.of([f"recording {n // 15}" for n in range(120)], 120)
    found, t = share(right, groups), stats.t.interval(0.95, 7, (hits / 15).mean(), stats.sem(hits / 15))
    assert (found.count, found.cases, found.method, groups.count) == (93, 120, "wilson-groups", 8)
    assert found.high - found.low == pytest.approx(t[1] - t[0], abs=0.06)
    assert found.low < 0.56
    assert share(right).low > 0.68


def test_groups_that_are_all_right_count_by_their_number() -> None:
    found = share(np.ones(120, bool), Groups(np.arange(120) // 15, 120))
    assert found.low <= share(np.ones(8, bool)).low


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 40))
def test_no_grouping_makes_an_interval_narrower(seed: int, count: int, cases: int) -> None:
    rng = np.random.default_rng(seed)
    groups, right = Groups.of(rng.integers(0, count, cases).astype(str), cases), rng.random(cases) < 0.8
    found, alone = share(right, groups), share(right)
    assert found.low <= alone.low + 1e-12
    assert found.high >= alone.high - 1e-12
    assert 1 <= groups.effective <= groups.count + 1e-9


def test_the_paired_test_turns_the_sign_of_whole_groups() -> None:
    first = np.array([[1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1]], bool)
    second = np.array([[0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0]], bool)
    places = np.arange(12) // 2
    found = difference(first, second, groups=Groups(places, 12))
    gains = np.bincount(places, first[0].astype(int) - second[0].astype(int))
    sums = [np.dot(signs, gains) for signs in itertools.product([1, -1], repeat=6)]
    assert found.p == pytest.approx(np.mean(np.abs(sums) >= abs(gains.sum())))
    assert "groups" in found.test
    assert (found.only_first, found.only_second) == (9, 1)


def test_a_difference_in_three_groups_is_never_shown() -> None:
    right = np.ones((1, 300), bool)
    found = difference(right, ~right, groups=Groups(np.arange(300) % 3, 300))
    assert found.p == pytest.approx(0.25)
    assert verdict(found) == "not shown"


def test_different_sequences_in_groups_are_fewer_independent_ones() -> None:
    first, second = np.arange(200)[None] % 10 < 9, np.arange(200)[None] % 10 < 7
    alone = difference(first, second, paired=False)
    grouped = difference(
        first, second, paired=False, groups=Groups(np.arange(200) % 10, 200), second_groups=Groups(None, 200)
    )
    assert alone.p < 0.001 < grouped.p
    assert grouped.high - grouped.low > alone.high - alone.low


def test_names_become_groups_and_some_of_them() -> None:
    groups = Groups.of(["b", "a", "b", "c"], 4)
    assert (groups.count, groups.sizes.tolist(), groups.take(np.array([0, 2])).count) == (3, [2, 1, 1], 1)
    assert groups.take(slice(1, 4)).are_single
    assert Groups.of(None, 4).count is None
    assert (counted(1200, 8), counted(5, None)) == ("1,200 sequences in 8 groups", "5 sequences")
