"""A classifier of windows: recordings in, one answer for each, the mean of its windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from unrolled import SequenceClassifier


@pytest.mark.slow
def test_a_recording_gets_the_mean_of_its_windows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = [rng.normal(label, 1.0, (rng.integers(60, 90), 2)) for label in (0, 1) * 8]
    y = ["low", "high"] * 8
    fitted = SequenceClassifier(window=20, stride=10, hidden_size=8, max_epochs=3, random_state=0).fit(X, y)
    found = fitted.predict_proba(X)
    for array, own in zip(X, found, strict=True):
        windows = sliding_window_view(array, 20, axis=0).transpose(0, 2, 1)
        firsts = sorted({*range(0, len(windows), 10), len(windows) - 1})
        np.testing.assert_allclose(own, fitted.model_.predict_proba(windows[firsts]).mean(0), atol=1e-6)
    assert fitted.score(X, y) > 0.8
    assert (fitted.predict(X) == fitted.classes_[found.argmax(1)]).all()
    again = SequenceClassifier.load(fitted.save(tmp_path / "model"))
    assert again.get_params() == fitted.get_params()
    np.testing.assert_array_equal(again.predict_proba(X), found)
