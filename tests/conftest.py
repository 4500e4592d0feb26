"""What all tests share: quiet threads, real data where they are, a small trained run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")  # before torch is imported: idle threads sleep, see docs/speed.md

import pytest

from random_networks import make_cell, make_network, uniform  # noqa: F401  # fixtures
from unrolled.runs.run import Run, train


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests that need real files, saying so, where there are none."""
    if os.environ.get("UNROLLED_DATA"):
        return
    skip = pytest.mark.skip(reason="UNROLLED_DATA names no folder with the real files")
    for item in items:
        if item.get_closest_marker("data"):  # `item.keywords` holds the names of folders, too
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel that a user gets, whatever the environment says."""
    monkeypatch.delenv("UNROLLED_KERNEL", raising=False)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run on the digits, shared: tests only read its folder."""
    return train("digits", runs=tmp_path_factory.mktemp("runs"), max_epochs=4, hidden_size=16)


ONNXRUNTIME_WEB = "onnxruntime-web@1.30.0"


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with onnxruntime-web, installed by npm, and with the example that uses it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no node, or no npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", ONNXRUNTIME_WEB]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install onnxruntime-web: {done.stderr.strip()[-200:]}")
    for path in ("examples/onnx_predict.mjs", "src/unrolled/serving/static/classify.mjs"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).parents[1] / path, folder / path)
    return folder


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
