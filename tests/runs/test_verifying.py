"""A finished run is proved by replay: the same bits, or what differs and since when."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unrolled
from unrolled.errors import RunError
from unrolled.runs import Run

LENGTHS: list[dict[str, Any]] = [{}, {"patience": 1, "learning_rate": 0.3, "max_epochs": 20}, {"max_steps": 7}]


def sequences() -> unrolled.Sequences:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(length, 2)).astype(np.float32) for length in rng.integers(3, 9, 60)]
    return unrolled.Sequences.from_list(arrays, ["low" if values.mean() < 0 else "high" for values in arrays])


def trained(folder: Path, **options: Any) -> Run:
    recipe = unrolled.Recipe(name="own")
    settings = {"hidden_size": 4, "batch_size": 8, "max_epochs": 3, "recurrent_dropout": 0.2, "report": False} | options
    settings |= {"max_epochs": None} if "max_steps" in options else {}
    return unrolled.train(recipe, data=sequences(), runs=folder, **settings)


@pytest.mark.parametrize("options", LENGTHS)
@pytest.mark.parametrize("method", ["trained", "auto"])
def test_a_replay_gives_the_same_bits_and_leaves_the_run_alone(
    options: dict[str, Any], method: str, tmp_path: Path
) -> None:
    run = trained(tmp_path, method=method, **options)
    before = {path: path.read_bytes() for path in run.folder.path.rglob("*") if path.is_file()}
    found = unrolled.verify(run.folder.path, data=sequences())
    assert found.is_same, str(found)
    assert found.differs_from is None
    assert found.weights == ()
    assert found.changed == ()
    assert found.steps == run.model.facts.training["steps"]
    assert {path: path.read_bytes() for path in run.folder.path.rglob("*") if path.is_file()} == before


def test_the_end_alone_is_replayed_from_the_checkpoint_before(tmp_path: Path) -> None:
    run = trained(tmp_path, checkpoint_every_steps=5)
    found = unrolled.verify(run.folder.path, data=sequences(), last=True)
    assert found.is_same, str(found)
    assert 0 < found.steps < run.model.facts.training["steps"]


def test_a_run_that_was_ended_early_is_replayed_up_to_there(tmp_path: Path) -> None:
    class Ask(unrolled.Recorder):
        def updated(self, state: Any, batch: Any) -> None:
            if state.step == 4:
                (tmp_path / "own" / "1" / "finish").touch()

    run = trained(tmp_path, method="trained", max_epochs=200, recorders=[Ask()])
    assert run.model.facts.training["ended"]["reason"] == "request"
    found = unrolled.verify(run.folder.path, data=sequences())
    assert found.is_same, str(found)
    assert found.steps == run.model.facts.training["steps"]


def test_another_bit_is_found_and_what_has_changed_is_named(tmp_path: Path) -> None:
    run = trained(tmp_path, log_every=2)
    model = unrolled.load(run.folder.model)
    with torch.no_grad():
        bias = model.network.output.bias
        bias.copy_(torch.nextafter(bias, torch.tensor(9.0)))
    shutil.rmtree(run.folder.model)
    model.save(run.folder.model)
    config = json.loads(run.folder.config.read_text())
    config["versions"]["torch"] = "1.0"
    run.folder.config.write_text(json.dumps(config))
    lines = [json.loads(line) for line in run.folder.metrics.read_text().splitlines()]
    late = [line | {"loss": 9.0} if line.get("event") == "step" and line["step"] >= 6 else line for line in lines]
    run.folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in late))
    found = unrolled.verify(run.folder.path, data=sequences())
    assert not found.is_same
    assert found.weights == ("output.bias",)
    assert found.differs_from == 6
    assert len(found.changed) == 1
    assert found.changed[0].startswith("torch 1.0, now ")
    assert "since step 6" in str(found)


def test_what_cannot_be_replayed_is_refused_with_the_reason(tmp_path: Path) -> None:
    run = trained(tmp_path)
    other = sequences().take(np.arange(50))
    with pytest.raises(RunError, match="the training data are not those"):
        unrolled.verify(run.folder.path, data=other)
    shutil.rmtree(run.folder.checkpoints.before_last, ignore_errors=True)
    with pytest.raises(RunError, match="leave --last out"):
        unrolled.verify(run.folder.path, data=sequences(), last=True)
    shutil.rmtree(run.folder.model)
    with pytest.raises(RunError, match="unrolled finish"):
        unrolled.verify(run.folder.path, data=sequences())
