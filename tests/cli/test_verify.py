"""``unrolled verify`` proves a run, and exits with 1 where the bits differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from commands import Command
from unrolled.model import Model
from unrolled.runs import Run


def test_a_run_is_proved(unrolled: Command, bits_run: Run) -> None:
    assert "the same bits" in unrolled("verify", bits_run.folder.path).out
    found = json.loads(unrolled("verify", bits_run.folder.path, "--json").out)
    assert found["same"] is True
    assert found["sha256"] == found["replayed_sha256"]


def test_other_weights_are_named_by_code_1(unrolled: Command, bits_run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(bits_run.folder.path, tmp_path / "run")
    model = Model.load(folder / "model")
    model.network.output.bias.detach()[0] += 1
    shutil.rmtree(folder / "model")
    model.save(folder / "model")
    answer = unrolled("verify", folder)
    assert answer.code == 1
    assert "output.bias" in answer.out
