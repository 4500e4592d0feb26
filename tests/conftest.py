"""What all tests share: quiet threads, real data where they are, a small trained run."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")  # before torch is imported: idle threads sleep, see docs/speed.md

import pytest

from unrolled import experiment
from unrolled.experiment import Run, train


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests that need real files, saying so, where there are none."""
    if os.environ.get("UNROLLED_DATA"):
        return
    skip = pytest.mark.skip(reason="UNROLLED_DATA names no folder with the real files")
    for item in items:
        if "data" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run on the digits, shared: tests only read its folder."""
    return train("digits", runs=tmp_path_factory.mktemp("runs"), max_epochs=4, hidden_size=16)


@pytest.fixture(autouse=True)
def _reports_where_they_are_tested(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report takes longer than the small trainings of most tests, which do not look at it."""
    if "report" not in request.keywords:
        monkeypatch.setattr(experiment, "write_report", lambda *_given, **_named: None)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
