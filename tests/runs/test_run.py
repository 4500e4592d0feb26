"""A run from a recipe to its folder, and what a resume refuses."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from pictures import assert_drawn
from unrolled.config import Recipe
from unrolled.data.batches.batcher import Batch
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences
from unrolled.errors import (
    CheckpointError,
    ConfigError,
    DivergedError,
    InterruptedRunError,
    RunError,
    RunLockedError,
    StorageError,
    UnknownNameError,
)
from unrolled.model.model import load
from unrolled.runs import preparing
from unrolled.runs.run import Run, recipe_for, resume, train
from unrolled.runtime.stopping import stop_on_signals
from unrolled.training.loop import Fitting
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import TrainState

OPTIONS: dict[str, Any] = {
    "hidden_size": 4, "max_epochs": 2, "batch_size": 8, "threads": 1, "checkpoint_every_steps": 3, "log_every": 2,
    "report": False,
}  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A file of sequences."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    np.savez(tmp_path / "own.npz", X=random.normal(labels[:, None], 1, (60, 5)), y=labels)
    return str(tmp_path / "own.npz")


class Stop(Recorder):
    """Ends the training after a step, by Ctrl-C or as a kill does."""

    def __init__(self, step: int, error: type[BaseException] = MemoryError) -> None:
        self.at, self.error = step, error

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if state.step == self.at:
            raise self.error


def stopped(tmp_path: Path, source: str, step: int = 5, **options: Any) -> Path:
    """A run killed after some step."""
    with pytest.raises(MemoryError):
        train(source, runs=tmp_path / "runs", name="1", recorders=[Stop(step)], **OPTIONS | options)
    return tmp_path / "runs" / "own" / "1"


def test_a_run_leaves_everything_that_was_promised(tmp_path: Path, source: str) -> None:
    said: list[str] = []
    run = train(source, runs=tmp_path / "runs", say=said.append, **OPTIONS)
    names = {path.name for path in run.folder.path.iterdir()}
    assert {"config.json", "metrics.jsonl", "checkpoints", "model", "evaluation.json"} <= names
    assert_drawn((run.folder.path / "curves.png").read_bytes())
    assert run.evaluation is not None
    saved = json.loads(run.folder.evaluation.read_text())
    assert saved["accuracy"]["value"] == run.evaluation.accuracy.value
    assert saved["accuracy"]["low"] < saved["accuracy"]["value"] < saved["accuracy"]["high"]
    assert run.evaluation.cases == 12
    config = json.loads(run.folder.config.read_text())
    assert set(config["versions"]) >= {"unrolled", "python", "torch", "numpy"}
    assert config["recipe"]["train"]["batch_size"] == 8
    assert load(run.folder.path).facts.training["steps"] == 12
    assert len(run.history) == 2
    assert any("kernel" in line for line in said)
    assert any("60 sequences from" in line for line in said)
    assert f"run folder: {run.folder.path}" in said


def test_a_finished_run_resumed_stays_as_it_is(tmp_path: Path, source: str) -> None:
    run = train(source, runs=tmp_path / "runs", **OPTIONS)
    kept = [run.folder.metrics, run.folder.config, *sorted(run.folder.model.iterdir())]
    before = [path.read_bytes() for path in kept]
    again = resume(run.folder.path)
    assert [path.read_bytes() for path in kept] == before
    assert again.history == run.history


def test_the_best_weights_are_what_is_shipped(tmp_path: Path, source: str) -> None:
    drawn = {"output_initializer": "glorot"}  # a fitted start would be left only for what is shown to be better
    run = train(source, runs=tmp_path / "runs", **OPTIONS | drawn | {"max_epochs": 12, "learning_rate": 0.1})
    best = min(run.history, key=lambda log: log.validation_loss or 0)
    assert run.model.facts.training["best_epoch"] == best.epoch


def test_the_model_of_the_same_seed_is_the_same_file(tmp_path: Path, source: str) -> None:
    weights = []
    for seed in (1, 1, 2):
        run = train(source, runs=tmp_path / "runs", seed=seed, **OPTIONS)
        weights.append((run.folder.model / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


@pytest.mark.slow
def test_a_killed_run_resumed_is_the_same_run(tmp_path: Path, source: str) -> None:
    said: list[str] = []
    run = resume(stopped(tmp_path, source), say=said.append)
    whole = train(source, runs=tmp_path / "whole", **OPTIONS)
    assert "going on after step 3" in said
    for name in ("model.safetensors", "README.md", "model.json"):
        assert (run.folder.model / name).read_bytes() == (whole.folder.model / name).read_bytes()


def test_ctrl_c_in_a_program_notes_how_to_go_on(tmp_path: Path, source: str) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        train(source, runs=tmp_path, recorders=[Stop(4, KeyboardInterrupt)], **OPTIONS)
    assert caught.value.__notes__ == [f"Go on with: unrolled train --resume {tmp_path / 'own' / '1'}"]
    said: list[str] = []
    run = resume(tmp_path / "own" / "1", say=said.append)
    assert "going on after step 4" in said
    whole = train(source, runs=tmp_path / "whole", **OPTIONS)
    weights = "model.safetensors"
    assert (run.folder.model / weights).read_bytes() == (whole.folder.model / weights).read_bytes()


def test_the_name_of_a_run_that_never_began_is_free(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after its folder was locked, before anything was written."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(preparing, "learn_preprocessor", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(source, runs=tmp_path, name="foo", **OPTIONS)
    assert train(source, runs=tmp_path, name="foo", **OPTIONS).folder.path == tmp_path / "own" / "foo"
    with pytest.raises(RunError, match="holds a run"):
        train(source, runs=tmp_path, name="foo", **OPTIONS)


def test_a_checkpoint_of_another_network_is_refused_with_advice(tmp_path: Path, source: str) -> None:
    folder = stopped(tmp_path, source)
    content = json.loads((folder / "config.json").read_text())
    content["recipe"]["model"]["hidden_size"] = 5
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"does not fit this run.*start a new run"):
        resume(folder)


def test_a_run_that_goes_on_under_other_conditions_says_so(tmp_path: Path, source: str) -> None:
    folder = stopped(tmp_path, source)
    config = json.loads((folder / "config.json").read_text())
    assert config["device"] == "cpu (1 thread)"
    assert config["kernel"]
    config["device"], config["versions"]["torch"] = "cpu (3 threads)", "1.0"
    (folder / "config.json").write_text(json.dumps(config))
    said: list[str] = []
    resume(folder, say=said.append)
    (warning,) = [line for line in said if line.startswith("warning")]
    assert "device cpu (3 threads), now cpu (1 thread)" in warning
    assert "torch 1.0, now " in warning


@pytest.mark.parametrize("place", [-1, 100])
def test_a_damaged_last_checkpoint_is_passed_over_and_it_is_said(tmp_path: Path, source: str, place: int) -> None:
    folder = stopped(tmp_path, source, step=8)
    file = folder / "checkpoints" / "last" / "tensors.safetensors"
    content = bytearray(file.read_bytes())
    content[place] ^= 4
    file.write_bytes(content)
    said: list[str] = []
    run = resume(folder, say=said.append)
    (warning,) = [line for line in said if line.startswith("warning")]
    assert "its checksum differs. Going on from the checkpoint before it, step 3." in warning
    whole = train(source, runs=tmp_path / "whole", **OPTIONS)
    weights = "model.safetensors"
    assert (run.folder.model / weights).read_bytes() == (whole.folder.model / weights).read_bytes()


def test_two_damaged_checkpoints_are_refused_with_advice(tmp_path: Path, source: str) -> None:
    folder = stopped(tmp_path, source, step=8)
    for name in ("last", "previous"):
        (folder / "checkpoints" / name / "state.json").write_text("")
    with pytest.raises(CheckpointError, match="Start the training anew"):
        resume(folder)


def test_a_run_where_another_process_trains_is_refused(tmp_path: Path, source: str) -> None:
    folder = stopped(tmp_path, source)
    with FileLock(folder / ".lock"), pytest.raises(RunLockedError, match="Another process is training"):
        resume(folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_fails_is_said_with_the_command_that_goes_on(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whatever is written when it fails: metrics, a checkpoint, figures, the model."""
    sync = os.fsync
    folder = tmp_path / "my runs" / "own" / "1"

    def begin_or_go_on() -> Run:
        return resume(folder) if folder.exists() else train(source, runs=tmp_path / "my runs", name="1", **OPTIONS)

    for place in ("checkpoints", "evaluation.json", "model.safetensors"):

        def failing(handle: int, place: str = place) -> None:
            if place in str(Path(f"/proc/self/fd/{handle}").readlink()):
                raise OSError(number, os.strerror(number))
            sync(handle)

        with monkeypatch.context() as context:
            context.setattr(os, "fsync", failing)
            with pytest.raises(StorageError, match=r"space|permission") as caught:
                begin_or_go_on()
        assert f"Then go on with: unrolled train --resume '{folder}'" in str(caught.value)
    run = resume(folder)
    whole = train(source, runs=tmp_path / "whole", **OPTIONS)
    weights = "model.safetensors"
    assert (run.folder.model / weights).read_bytes() == (whole.folder.model / weights).read_bytes()


def test_ctrl_c_says_the_command_that_goes_on(tmp_path: Path, source: str) -> None:
    class Ask(Recorder):
        def updated(self, state: TrainState, batch: Batch) -> None:
            del batch
            if state.step == 4:
                os.kill(os.getpid(), 2)

    with (
        stop_on_signals(),
        pytest.raises(InterruptedRunError, match=r"Stopped after step 4 of 12\. Go on with: unrolled train --resume"),
    ):
        train(source, runs=tmp_path, recorders=[Ask()], **OPTIONS)


@pytest.mark.parametrize("part", ["training", "validation"])
def test_other_data_than_those_a_run_began_with_are_refused(tmp_path: Path, source: str, part: str) -> None:
    folder = stopped(tmp_path, source)
    with np.load(source) as file:
        values, labels = file["X"], file["y"]
    config = json.loads((folder / "config.json").read_text())
    for index in range(60):  # the first sequence whose change is noticed in this part
        changed = values.copy()
        changed[index] += 1
        np.savez(source, X=changed, y=labels)
        try:
            resume(folder, recorders=[Stop(5)])
        except RunError as error:
            if f"the {part} data are not those that {folder} began with" in str(error):
                break
        except MemoryError:
            pass  # a test sequence
    else:
        raise AssertionError
    assert "validation_fingerprint" in config["data"]
    np.savez(source, X=values, y=labels)
    assert resume(folder).evaluation is not None


def test_a_diverging_run_names_step_and_rate_and_leaves_no_model(tmp_path: Path, source: str) -> None:
    with pytest.raises(DivergedError, match=r"at step \d+, where the learning rate is 1e\+38"):
        train(
            source, runs=tmp_path / "runs", optimizer="sgd", learning_rate=1e38, schedule="constant", clip_norm=0,
            **OPTIONS,
        )  # fmt: skip
    assert not (tmp_path / "runs" / "own" / "1" / "model").exists()


def test_a_sequence_to_watch_needs_the_datas_channels(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"watch = '0110' has 1 channels; expected 8"):
        train("digits", runs=tmp_path, watch="0110", print_style="epoch-number", **OPTIONS)


def test_tensorboard_files_are_written_where_they_are_asked_for(tmp_path: Path, source: str) -> None:
    pytest.importorskip("tensorboard")
    run = train(source, runs=tmp_path / "runs", tensorboard=True, **OPTIONS)
    assert list(run.folder.tensorboard.glob("events.out.tfevents.*"))


def test_only_the_kept_data_are_looked_at_before_the_training_ends(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test sequences are measured once, after the last step."""
    measured: list[int] = []
    finished: list[bool] = []
    run_fitting = Fitting.run

    def fitting(self: Fitting) -> None:
        run_fitting(self)
        finished.append(True)

    import unrolled.runs.reporting

    evaluate = unrolled.runs.reporting.evaluate

    def counting(*arguments: Any, **options: Any) -> Any:
        assert finished
        measured.append(1)
        return evaluate(*arguments, **options)

    monkeypatch.setattr(Fitting, "run", fitting)
    monkeypatch.setattr(unrolled.runs.reporting, "evaluate", counting)
    train(source, runs=tmp_path / "runs", **OPTIONS)
    assert measured == [1]


def test_a_word_is_a_recipe_a_data_set_a_recipe_file_or_a_file(tmp_path: Path, source: str) -> None:
    assert recipe_for("digits").data.source == "digits"
    assert recipe_for("tutorial-a").name == "tutorial-mnist-799-steps"
    assert recipe_for(source).name == "own"
    (tmp_path / "mine.toml").write_text('[data]\nsource = "digits"\n')
    assert recipe_for(str(tmp_path / "mine.toml")).name == "mine"
    with pytest.raises(UnknownNameError, match="Did you mean 'digits'"):
        recipe_for("digts")
    with pytest.raises(UnknownNameError, match="Did you mean 'hidden_size'"):
        train("digits", runs=tmp_path, hiden_size=4)
    assert not (tmp_path / "digits").exists()


def test_a_shared_short_run_beats_the_majority_class(digits_run: Run) -> None:
    assert digits_run.evaluation is not None
    assert digits_run.evaluation.majority is not None
    assert digits_run.evaluation.accuracy.low > digits_run.evaluation.majority.high


def test_sequences_need_no_recipe(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    own = Sequences.from_list([rng.normal(i % 2, 1, (3 + i % 4, 2)) for i in range(40)], [i % 2 for i in range(40)])
    run = train(data=own, runs=tmp_path, hidden_size=4, max_epochs=1, report=False)
    assert run.recipe.model == recipe_for("own.csv").with_options({"hidden_size": 4}).model
    assert run.folder.path == tmp_path / "data" / "1"
    with pytest.raises(ConfigError, match="neither a recipe nor data"):
        train()


def test_sequences_in_memory_can_be_trained_on_and_resumed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    own = Sequences.from_list([rng.normal(i % 2, 1, (3 + i % 4, 2)) for i in range(40)], [i % 2 for i in range(40)])
    first = train(Recipe(name="own"), data=own, runs=tmp_path, max_epochs=2, hidden_size=4, report=False)
    assert first.evaluation is not None
    assert first.evaluation.cases == 8
    again = resume(first.folder.path, data=own)
    assert again.evaluation is not None
    assert again.evaluation.confusion == first.evaluation.confusion
    with pytest.raises(RunError, match="are not those"):
        resume(first.folder.path, data=own.take(slice(0, 30)))


def test_what_is_printed_of_a_run_and_its_model_is_a_few_lines(digits_run: Run) -> None:
    shown = repr(digits_run)
    assert len(shown.splitlines()) <= 5
    assert len(shown) < 600
    assert str(digits_run.folder.path) in shown
    assert f"{100 * digits_run.evaluation.accuracy.value:.2f} %" in shown
    assert repr(digits_run.model) in shown
    dataset = load_dataset(digits_run.recipe.data)
    assert len(repr(dataset).splitlines()) == 4
    assert len(repr(digits_run.evaluation).splitlines()) == 3
