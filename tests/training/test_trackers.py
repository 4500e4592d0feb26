"""Recorders of other packages: found by name, told everything, refused with a sentence; the documents' code runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from commands import call
from unrolled.config import Recipe
from unrolled.errors import ConfigError, UnknownNameError
from unrolled.runs.run import train
from unrolled.training.recorders import trackers
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import EpochLog, TrainState

DOCUMENT = Path(__file__).parents[2] / "docs" / "trackers.md"
TINY: dict[str, Any] = {"max_epochs": 2, "hidden_size": 4, "threads": 1, "report": False}


class Diary(Recorder):
    """Notes what it is told."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder, self.recipe, self.told = folder, recipe, []
        DIARIES.append(self)

    told: list[str]

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        self.told.append(f"epoch {log.epoch}")

    def end(self, state: TrainState) -> None:
        self.told.append("end")

    def figures(self, figures: Mapping[str, float]) -> None:
        self.told.append(f"accuracy {figures['accuracy']}")


DIARIES: list[Diary] = []


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package had registered some recorders."""
    home = SimpleNamespace(Diary=Diary, not_one=lambda folder, recipe: "text")
    monkeypatch.setitem(sys.modules, "somebodys", home)
    entries = [
        EntryPoint(name, f"somebodys:{thing}", trackers.GROUP)
        for name, thing in {"diary": "Diary", "text": "not_one", "gone": "removed"}.items()
    ]
    monkeypatch.setattr(trackers, "entry_points", lambda group: entries if group == trackers.GROUP else [])


def test_a_registered_recorder_sees_the_run_and_its_final_figures(installed: None, tmp_path: Path) -> None:
    run = train("digits", runs=tmp_path, trackers=("diary",), **TINY)
    diary = DIARIES[-1]
    assert run.evaluation is not None
    assert diary.told == ["epoch 1", "epoch 2", "end", f"accuracy {run.evaluation.accuracy.value}"]
    assert (diary.folder, diary.recipe) == (run.folder.path, run.recipe)


def test_the_command_line_takes_a_list_of_names(installed: None, fresh: Path) -> None:
    count = len(DIARIES)
    words = ["--max-epochs", 1, "--hidden-size", 4, "--no-report", "--quiet"]
    assert call("train", "digits", *words, "--trackers", "diary, diary").code == 0
    assert len(DIARIES) == count + 2


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("dairy", UnknownNameError, "Did you mean 'diary'"),
        ("gone", ConfigError, "cannot be imported"),
        ("text", ConfigError, "made a str"),
    ],
)
def test_what_is_no_recorder_is_refused(
    installed: None, tmp_path: Path, name: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        trackers.make_tracker(name, tmp_path, Recipe(name="x"))


def test_where_none_is_installed_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no installed tracker 'mlflow'"):
        trackers.make_tracker("mlflow", tmp_path, Recipe(name="x"))


@pytest.mark.parametrize(("module", "maker"), [("mlflow", "MLflow"), ("wandb", "WeightsAndBiases")])
def test_the_documents_recorders_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, maker: str) -> None:
    package = MagicMock()
    monkeypatch.setitem(sys.modules, module, package)
    code = next(
        block for block in re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S) if maker in block
    )
    names: dict[str, Any] = {}
    exec(compile(code, DOCUMENT.name, "exec"), names)  # noqa: S102  # the project's own text
    monkeypatch.setattr(
        trackers, "entry_points", lambda group: [SimpleNamespace(name=module, load=lambda: names[maker])]
    )
    run = train("digits", runs=tmp_path, trackers=(module,), **TINY)
    told = str(package.mock_calls)
    assert run.evaluation is not None
    assert f"'accuracy': {run.evaluation.accuracy.value}" in told
    assert "validation_loss" in told
