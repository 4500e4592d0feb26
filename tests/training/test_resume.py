"""Promises 3 and 4: a run that was stopped ends as if it had not been; the same seed gives the same bits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data.batching import Batch
from unrolled.data.sequences import Sequences
from unrolled.errors import InterruptedRunError
from unrolled.experiment import resume
from unrolled.nn.network import Network
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.loop import fit, new_state
from unrolled.training.plan import Plan
from unrolled.training.recorders import MetricsFile, Recorder
from unrolled.training.state import TrainState

SEEDS = np.random.default_rng(0)


class KilledError(Exception):
    """Stands for a SIGKILL: nothing is saved."""


class KillAt(Recorder):
    """Ends the process, as it were, after some update, or in the events that follow it."""

    def __init__(self, step: int, event: str = "updated") -> None:
        self.at, self.event = step, event

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if self.event == "updated" and state.step == self.at:
            raise KilledError

    def epoch(self, log: Any, state: TrainState) -> None:
        del log
        if self.event == "epoch" and state.step >= self.at:
            raise KilledError


class StopAt(Recorder):
    """Asks to stop, as Ctrl-C does."""

    def __init__(self, step: int) -> None:
        self.at = step

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if state.step == self.at:
            signal.raise_signal(signal.SIGINT)


def pictures(count: int, seed: int) -> Sequences:
    random_numbers = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    values = random_numbers.integers(0, 200, (count, 5, 5))
    values[np.arange(count), labels] += 50
    whole = Sequences.from_array(values.reshape(count, 5, 5), labels)
    return replace(whole, values=whole.values.astype(np.uint8), scale=1 / 255, pictures=True)


def series(count: int, seed: int) -> Sequences:
    random_numbers = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    return Sequences.from_list(
        [random_numbers.normal(label, 1, (random_numbers.integers(1, 9), 2)) for label in labels], labels
    )


def start(train: Sequences, config: TrainConfig, **model: Any) -> TrainState:
    network = Network(ModelConfig(hidden_size=5, **model), len(train.channels), len(train.classes), config.seed)
    return new_state(network, config)


def run(
    folder: Path, data: Sequences, held: Sequences | None, config: TrainConfig, augmentation: AugmentConfig,
    model: dict[str, Any], *further: Recorder,
) -> TrainState:  # fmt: skip
    """One process's part of a run: from its last checkpoint, if there is one."""
    store = CheckpointStore(folder / "checkpoints")
    state = start(data, config, **model)
    if store.newest() is not None:
        state.restore(store.load_last()[0])
    recorders = [MetricsFile(folder / "metrics.jsonl"), *further]
    return fit(state, data, held, config, augmentation, recorders=recorders, store=store)


def lines(path: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what may differ."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in found]


def assert_same_end(one: TrainState, other: TrainState) -> None:
    for name, weight in one.judged.state_dict().items():
        assert torch.equal(weight, other.judged.state_dict()[name]), name
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, other.network.state_dict()[name]), name
    assert [replace(log, seconds=0) for log in one.history] == [replace(log, seconds=0) for log in other.history]
    facts = [{k: v for k, v in state.facts().items() if k not in ("seconds", "history")} for state in (one, other)]
    assert facts[0] == facts[1]


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "plain": ({"max_epochs": 3}, {}, {}, "series"),
    "dropout": ({"max_epochs": 3}, {"num_layers": 2, "dropout": 0.3, "output_dropout": 0.2}, {}, "series"),
    "recurrent dropout": ({"max_epochs": 2}, {"recurrent_dropout": 0.3, "cell": "gru"}, {}, "series"),
    "pictures changed": ({"max_epochs": 3}, {}, {"rotation": 9, "translate": 1, "elastic": 0.5}, "pictures"),
    "series changed": ({"max_epochs": 3}, {}, {"time_shift": 2, "noise": 0.1, "value_scale": 0.1}, "series"),
    "averaged weights": ({"max_epochs": 3, "average_decay": 0.9}, {}, {}, "series"),
    "wrap": ({"max_epochs": 4, "last_batch": "wrap"}, {}, {}, "series"),
    "drop": ({"max_epochs": 4, "last_batch": "drop"}, {}, {}, "series"),
    "class weights": ({"max_epochs": 2, "class_weight": "balanced", "loss": "sum"}, {}, {}, "series"),
    "early stopping": ({"max_epochs": 30, "patience": 1, "learning_rate": 0.2}, {}, {}, "series"),
    "steps, the last pass cut": ({"max_steps": 10}, {}, {}, "series"),
    "last kept": ({"max_sequences": 90, "keep": "last"}, {}, {}, "series"),
    "sgd": ({"max_epochs": 2, "optimizer": "sgd"}, {"cell": "rnn"}, {}, "series"),
    "sgd without momentum": ({"max_epochs": 2, "optimizer": "sgd", "momentum": 0.0}, {}, {}, "series"),
    "rmsprop": ({"max_epochs": 2, "optimizer": "rmsprop", "learning_rate": 1e-3}, {}, {}, "pictures"),
    "both directions": ({"max_epochs": 2}, {"bidirectional": True, "pooling": "attention"}, {}, "series"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_killed_and_resumed_run_ends_bit_for_bit_as_one_never_stopped(tmp_path: Path, name: str) -> None:
    training, model, change, kind = CASES[name]
    make = pictures if kind == "pictures" else series
    data, held = make(26, 1), make(12, 2)
    config = TrainConfig(batch_size=8, log_every=3, checkpoint_every_steps=2, seed=3, **training)
    arguments = (data, held, config, AugmentConfig(**change), model)
    whole = run(tmp_path / "whole", *arguments) if make_folder(tmp_path / "whole") else None
    assert whole is not None
    folder = tmp_path / "stopped"
    make_folder(folder)
    # killed before the first checkpoint, again and again at odd and even steps, then stopped by Ctrl-C
    kills: list[Recorder] = [KillAt(1), KillAt(3), KillAt(4), KillAt(4, "epoch"), KillAt(7)]
    for kill in [kill for kill in kills if kill.at < whole.step]:  # type: ignore[attr-defined]
        with pytest.raises(KilledError):
            run(folder, *arguments, kill)
    with pytest.raises(InterruptedRunError, match="Stopped after step"):
        run(folder, *arguments, StopAt(whole.step - 1))
    resumed = run(folder, *arguments)
    assert_same_end(whole, resumed)
    assert lines(tmp_path / "whole" / "metrics.jsonl") == lines(folder / "metrics.jsonl")
    again = run(folder, *arguments)  # a finished run resumed: nothing changes
    assert_same_end(whole, again)
    assert lines(tmp_path / "whole" / "metrics.jsonl") == lines(folder / "metrics.jsonl")


def make_folder(path: Path) -> bool:
    path.mkdir()
    return True


@pytest.mark.parametrize("how", [StopAt(8), KillAt(8, "epoch")])
def test_a_run_stopped_after_its_very_last_step_still_finishes_the_pass(tmp_path: Path, how: Recorder) -> None:
    data, held = series(30, 1), series(9, 2)
    config = TrainConfig(max_epochs=2, batch_size=8, log_every=3, checkpoint_every_steps=4)
    arguments = (data, held, config, AugmentConfig(), {})
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole = run(tmp_path / "whole", *arguments)
    with pytest.raises((InterruptedRunError, KilledError)):
        run(tmp_path / "stopped", *arguments, how)
    resumed = run(tmp_path / "stopped", *arguments)
    assert len(resumed.history) == 2
    assert_same_end(whole, resumed)
    assert lines(tmp_path / "whole" / "metrics.jsonl") == lines(tmp_path / "stopped" / "metrics.jsonl")


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_weights() -> None:
    data = series(20, 1)
    change = AugmentConfig(noise=0.1)
    ends = []
    for seed in (1, 1, 2):
        config = TrainConfig(max_epochs=2, batch_size=8, seed=seed)
        torch.rand(seed)  # what was drawn before must not matter
        state = fit(start(data, config, num_layers=2, dropout=0.5), data, None, config, change)
        ends.append(state.network.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert not torch.equal(ends[0]["output.weight"], ends[2]["output.weight"])


def test_training_leaves_the_callers_random_numbers_alone() -> None:
    data = series(20, 1)
    config = TrainConfig(max_steps=2, batch_size=8)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(start(data, config, num_layers=2, dropout=0.5), data, None, config)
    assert torch.equal(torch.rand(3), expected)


def test_a_plan_that_is_finished_asks_for_nothing(tmp_path: Path) -> None:
    seen = []

    class Count(Recorder):
        def begin(self, state: TrainState, plan: Plan) -> None:
            del plan
            seen.append(("begin", state.step))

        def updated(self, state: TrainState, batch: Batch) -> None:
            del batch
            seen.append(("update", state.step))

    data = series(10, 1)
    config = TrainConfig(max_steps=1, batch_size=8)
    (tmp_path / "run").mkdir()
    for _ in range(2):
        run(tmp_path / "run", data, None, config, AugmentConfig(), {}, Count())
    assert seen == [("begin", 0), ("update", 1), ("begin", 1)]


# Real processes, real signals

COMMAND = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "train"]
OPTIONS = [
    "digits", "--hidden-size=6", "--max-epochs=8", "--batch-size=16", "--num-layers=2", "--dropout=0.2", "--seed=4",
    "--checkpoint-every-steps=3", "--log-every=7", "--threads=1", "--average-decay=0.9", "--last-batch=wrap",
]  # fmt: skip


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"GOMP_SPINCOUNT": "0", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_lines(process: subprocess.Popen[str], path: Path, count: int) -> None:
    """Until so many lines of figures are there."""
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def finish(process: subprocess.Popen[str], code: int) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == code, (out, errors)
    return out + errors


def without_seconds(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    del content["seconds"]
    return content  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    finish(begin(folder, *OPTIONS, "--runs=runs", "--name=1"), 0)
    return folder / "runs" / "digits" / "1"


def assert_same_run(run_folder: Path, expected: Path) -> None:
    weights = "model/model.safetensors"
    assert (run_folder / weights).read_bytes() == (expected / weights).read_bytes()
    assert lines(run_folder / "metrics.jsonl") == lines(expected / "metrics.jsonl")
    assert without_seconds(run_folder / "evaluation.json") == without_seconds(expected / "evaluation.json")
    states = [CheckpointStore(path / "checkpoints").load_last()[0] for path in (run_folder, expected)]
    histories = [[log | {"seconds": 0} for log in state.facts["history"]] for state in states]
    assert histories[0] == histories[1]


def test_a_process_killed_at_random_moments_and_resumed_ends_bit_for_bit_the_same(
    tmp_path: Path, uninterrupted: Path
) -> None:
    chance = random.Random(7)  # noqa: S311
    folder = tmp_path / "runs" / "digits" / "1"
    process = begin(tmp_path, *OPTIONS, "--runs=runs", "--name=1")
    for count in (chance.randint(1, 15), chance.randint(25, 45)):
        wait_for_lines(process, folder / "metrics.jsonl", count)
        for _ in range(chance.randint(0, 20_000)):  # some moment within a few steps
            pass
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        process = begin(tmp_path, "--resume", "runs/digits/1", "--quiet")
    finish(process, 0)
    assert_same_run(folder, uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_a_checkpoint_and_prints_the_command_that_resumes(
    tmp_path: Path, uninterrupted: Path, number: signal.Signals
) -> None:
    process = begin(tmp_path, *OPTIONS, "--checkpoint-every-steps=100000", "--runs=my runs", "--name=1")
    wait_for_lines(process, tmp_path / "my runs" / "digits" / "1" / "metrics.jsonl", 10)
    process.send_signal(number)
    said = finish(process, 130)
    assert "Traceback" not in said
    command = "unrolled train --resume 'my runs/digits/1'"
    assert command in said
    checkpoint, warning = CheckpointStore(tmp_path / "my runs" / "digits" / "1" / "checkpoints").load_last()
    assert warning is None
    assert f"Stopped after step {checkpoint.facts['step']} of" in said
    if number == signal.SIGINT:
        run = resume(tmp_path / "my runs" / "digits" / "1")
        assert lines(run.folder.metrics) == lines(uninterrupted / "metrics.jsonl")
        weights = "model.safetensors"
        assert (run.folder.model / weights).read_bytes() == (uninterrupted / "model" / weights).read_bytes()
