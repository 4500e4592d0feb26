"""The package is built and works where there is no C compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PARTS = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
ASK = """
import torch
from unrolled.nn.cells.lstm import LSTM
from unrolled.nn.cells.lstm_peephole import PeepholeLSTM
from unrolled.nn.kernels import choose_kernel
for cell in (LSTM(2, 3), PeepholeLSTM(2, 3)):
    kernel = choose_kernel(cell)
    outputs, _ = kernel.run(cell, torch.rand(2, 4, 2), None, None)
    print(kernel.name, list(outputs.shape), kernel.reason)
"""


@pytest.mark.skipif(find_spec("setuptools") is None or find_spec("pip") is None, reason="setuptools or pip is missing")
def test_without_a_compiler_it_is_built_and_uses_pytorchs_kernels(tmp_path: Path) -> None:
    source, unpacked = tmp_path / "source", tmp_path / "unpacked"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info"))
    for name in PARTS:
        shutil.copy(ROOT / name, source / name)
    hidden = {**os.environ, "CC": "/nonexistent", "CXX": "/nonexistent", "PIP_NO_INDEX": "1"}
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", tmp_path, source]
    built = subprocess.run(list(map(str, command)), env=hidden, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".so")]
        archive.extractall(unpacked)
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    environment.pop("UNROLLED_KERNEL", None)
    said = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    lstm, peephole = said.stdout.splitlines()
    missing = "unrolled's compiled kernel is missing, it was not built: at installation there was no C compiler"
    assert lstm == f"torch [2, 4, 3] {missing}"
    assert peephole.startswith(f"reference [2, 4, 3] {missing}; PyTorch has no fused kernel")
