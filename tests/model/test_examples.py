"""The examples run, and the page on scikit-learn does what it says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("ragged", [False, True])
def test_arrays_of_aeons_form_are_turned_and_learned(ragged: bool) -> None:
    rng = np.random.default_rng(0)
    y = np.array(["a", "b"])[np.arange(30) % 2]
    lengths = rng.integers(4, 9, 30) if ragged else np.full(30, 6)
    cases = [rng.normal(2 * (label == "a"), 1, (3, length)) for label, length in zip(y, lengths, strict=True)]
    X = cases if ragged else np.stack(cases)
    module = example("from_aeon")
    assert [steps.shape for steps in module.time_first(X)] == [(length, 3) for length in lengths]
    assert module.accuracy((X, y), (X, y), hidden_size=8, max_steps=40, threads=1) > 0.8


def test_the_python_of_the_page_on_scikit_learn_works(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "scikit-learn.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        exec(compile(block, "scikit-learn.md", "exec"), names)  # noqa: S102  # the project's own text
    assert "% of the test recordings" in capsys.readouterr().out
    assert (fresh / "model" / "model.json").exists()
