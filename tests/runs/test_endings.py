"""A run can be ended, extended and used before its end; what is exact equals a run of one piece."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from commands import call
from unrolled.config import Recipe, TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, RunError, UnfinishedWarning
from unrolled.model.model import Model, load
from unrolled.runs.listing import RunState, list_runs
from unrolled.runs.reporting import report
from unrolled.runs.run import Run, finish, resume, train
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import TrainState

OPTIONS: dict[str, Any] = {
    "hidden_size": 4, "batch_size": 8, "method": "trained", "threads": 1, "report": False, "schedule": "constant",
    "patience": None, "pooling": "last", "context_steps": 0, "skip_segments": 0,
}  # fmt: skip


def levels(count: int = 60) -> Sequences:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    return Sequences.from_list([rng.normal(label, 1.5, (rng.integers(3, 9), 2)) for label in labels], labels)


class At(Recorder):
    """Does something after an update: raises what a kill or Ctrl-C raises, or calls a function."""

    def __init__(self, step: int, act: Any) -> None:
        self.at, self.act = step, act

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        if state.step == self.at:
            self.act()


def interrupt() -> None:
    raise KeyboardInterrupt


def begun(folder: Path, data: Sequences, **options: Any) -> Run:
    return train(Recipe(name="own"), data=data, runs=folder, name="one", **{**OPTIONS, **options})


def stopped(folder: Path, data: Sequences, step: int, name: str = "one", **options: Any) -> Path:
    with pytest.raises(KeyboardInterrupt):
        train(
            Recipe(name="own"), data=data, runs=folder, name=name, recorders=[At(step, interrupt)],
            checkpoint_every_steps=1, **{**OPTIONS, **options},
        )  # fmt: skip
    return folder / "own" / name


def assert_same_weights(one: Model, other: Model) -> None:
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, other.network.state_dict()[name]), name


ALSO: list[dict[str, object]] = [{"keep": "last"}, {"average_decay": 0.9}]
"""Settings that decide which weights a run keeps."""


def ended(run: Run) -> str:
    return str(run.model.facts.training["ended"]["reason"])


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"max_epochs": 2}, {"max_epochs": 5}),
        ({"max_steps": 9}, {"max_steps": 31}),  # both end inside an epoch
        ({"max_steps": 9}, {"max_epochs": 4}),
        ({"max_epochs": 30, "patience": 1, "learning_rate": 0.3}, {"patience": 4}),
    ],
)
@pytest.mark.parametrize("also", [{}, *(pytest.param(also, marks=pytest.mark.slow) for also in ALSO)])
def test_an_extended_run_is_one_of_that_length(
    tmp_path: Path, short: dict[str, Any], long: dict[str, Any], also: dict[str, Any]
) -> None:
    data = levels()
    first = begun(tmp_path / "a", data, **short, **also)
    longer = resume(first.folder.path, data=data, **long)
    length = {} if "patience" in long else dict.fromkeys(("max_epochs", "max_steps"))
    whole = begun(tmp_path / "b", data, **{**short, **length, **long, **also})
    assert len(longer.history) > len(first.history)
    assert_same_weights(longer.model, whole.model)
    assert ended(longer) == ended(whole)
    assert longer.folder.read_config()[0] == whole.folder.read_config()[0]


def test_a_schedule_that_depends_on_the_length_is_said(tmp_path: Path) -> None:
    data, said = levels(), list[str]()
    first = begun(tmp_path, data, max_epochs=2, schedule="one-cycle")
    resume(first.folder.path, data=data, say=said.append, max_epochs=4)
    assert any("one-cycle depends on the length" in line for line in said)
    report(first.folder.path, test=data.take(slice(0, 5)))
    assert "max_epochs = 4" in first.folder.report.read_text(encoding="utf-8")


def test_what_leaves_nothing_to_do_is_refused(tmp_path: Path) -> None:
    data = levels()
    folder = begun(tmp_path, data, max_epochs=3).folder.path
    with pytest.raises(RunError, match="larger max_epochs"):
        resume(folder, data=data, max_epochs=2)
    with pytest.raises(ConfigError, match="hidden_size"):
        resume(folder, data=data, hidden_size=8)
    fitted = begun(tmp_path / "b", data, method="fitted").folder.path
    with pytest.raises(RunError, match="method = 'trained'"):
        resume(fitted, data=data, max_epochs=2)


def test_a_run_that_nothing_improves_stops_and_says_why(tmp_path: Path) -> None:
    data, said = levels(), list[str]()
    run = begun(tmp_path, data, max_epochs=60, patience=2, learning_rate=0.3)
    assert ended(run) == "patience"
    assert len(run.history) == run.model.facts.training["best_epoch"] + 2 < 60
    assert "no better validation loss for 2 epochs" in run.in_words()
    last = json.loads(run.folder.metrics.read_text().splitlines()[-1])
    assert (last["event"], last["reason"], last["epoch"]) == ("end", "patience", len(run.history))
    resume(run.folder.path, data=data, say=said.append, max_epochs=70)
    assert any("the count begins anew" in line for line in said)


@pytest.mark.slow
def test_the_default_stops_early_where_there_is_validation_data_only(tmp_path: Path) -> None:
    data = levels()
    options = {"max_epochs": 80, "learning_rate": 0.1, "patience": "auto"}
    assert ended(begun(tmp_path / "a", data, **options)) == "patience"
    assert ended(begun(tmp_path / "b", data, validation_fraction=0, **options)) == "length"
    assert Recipe(name="any").train.patience == "auto"


def test_a_time_limit_ends_a_run_and_a_longer_one_goes_on(tmp_path: Path) -> None:
    data = levels()
    run = begun(tmp_path / "a", data, max_epochs=5, time_limit=1e-9)
    assert ended(run) == "time"
    assert run.model.facts.training["steps"] == 1
    with pytest.raises(RunError, match="larger time_limit"):
        resume(run.folder.path, data=data, time_limit="0.000000001s")
    whole = resume(run.folder.path, data=data, time_limit="2h")
    assert_same_weights(whole.model, begun(tmp_path / "b", data, max_epochs=5).model)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("5m", 300), ("1h30m", 5400), ("1.5h", 5400), ("2 min", 120)]
)
def test_times_are_read_in_words(text: str, seconds: float) -> None:
    assert Recipe(name="own").with_options({"time_limit": text}).train.time_limit == seconds
    assert TrainConfig(time_limit=text).time_limit == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["soon", "5x", "-3", "5m3", ""])
def test_other_words_are_no_times(text: str) -> None:
    with pytest.raises(ConfigError, match="time"):
        Recipe(name="own").with_options({"time_limit": text})


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 7, 20])
def test_a_stopped_run_is_finished_with_its_best_weights_and_goes_on_after_that(tmp_path: Path, step: int) -> None:
    data = levels()
    folder = stopped(tmp_path / "a", data, step, max_epochs=5)
    run = finish(folder, data=data)
    assert run is not None
    assert ended(run) == "request"
    assert run.folder.is_finished
    assert run.folder.evaluation.is_file()
    assert run.model.facts.training["steps"] == step
    whole = begun(tmp_path / "b", data, max_epochs=5)
    assert_same_weights(resume(folder, data=data).model, whole.model)


def test_a_run_that_is_being_trained_is_finished_by_its_process(tmp_path: Path) -> None:
    data, answers = levels(), list[Run | None]()
    folder = tmp_path / "own" / "one"
    asking = At(9, lambda: answers.append(finish(folder)))
    run = train(
        Recipe(name="own"), data=data, runs=tmp_path, name="one", recorders=[asking], **OPTIONS, max_steps=100_000
    )
    assert answers == [None]
    assert ended(run) == "request"
    assert not run.folder.finish_request.exists()


def test_a_run_without_a_checkpoint_cannot_be_finished(tmp_path: Path) -> None:
    data = levels()
    run = begun(tmp_path, data, max_epochs=1)
    for path in (run.folder.path / "checkpoints").iterdir():
        path.rename(tmp_path / path.name)
    with pytest.raises(RunError, match="no checkpoint yet"):
        finish(run.folder.path, data=data)


@pytest.mark.slow
def test_the_model_of_an_unfinished_run_is_its_best_so_far_and_says_so(tmp_path: Path) -> None:
    data = levels()
    folder = stopped(tmp_path / "a", data, 20, max_epochs=5, keep="last")
    with pytest.warns(UnfinishedWarning, match="in epoch 4 of 5"):
        model = load(folder)
    assert model.facts.training["ended"]["reason"] == "unfinished"
    assert model.record is not None
    run = finish(folder, data=data)
    assert run is not None
    assert_same_weights(model, run.model)
    np.testing.assert_array_equal(model.predict_proba(data), run.model.predict_proba(data))


@pytest.mark.slow
@pytest.mark.filterwarnings("default::unrolled.errors.UnfinishedWarning")  # which the command line prints
def test_commands_take_an_unfinished_run(fresh: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train("digits", max_epochs=9, hidden_size=4, checkpoint_every_steps=1, recorders=[At(50, interrupt)])
    run = "runs/digits/1"
    for words in (("evaluate", run), ("predict", run, "--number", 3), ("report", run), ("export", run)):
        answer = call(*words)
        assert answer.code == 0, answer.err
        assert "is not finished: these are its best weights so far, in epoch 2 of 9" in answer.err
    assert "is not finished" in (fresh / run / "report.html").read_text(encoding="utf-8")
    assert not (fresh / run / "evaluation.json").exists()
    answer = call("finish", run)
    assert answer.code == 0, answer.err
    assert "stopped in epoch 2 of 9 on request" in answer.out
    answer = call("train", "--resume", run, "--max-epochs", 3, "--json")
    assert json.loads(answer.out)["ended"]["reason"] == "length"
    assert call("train", "--resume", run, "--lr", 1).code == 2


def test_the_list_of_runs_says_how_far_each_is_and_what_goes_on_with_it(fresh: Path) -> None:
    data, seen = levels(), list[RunState]()
    look = At(9, lambda: seen.extend(list_runs("runs")))
    train(Recipe(name="own"), data=data, name="one", recorders=[look], log_every=3, **OPTIONS, max_epochs=4)
    stopped(fresh / "runs", levels(61), 9, max_epochs=5, log_every=1, name="two")
    (fresh / "runs/own/broken").mkdir()
    (fresh / "runs/own/broken/config.json").write_text("{")
    assert [(run.state, run.step, run.epochs) for run in seen] == [("training", 6, 4)]
    assert seen[0].seconds_left is not None
    assert seen[0].seconds_left > 0
    found = {run.path.name: run for run in list_runs("runs")}
    assert {name: run.state for name, run in found.items()} == {
        "one": "finished",
        "two": "stopped",
        "broken": "damaged",
    }
    assert (found["one"].figure_of, found["two"].figure_of) == ("test", "validation")
    assert "resume" in found["two"].command
    shown = json.loads(call("runs", "--json").out)
    assert [run["path"] for run in shown] == [str(run.path) for run in list_runs("runs")]
    table = call("runs").out
    assert "runs/own/two" in table
    assert "stopped" in table


def test_a_run_that_is_over_is_shown_as_it_was(digits_run: Run) -> None:
    lines = call("watch", digits_run.folder.path).out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/4", "2/4", "3/4", "4/4"]
    assert "ended after all 4 epochs" in lines[-2]
    assert lines[-1].split() == ["finished", "unrolled", "evaluate", str(digits_run.folder.path)]
