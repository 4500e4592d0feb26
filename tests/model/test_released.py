"""Folders that a release wrote load for ever and answer the same (promise 5): small ones of each are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import unrolled
from closeness import PROMISED

RELEASED = Path(__file__).parents[1] / "released"
MODELS = sorted(path.parent for path in RELEASED.glob("*/*/model.json"))
RUNS = sorted(path.parent for path in RELEASED.glob("*/runs/*/finished/config.json"))


def answers(folder: Path) -> dict[str, Any]:
    """What the model answered when it was written."""
    content: dict[str, Any] = json.loads((folder.parent / "answers.json").read_text())[folder.name]
    return content


def inputs_of(answer: dict[str, Any]) -> list[Any]:
    if isinstance(answer["inputs"][0], str):
        return list(answer["inputs"])
    return [np.array(rows, np.float32) for rows in answer["inputs"]]  # null is a missing value


@pytest.mark.parametrize("folder", MODELS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_model_answers_as_it_did(folder: Path) -> None:
    answer, model = answers(folder), unrolled.load(folder)
    inputs = inputs_of(answer)
    assert model.predict(inputs).tolist() == answer["labels"]
    np.testing.assert_allclose(model.predict_proba(inputs), answer["probabilities"], **PROMISED)
    for found, expected in zip(model.predict_steps(inputs), answer["steps"], strict=True):
        np.testing.assert_allclose(found, expected, **PROMISED)


@pytest.mark.parametrize("folder", MODELS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_it_is_read_by_the_estimator_too_and_saved_anew(folder: Path, tmp_path: Path) -> None:
    answer = answers(folder)
    inputs = inputs_of(answer)
    found = unrolled.SequenceClassifier.load(folder)
    assert found.predict(inputs).tolist() == answer["labels"]
    again = unrolled.load(found.save(tmp_path / "again"))
    np.testing.assert_allclose(again.predict_proba(inputs), answer["probabilities"], **PROMISED)


@pytest.fixture
def released(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what a release wrote, as the working directory."""
    shutil.copytree(request.param.parents[2], tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


in_a_copy = pytest.mark.parametrize("released", RUNS, indirect=True, ids=lambda path: path.parents[2].name)


def network_weights(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Without the baselines and the distances, which a run that goes on computes as the present version does."""
    return {name: value for name, value in load_file(path).items() if not name.startswith(("baseline/", "novelty/"))}


@in_a_copy
def test_a_finished_run_is_evaluated_and_resumed_without_a_change(released: Path) -> None:
    run = released / "runs" / "long" / "finished"
    weights = network_weights(run / "model" / "model.safetensors")
    written = json.loads((run / "evaluation.json").read_text())
    again = unrolled.resume(run)
    assert again.evaluation is not None
    assert again.evaluation.accuracy.value == written["accuracy"]["value"]
    found = network_weights(run / "model" / "model.safetensors")
    assert found.keys() == weights.keys()
    for key, value in weights.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


@in_a_copy
@pytest.mark.parametrize("name", ["validated", "aside", "plain"])
def test_a_stopped_run_goes_on_to_where_it_would_have_ended(released: Path, name: str) -> None:
    run = released / "runs" / "long" / f"stopped-{name}"
    unrolled.resume(run)
    found = network_weights(run / "model" / "model.safetensors")
    expected = network_weights(run / "ends.safetensors")
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
