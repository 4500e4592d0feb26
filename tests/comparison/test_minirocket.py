"""The example with MiniRocket runs; aeon, which is no dependency, is stood in for."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sklearn.neighbors import KNeighborsClassifier

from pictures import assert_drawn

EXAMPLES = Path(__file__).parents[2] / "examples"


class StandIn(KNeighborsClassifier):
    """Takes what aeon's classifiers take, [N, F, T]."""

    def __init__(self, random_state: int = 0) -> None:
        super().__init__(3)
        self.random_state = random_state

    def fit(self, X, y):  # type: ignore[no-untyped-def]
        assert X.shape[1:] == (12, 26)
        return super().fit(X.reshape(len(X), -1), y)

    def predict(self, X):  # type: ignore[no-untyped-def]
        return super().predict(X.reshape(len(X), -1))

    def predict_proba(self, X):  # type: ignore[no-untyped-def]
        return super().predict_proba(X.reshape(len(X), -1))


@pytest.mark.slow
@pytest.mark.data
def test_minirocket_is_compared_with_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = ModuleType("aeon.classification.convolution_based")
    home.MiniRocketClassifier = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, home.__name__, home)
    main = runpy.run_path(str(EXAMPLES / "minirocket.py"))["main"]
    found = main(tmp_path, max_epochs=1, hidden_size=4)
    assert {row.name for row in found.rows} == {"japanese-vowels/1", "MiniRocket"}
    assert_drawn((tmp_path / "minirocket" / "comparison.png").read_bytes())
