"""The example programs, with nothing of this package in reach, say what the model says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from closeness import PROMISED
from unrolled.export.c.export import export_c
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


needs_compilers = pytest.mark.skipif(not (shutil.which("cc") and shutil.which("c++")), reason="there are no compilers")
STRICT = ["-O2", "-Wall", "-Wextra", "-Werror"]


@pytest.mark.slow
@needs_compilers
def test_the_program_in_c_says_what_the_model_says(digits_run: Run, tmp_path: Path) -> None:
    model = digits_run.model
    source = export_c(model, tmp_path / "digits.c").path
    sources = [EXAMPLES / "c" / "classify.c", source]
    output_of("cc", "-std=c99", *STRICT, "-I", tmp_path, *sources, "-o", tmp_path / "classify", folder=tmp_path)
    for values, shares in zip(SEQUENCES, model.predict_proba(SEQUENCES), strict=True):
        lines = "".join(",".join(map(str, step)) + "\n" for step in values)
        program = [str(tmp_path / "classify")]
        done = subprocess.run(program, input=lines, capture_output=True, text=True, check=True)
        label, share = done.stdout.split()
        assert label == model.classes[shares.argmax()]
        assert abs(float(share) - shares.max()) < 1e-4
    for wrong in ("", "inf,0,0,0,0,0,0,0\n"):
        assert subprocess.run(program, input=wrong, capture_output=True, text=True, check=False).returncode == 1


ARDUINO = """
#include <cstdio>
#include <cstdlib>
#define A0 0
static unsigned long now_ms = 0;
static unsigned long millis() { return now_ms; }
static int analogRead(int pin) { return 512 + 90 * (pin + 1); }
struct { void begin(long) {} void println(const char *text) { std::puts(text); std::exit(0); } } Serial;
"""
LOOP = "int main() { setup(); for (; now_ms < 60000; now_ms += 5) loop(); return 1; }\n"


@pytest.mark.slow
@needs_compilers
def test_the_sketch_decides(make_model: Any, tmp_path: Path) -> None:
    model = make_model(3, cell="gru", hidden_size=8, facts={"temperature": 0.01})
    exported = export_c(model, tmp_path / "gestures_net.c")
    assert exported.state_bytes <= 256
    sketch = (EXAMPLES / "c" / "gestures" / "gestures.ino").read_text(encoding="utf-8")
    (tmp_path / "sketch.cpp").write_text(ARDUINO + sketch + LOOP)
    output_of("cc", "-std=c99", *STRICT, "-c", exported.path, "-o", tmp_path / "net.o", folder=tmp_path)
    output_of("c++", *STRICT, tmp_path / "sketch.cpp", tmp_path / "net.o", "-o", tmp_path / "sketch", folder=tmp_path)
    (decided,) = output_of(tmp_path / "sketch", folder=tmp_path)
    steps = np.tile(np.array([90, 180, 270]) / 102.4, (10, 1))
    assert decided == model.predict([steps])[0]
