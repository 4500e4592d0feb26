"""The estimator and the model are one: what one of them saves, the other reads, and both answer the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled
from small_problems import quick, ragged_problem
from unrolled import SequenceClassifier
from unrolled.data.sequences import Sequences

HOLES = {"missing": "mask"}


@pytest.mark.parametrize("options", [{}, {"cell": "gru", "pooling": "attention"}, HOLES, {"max_length": 4}])
def test_a_saved_estimator_is_the_same_model(options: dict[str, Any], tmp_path: Path) -> None:
    X, y = ragged_problem()
    if options is HOLES:
        X = [np.where(np.arange(values.size).reshape(values.shape) % 5 == 3, np.nan, values) for values in X]
    classifier = quick(**options).fit(X, y)
    model = unrolled.load(classifier.save(tmp_path / "model"))
    assert model.classes == tuple(classifier.classes_)
    assert np.array_equal(model.predict_proba(X), classifier.predict_proba(X))
    assert model.predict(X).tolist() == classifier.predict(X).tolist()


def test_an_estimator_read_from_a_calibrated_run_answers_as_its_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = [rng.normal(i % 3, 3, (rng.integers(3, 9), 2)) for i in range(120)]
    data = Sequences.from_list(X, [f"class {i % 3}" for i in range(120)])
    options = {"hidden_size": 8, "max_epochs": 30, "calibrate": True, "report": False, "threads": 1}
    run = unrolled.train(unrolled.Recipe(name="own"), data=data, runs=tmp_path, **options)
    assert run.model.facts.temperature != 1
    classifier = SequenceClassifier.load(run.folder.path)
    assert np.array_equal(classifier.predict_proba(X), run.model.predict_proba(X))
    assert classifier.predict(X).tolist() == run.model.predict(X).tolist()
