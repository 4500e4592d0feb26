"""Several processes train the same bits as one, whatever ends and goes on meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled
from unrolled.errors import ConfigError, InterruptedRunError, WorkerLostError
from unrolled.runtime.stopping import stop_on_signals

RECIPES: dict[str, dict[str, Any]] = {
    "ragged": {},
    "dropout and a moving average": {"recurrent_dropout": 0.2, "output_dropout": 0.2, "average_decay": 0.9},
    "augmented": {"noise": 0.1, "time_shift": 2, "method": "trained", "pooling": "statistics"},
    "weighted classes, plain sums": {"class_weight": "balanced", "loss": "sum", "clip_norm": 0.1, "method": "trained"},
}


def sequences(count: int = 90) -> unrolled.Sequences:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(length, 2)).astype(np.float32) for length in rng.integers(3, 9, count)]
    return unrolled.Sequences.from_list(arrays, ["low" if values.mean() < 0.2 else "high" for values in arrays])


def trained(folder: Path, **options: Any) -> unrolled.Run:
    settings = {"hidden_size": 4, "batch_size": 20, "max_epochs": 3, "report": False, "shards": 8}
    return unrolled.train(unrolled.Recipe(name="own"), data=sequences(), runs=folder, **settings | options)


def bits(run: unrolled.Run) -> bytes:
    return b"".join(weight.numpy().tobytes() for weight in run.model.network.state_dict().values())


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_two_workers_train_the_same_bits_as_one(recipe: str, tmp_path: Path) -> None:
    one = trained(tmp_path, **RECIPES[recipe])
    two = trained(tmp_path, workers=2, **RECIPES[recipe])
    assert bits(two) == bits(one)
    times = {"seconds": 0.0}
    assert [vars(log) | times for log in two.history] == [vars(log) | times for log in one.history]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [3, 8])
def test_any_number_of_workers_trains_the_same_bits(workers: int, tmp_path: Path) -> None:
    assert bits(trained(tmp_path, workers=workers)) == bits(trained(tmp_path))


class At(unrolled.Recorder):
    """Does something after an update."""

    def __init__(self, step: int, action: Any) -> None:
        self.at, self.action = step, action

    def updated(self, state: Any, batch: Any) -> None:
        del batch
        if state.step == self.at:
            self.action()


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def kill_children() -> None:
    """Kills the other workers, as a lack of memory would."""
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"loky" in command and b"tracker" not in command:
                os.kill(int(child), signal.SIGKILL)


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_another_number_of_workers(tmp_path: Path) -> None:
    whole = trained(tmp_path, method="trained")
    with stop_on_signals(), pytest.raises(InterruptedRunError, match=r"Stopped after step [78] "):
        trained(tmp_path, method="trained", workers=2, name="stopped", recorders=[At(7, interrupt)])
    run = unrolled.resume(tmp_path / "own" / "stopped", data=sequences(), workers=3)
    assert bits(run) == bits(whole)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux lists a process's children")
def test_a_worker_that_dies_ends_the_training_in_one_line_and_nothing_is_lost(tmp_path: Path) -> None:
    whole = trained(tmp_path, method="trained")
    settings = {"method": "trained", "name": "lost", "checkpoint_every_steps": 5}
    with pytest.raises(WorkerLostError, match=r"another of the 2 workers .* has ended.*--resume") as error:
        trained(tmp_path, workers=2, recorders=[At(7, kill_children)], **settings)
    assert "\n" not in str(error.value)
    run = unrolled.resume(tmp_path / "own" / "lost", data=sequences())
    assert bits(run) == bits(whole)


@pytest.mark.slow
def test_a_request_to_finish_ends_all_workers_at_one_update(tmp_path: Path) -> None:
    place = tmp_path / "own" / "ended" / "finish"
    run = trained(tmp_path, workers=2, name="ended", max_epochs=500, recorders=[At(4, place.touch)], method="trained")
    assert run.model.facts.training["ended"]["reason"] == "request"


def test_more_workers_than_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="4 is more than the 2 shards"):
        trained(tmp_path, workers=4, shards=2)


@pytest.mark.parametrize("shards", [3, 0, 128, 12])
def test_shards_are_a_power_of_two(shards: int) -> None:
    with pytest.raises(ValueError, match="shards"):
        unrolled.TrainConfig(shards=shards)


LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
TRAIN = ["-m", "unrolled", "train", "digits", "--max-epochs", "3", "--hidden-size", "8", "--no-report", "--quiet"]


@pytest.mark.slow
def test_torchrun_launches_the_same_training(fresh: Path) -> None:
    subprocess.run([*LAUNCH, *TRAIN], check=True, capture_output=True, cwd=fresh)
    found = unrolled.verify(fresh / "runs" / "digits" / "1")
    assert found.is_same, str(found)


KILLED_ONCE = """
import os, signal, sys
import unrolled.training.loop as loop
from unrolled.cli.main import main

done = loop.Fitting.train_step
def train_step(self, count):
    done(self, count)
    if self.state.step == 30 and os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)

loop.Fitting.train_step = train_step
main()
"""


@pytest.mark.slow
def test_torchrun_goes_on_by_itself_when_a_worker_was_killed(fresh: Path) -> None:
    (fresh / "killed_once.py").write_text(KILLED_ONCE)
    command = [*LAUNCH, "--max-restarts", "1", "killed_once.py", *TRAIN[2:], "--checkpoint-every-steps", "20"]
    subprocess.run(command, check=True, capture_output=True, cwd=fresh)
    assert [path.name for path in (fresh / "runs" / "digits").iterdir()] == ["1"]
    found = unrolled.verify(fresh / "runs" / "digits" / "1")
    assert found.is_same, str(found)
    assert found.steps > 30
