"""The example programs, with nothing of this package in reach, say what the model says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from closeness import PROMISED
from unrolled.export.onnx import export_onnx
from unrolled.runs.run import Run

EXAMPLES = Path(__file__).parents[2] / "examples"
RANDOM = np.random.default_rng(0)
SEQUENCES = [RANDOM.random((length, 8)).round(3) for length in (8, 3, 11)]
TEXT = json.dumps([values.tolist() for values in SEQUENCES])


@pytest.fixture
def file(digits_run: Run, tmp_path: Path) -> Path:
    return export_onnx(digits_run.model, tmp_path / "digits.onnx").path


def output_of(*words: object, folder: Path) -> list[str]:
    done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_example_in_python_needs_onnxruntime_and_numpy_alone(file: Path, digits_run: Run, tmp_path: Path) -> None:
    source = (EXAMPLES / "onnx_predict.py").read_text(encoding="utf-8")
    imports = {line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imports == {"json", "sys", "numpy", "onnxruntime"}
    lines = output_of(sys.executable, "-P", EXAMPLES / "onnx_predict.py", file, TEXT, folder=tmp_path)
    expected = digits_run.model.predict_proba(SEQUENCES)
    for line, label, row in zip(lines, digits_run.model.predict(SEQUENCES), expected, strict=True):
        said, _, probabilities = line.partition(" ")
        assert said == label
        found = json.loads(probabilities)
        assert tuple(found) == digits_run.model.classes
        np.testing.assert_allclose(list(found.values()), row, **PROMISED)


def test_the_example_in_javascript_takes_texts_and_missing_values(
    make_model: Any, node_folder: Path, tmp_path: Path
) -> None:
    words = make_model(1, facts={"vocabulary": ("left", "right"), "tokens": "words"})
    holes = make_model(2, missing="mean")
    texts = [["left", "unheard"], ["right"]]
    gaps = [[[1.0, None], [0.5, 2.0]], [[None, None]]]
    for model, given in ((words, texts), (holes, gaps)):
        file = export_onnx(model, tmp_path / "m.onnx").path
        lines = output_of("node", "examples/onnx_predict.mjs", file, json.dumps(given), folder=node_folder)
        expected = model.predict_proba(texts if model is words else [np.array(rows, float) for rows in gaps])
        found = [json.loads(line)["probabilities"] for line in lines]
        np.testing.assert_allclose(found, expected, **PROMISED)


def test_the_example_in_javascript_says_what_the_model_says(file: Path, digits_run: Run, node_folder: Path) -> None:
    lines = output_of("node", "examples/onnx_predict.mjs", file, TEXT, folder=node_folder)
    expected = digits_run.model.predict_proba(SEQUENCES)
    for line, label, row in zip(lines, digits_run.model.predict(SEQUENCES), expected, strict=True):
        found = json.loads(line)
        assert found["label"] == label
        np.testing.assert_allclose(found["probabilities"], row, **PROMISED)
