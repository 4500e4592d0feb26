"""What a run keeps of each test case: enough for reports and comparisons, small for a million cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unrolled.evaluation import outcomes
from unrolled.evaluation.outcomes import Outcomes, save_outcomes


def answers(cases: int = 50, classes: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, classes, cases), rng.dirichlet(np.ones(classes), cases).astype(np.float32)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    targets, probabilities = answers()
    save_outcomes(tmp_path / "kept.npz", targets, probabilities)
    found = Outcomes.load(tmp_path / "kept.npz")
    assert found is not None
    np.testing.assert_array_equal(found.targets, targets)
    np.testing.assert_array_equal(found.predictions, probabilities.argmax(1))
    np.testing.assert_array_equal(found.confidences, probabilities.max(1))
    np.testing.assert_array_equal(found.likelihoods, probabilities[range(50), targets])
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["probabilities"], probabilities)


def test_many_cases_take_a_few_bytes_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST_PROBABILITIES", 1_000)
    targets, probabilities = answers(4_000, 21)
    save_outcomes(tmp_path / "kept.npz", targets, probabilities)
    assert (tmp_path / "kept.npz").stat().st_size < 12 * 4_000
    found = Outcomes.load(tmp_path / "kept.npz")
    assert found is not None
    assert len(found) == 4_000


def test_a_probability_that_is_nan_stays_one(tmp_path: Path) -> None:
    targets, probabilities = answers(3, 4)
    probabilities[1, 2] = np.nan
    assert np.isnan(Outcomes.of(targets, probabilities).confidences).tolist() == [False, True, False]


def test_what_is_missing_damaged_or_older_is_none(tmp_path: Path) -> None:
    path = tmp_path / "kept.npz"
    assert Outcomes.load(path) is None
    path.write_bytes(b"no archive")
    assert Outcomes.load(path) is None
    targets, probabilities = answers()
    np.savez(path, targets=targets, probabilities=probabilities)
    assert Outcomes.load(path) is None
    np.savez(path, targets=targets, predictions=targets[:3], confidences=targets, likelihoods=targets)
    assert Outcomes.load(path) is None
    save_outcomes(path, targets, probabilities)
    path.write_bytes(path.read_bytes()[:-200])
    assert Outcomes.load(path) is None
