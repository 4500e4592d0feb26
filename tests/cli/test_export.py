"""``unrolled export``: the file, what is said about it, and refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from commands import Command
from unrolled.config import ModelConfig
from unrolled.export.running import open_session, predict_in_runtime
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.runs.run import Run


@pytest.fixture
def gru(tmp_path: Path) -> Path:
    config = ModelConfig(cell="gru", hidden_size=4, bidirectional=True)
    facts = ModelFacts(classes=("a", "b"), channels=("x",), model=config)
    return Model(Network(config, 1, 2).eval(), facts).save(tmp_path / "gru")


def test_the_file_is_named_after_the_run_and_says_what_the_model_says(
    unrolled: Command, digits_run: Run, fresh: Path
) -> None:
    answer = unrolled("export", digits_run.folder.path, "--output-format", "onnx")
    assert answer.code == 0, answer.err
    assert answer.out.endswith(f"wrote digits.onnx ({(fresh / 'digits.onnx').stat().st_size / 1e3:.0f} kB)\n")
    assert "labels equal the model's" in answer.out
    assert all(len(line) <= 100 for line in answer.out.splitlines())
    pictures = np.random.default_rng(0).random((5, 8, 8)).astype(np.float32)
    session = open_session((fresh / "digits.onnx").read_bytes())
    _, found = predict_in_runtime(session, digits_run.model.accept(pictures))
    np.testing.assert_allclose(found, digits_run.model.predict_proba(pictures), rtol=0, atol=1e-5)


def test_a_step_version_has_a_name_of_its_own(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    answer = unrolled("export", digits_run.folder.path, "--stream")
    assert (fresh / "digits-stream.onnx").exists()
    assert "layers.0.h [batch, 16]" in answer.out


def test_8_bits_are_shown_beside_the_original(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    answer = unrolled("export", digits_run.folder.path, "--quantize", "int8", "--output", "small.onnx")
    assert answer.code == 0, answer.err
    assert "on 359 sequences" in answer.out
    assert "float32" in answer.out
    assert "int8" in answer.out
    found = json.loads(
        unrolled("export", digits_run.folder.path, "--quantize", "int8", "--data", "digits", "--json").out
    )
    assert found["quantized"]["original"]["cases"] == 359
    assert found["path"] == "digits.onnx"


def test_json_holds_the_same_facts(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    found = json.loads(unrolled("export", digits_run.folder.model, "--output", "m.onnx", "--json").out)
    assert found["size_bytes"] == (fresh / "m.onnx").stat().st_size
    assert found["check"]["difference"] <= 1e-5
    assert found["inputs"]["lengths"] == ["batch"]


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("--stream",), 1, "both directions"),
        (("--quantize", "int8", "--data", "some.npz"), 1, "has no 8-bit GRU"),
        (("--quantize", "int8"), 1, "name the data"),
        (("--quantize", "int4"), 2, "int4"),
        (("--format", "tflite"), 2, "tflite"),
        (("--data", "some.npz"), 2, "are for --quantize"),
        (("--output", "none/m.onnx"), 1, "Cannot write"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_words(
    unrolled: Command, gru: Path, fresh: Path, words: tuple[str, ...], code: int, expected: str
) -> None:
    np.savez(fresh / "some.npz", X=np.zeros((4, 3)), y=np.array(["a", "b"] * 2))
    answer = unrolled("export", gru, *words)
    assert answer.code == code
    assert expected in answer.err
    assert not list(fresh.glob("*.onnx"))


def test_a_folder_that_is_no_model_is_refused(unrolled: Command, fresh: Path) -> None:
    assert "there is no such folder" in unrolled("export", "nowhere").one_line()


def test_without_the_packages_one_line_says_what_to_install(
    unrolled: Command, gru: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    answer = unrolled("export", gru)
    assert answer.code == 1
    assert "pip install 'unrolled[export]'" in answer.one_line()


def test_c_is_named_after_the_run_and_says_what_it_needs(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    answer = unrolled("export", digits_run.folder.path, "--format", "c")
    assert answer.code == 0, answer.err
    assert answer.out.endswith("wrote digits.c and digits.h\n")
    assert "each step as it comes" in answer.out
    assert (fresh / "digits.h").exists()
    for options in (["--stream"], ["--max-steps", "5"], ["--output", "2.c"]):
        assert unrolled("export", digits_run.folder.path, "--format", "c", *options).code != 0
    assert unrolled("export", digits_run.folder.path, "--max-steps", "5").code == 2


def test_every_form_stands_beside_every_other(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    answer = unrolled("export", digits_run.folder.path, "--compare", "digits", "--json")
    assert answer.code == 0, answer.err
    forms = json.loads(answer.out)["forms"]
    assert [form["name"] for form in forms] == ["package", "ONNX", "ONNX int8", "C", "C int8"]
    own = forms[0]["accuracy"]
    for form in forms:
        assert form["reason"] == ""
        assert form["accuracy"]["cases"] == own["cases"]
        assert abs(form["accuracy"]["value"] - own["value"]) <= 0.02
        assert form["size_bytes"] > 0
        assert form["one_seconds"] > 0
    assert max(forms[1]["difference"], forms[3]["difference"]) < 1e-5
    assert not list(fresh.iterdir())
    assert "differs by" in unrolled("export", digits_run.folder.path, "--compare", "digits").out
    assert unrolled("export", digits_run.folder.path, "--compare", "digits", "--quantize", "int8").code == 2
