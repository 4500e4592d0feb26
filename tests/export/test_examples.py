"""The example programs, with nothing of this package in reach, say what the model says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unrolled.experiment import Run
from unrolled.export.onnx import export_onnx

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
        np.testing.assert_allclose(list(found.values()), row, rtol=0, atol=1e-5)


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with onnxruntime-web, installed by npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no node, or no npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install onnxruntime-web: {done.stderr.strip()[-200:]}")
    shutil.copy(EXAMPLES / "onnx_predict.mjs", folder)
    return folder


PACKAGE = "onnxruntime-web@1.30.0"


def test_the_example_in_javascript_says_what_the_model_says(file: Path, digits_run: Run, node_folder: Path) -> None:
    lines = output_of("node", "onnx_predict.mjs", file, TEXT, folder=node_folder)
    expected = digits_run.model.predict_proba(SEQUENCES)
    for line, label, row in zip(lines, digits_run.model.predict(SEQUENCES), expected, strict=True):
        found = json.loads(line)
        assert found["label"] == label
        np.testing.assert_allclose(found["probabilities"], row, rtol=0, atol=1e-5)
