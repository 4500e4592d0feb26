"""Promises 3 and 4: a run that was stopped ends as if it had not been; the same seed gives the same bits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.errors import InterruptedRunError
from unrolled.network.network import Network
from unrolled.runs.folder import RunFolder
from unrolled.runs.run import resume, train
from unrolled.runtime.stopping import stop_on_signals
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.loop import fit, new_state
from unrolled.training.optimizers import Adam
from unrolled.training.plan import Plan
from unrolled.training.recorders.recorder import MetricsFile, Recorder
from unrolled.training.state import TrainState


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does not wait for the disk: these kills are not power cuts."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


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
    """Asks to stop, as Ctrl-C does, or a system that shuts down."""

    def __init__(self, step: int, number: signal.Signals = signal.SIGINT) -> None:
        self.at, self.number = step, number

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if state.step == self.at:
            signal.raise_signal(self.number)


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
    folder.mkdir(exist_ok=True)
    store = CheckpointStore(folder / "checkpoints")
    state = start(data, config, **model)
    if store.newest() is not None:
        state.restore(store.load_last()[0])
    recorders = [MetricsFile(folder / "metrics.jsonl"), *further]
    with stop_on_signals():
        return fit(state, data, held, config, augmentation, recorders=recorders, store=store)


def lines(path: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what may differ."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in found]


def assert_same_end(one: TrainState, other: TrainState) -> None:
    for name, weight in one.shipped.state_dict().items():
        assert torch.equal(weight, other.shipped.state_dict()[name]), name
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


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.parametrize("name", CASES)
def test_a_killed_and_resumed_run_ends_bit_for_bit_as_one_never_stopped(tmp_path: Path, name: str) -> None:
    training, model, change, kind = CASES[name]
    make = pictures if kind == "pictures" else series
    data, held = make(26, 1), make(12, 2)
    config = TrainConfig(batch_size=8, log_every=3, checkpoint_every_steps=2, seed=3, **training)
    arguments = (data, held, config, AugmentConfig(**change), model)
    whole = run(tmp_path / "whole", *arguments)
    folder = tmp_path / "stopped"
    # killed before the first checkpoint, again and again at odd and even steps, then stopped by Ctrl-C
    kills: list[Recorder] = [KillAt(1), KillAt(3), KillAt(4), KillAt(4, "epoch"), KillAt(7)]
    for kill in [kill for kill in kills if kill.at < whole.step]:  # type: ignore[attr-defined]
        with pytest.raises(KilledError):
            run(folder, *arguments, kill)
    with pytest.raises(InterruptedRunError, match="Stopped after step"):
        run(folder, *arguments, StopAt(whole.step - 1))
    with pytest.raises(InterruptedRunError, match="Stopped after step"):
        run(folder, *arguments, StopAt(whole.step, signal.SIGTERM))
    resumed = run(folder, *arguments)
    assert_same_end(whole, resumed)
    assert lines(tmp_path / "whole" / "metrics.jsonl") == lines(folder / "metrics.jsonl")
    again = run(folder, *arguments)  # a finished run resumed: nothing changes
    assert_same_end(whole, again)
    assert lines(tmp_path / "whole" / "metrics.jsonl") == lines(folder / "metrics.jsonl")


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.parametrize("how", [StopAt(8), KillAt(8, "epoch")])
def test_a_run_stopped_after_its_very_last_step_still_finishes_the_pass(tmp_path: Path, how: Recorder) -> None:
    data, held = series(30, 1), series(9, 2)
    config = TrainConfig(max_epochs=2, batch_size=8, log_every=3, checkpoint_every_steps=4)
    arguments = (data, held, config, AugmentConfig(), {})
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
    state = start(data, config, num_layers=2, dropout=0.5)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(state, data, None, config)
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
    for _ in range(2):
        run(tmp_path / "run", data, None, config, AugmentConfig(), {}, Count())
    assert seen == [("begin", 0), ("update", 1), ("begin", 1)]


class InterruptAt:
    """Raises `KeyboardInterrupt` at some line that is executed in the room of training, as Ctrl-C in a program does."""

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, argument: object) -> InterruptAt | None:
        del argument
        if Path(frame.f_code.co_filename).parent.name != "training" or frame.f_code.co_filename == __file__:
            return None
        self.left -= event == "line"
        if event == "line" and not self.left:
            sys.settrace(None)
            raise KeyboardInterrupt
        return self


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_ctrl_c_in_a_program_leaves_a_checkpoint_that_ends_bit_for_bit_the_same(tmp_path: Path, optimizer: str) -> None:
    """At whatever line of the loop, the update, the validation or the saving it comes."""
    data, held = series(26, 1), series(9, 2)
    config = TrainConfig(
        max_epochs=2, batch_size=8, log_every=2, checkpoint_every_steps=3, average_decay=0.9, optimizer=optimizer
    )
    whole = fit(start(data, config), data, held, config)
    count, state = InterruptAt(0), start(data, config)
    sys.settrace(count)
    fit(state, data, held, config, store=CheckpointStore(tmp_path / "counted"))
    sys.settrace(None)
    saved = 0
    for line in range(1, -count.left, -count.left // 25):
        store = CheckpointStore(tmp_path / str(line))
        state = start(data, config)
        sys.settrace(InterruptAt(line))
        with pytest.raises(KeyboardInterrupt):
            fit(state, data, held, config, store=store)
        again = start(data, config)
        if store.newest() is not None:
            again.restore(store.load_last()[0])
            saved += again.step == state.step
        assert_same_end(whole, fit(again, data, held, config, store=store))
    assert saved > 12  # nearly everywhere the very last step is kept


@pytest.mark.usefixtures("quick_disk")
def test_ctrl_c_amid_an_update_of_the_weights_saves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = series(26, 1)
    config = TrainConfig(max_epochs=2, batch_size=8, checkpoint_every_steps=3)
    whole = fit(start(data, config), data, None, config)
    update, calls = Adam._update, []

    def interrupted(*given: Any) -> None:
        update(*given)
        calls.append(given)
        if len(calls) == 9:  # of two groups of weights: amid the fifth update
            raise KeyboardInterrupt

    state, store = start(data, config), CheckpointStore(tmp_path)
    with monkeypatch.context() as context:
        context.setattr(Adam, "_update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(state, data, None, config, store=store)
    again = start(data, config)
    again.restore(store.load_last()[0])
    assert again.step == 3
    assert_same_end(whole, fit(again, data, None, config))


# Real processes, real signals

COMMAND = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "train"]
OPTIONS: dict[str, Any] = {
    "hidden_size": 6, "max_epochs": 4, "batch_size": 64, "num_layers": 2, "dropout": 0.2, "seed": 4, "threads": 1,
    "checkpoint_every_steps": 2, "log_every": 4, "average_decay": 0.9, "last_batch": "wrap",
}  # fmt: skip


def command_line(options: dict[str, Any]) -> list[str]:
    return [
        "digits",
        "--runs=my runs",
        "--name=1",
        "--no-report",
        *(f"--{k.replace('_', '-')}={v}" for k, v in options.items()),
    ]


TRAIN_OR_RESUME = """
import json, sys
from pathlib import Path
from unrolled import resume, train
from unrolled.training.recorders import Recorder

class Tell(Recorder):
    def step(self, log):
        print(log.step, flush=True)

folder = Path("my runs/digits/1")
if folder.exists():
    resume(folder, recorders=[Tell()])
else:
    train("digits", runs="my runs", name="1", report=False, recorders=[Tell()], **json.loads(sys.argv[1]))
"""


def begin(folder: Path, *command: str) -> subprocess.Popen[str]:
    environment = os.environ | {"GOMP_SPINCOUNT": "0", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def without_seconds(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    del content["seconds"]
    return content  # type: ignore[no-any-return]


def assert_same_run(run_folder: Path, expected: Path) -> None:
    weights = "model/model.safetensors"
    assert (run_folder / weights).read_bytes() == (expected / weights).read_bytes()
    assert lines(run_folder / "metrics.jsonl") == lines(expected / "metrics.jsonl")
    assert without_seconds(run_folder / "evaluation.json") == without_seconds(expected / "evaluation.json")
    states = [CheckpointStore(path / "checkpoints").load_last()[0] for path in (run_folder, expected)]
    histories = [[log | {"seconds": 0} for log in state.facts["history"]] for state in states]
    assert histories[0] == histories[1]


def test_a_process_killed_at_random_moments_and_resumed_ends_bit_for_bit_the_same(tmp_path: Path) -> None:
    chance = random.Random(7)
    folder = tmp_path / "my runs" / "digits" / "1"
    for count in (chance.randint(1, 5), chance.randint(4, 8)):
        process = begin(tmp_path, sys.executable, "-c", TRAIN_OR_RESUME, json.dumps(OPTIONS))
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(count)]
        assert all(told), process.communicate()
        for _ in range(chance.randint(0, 20_000)):  # some moment within a few steps
            pass
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    resume(folder)
    assert_same_run(folder, train("digits", runs=tmp_path / "whole", name="1", report=False, **OPTIONS).folder.path)


def test_ctrl_c_saves_a_checkpoint_prints_the_command_that_resumes_and_exits_with_130(tmp_path: Path) -> None:
    options = OPTIONS | {"max_epochs": 100_000, "checkpoint_every_steps": 50}
    process = begin(tmp_path, *COMMAND, *command_line(options))
    folder = tmp_path / "my runs" / "digits" / "1"
    assert process.stderr is not None
    errors = ""
    while not (folder / "checkpoints" / "last").exists():  # a pass is said every few seconds
        errors += process.stderr.readline()
        assert process.poll() is None, errors
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=120)
    errors += rest
    assert process.returncode == 130, (out, errors)
    checkpoint, warning = CheckpointStore(folder / "checkpoints").load_last()
    step = checkpoint.facts["step"]
    assert warning is None
    assert "Traceback" not in errors  # a slow machine says how far it is, too
    assert f"Stopped after step {step} of" in errors
    assert "Go on with: unrolled train --resume 'my runs/digits/1'" in errors
    said: list[str] = []
    with stop_on_signals(), pytest.raises(InterruptedRunError, match=f"Stopped after step {step + 2} of"):
        resume(folder, recorders=[StopAt(step + 2)], say=said.append)
    assert f"going on after step {step:,}" in said


def test_a_run_killed_during_its_first_checkpoint_starts_from_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = KillAt(1)
    monkeypatch.setattr(RunFolder, "undone_by_early_errors", lambda _: nullcontext())  # a kill tidies nothing up
    with pytest.raises(KilledError):
        train("digits", runs=tmp_path, name="1", recorders=[recorder], max_steps=2, hidden_size=4, report=False)
    folder = tmp_path / "digits" / "1"
    (folder / "checkpoints" / ".last.partial").mkdir(parents=True)
    said: list[str] = []
    run = resume(folder, say=said.append)
    assert "no checkpoint was taken yet; starting from the first step" in said
    assert run.model.facts.training["steps"] == 2
