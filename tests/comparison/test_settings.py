"""A grid of trainings: every combination once, found again, gone on with, the same bits in one process or several."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.comparison.settings import GridResult, compare_settings, make_settings
from unrolled.config import Recipe
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, DataError, RunError, UnknownNameError
from unrolled.jobs.watcher import Watcher
from unrolled.runs.run import recipe_for, resume, train
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import TrainState

pytestmark = pytest.mark.slow

TINY: dict[str, Any] = {"max_epochs": 2, "hidden_size": 4, "batch_size": 16}


class Witness(Watcher):
    """Notes which trainings ended."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def finished(self, place: int, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A file of sequences."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    np.savez(tmp_path / "own.npz", X=rng.normal(labels[:, None], 1, (60, 5)), y=labels)
    return str(tmp_path / "own.npz")


def grid(source: str, tmp_path: Path, settings: dict[str, Any], **options: Any) -> tuple[GridResult, list[str]]:
    witness = Witness()
    result = compare_settings(source, settings, runs=tmp_path / "runs", watcher=witness, **TINY | options)
    return result, witness.lines


def test_what_is_said_of_the_data_holds_for_all_settings(tmp_path: Path) -> None:
    """A value that is given once, such as the label's column, is no setting to compare, but is heeded."""
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal(i % 2):.3f},{rng.normal():.3f},{'ab'[i % 2]},{i}" for i in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["x_0,x_1,kind,label", *rows]) + "\n")
    source = str(tmp_path / "own.csv")
    result, _ = grid(source, tmp_path, {"cell": ["rnn", "gru"], "label": ["kind"]}, channels=["x_*"], jobs=1)
    assert len(result.comparison.rows) == 2
    with pytest.raises(DataError, match="no column 'wrong'"):
        grid(source, tmp_path, {"cell": ["rnn", "gru"], "label": ["wrong"]}, channels=["x_*"])


def test_every_combination_is_made_with_every_seed() -> None:
    settings = make_settings(
        recipe_for("digits"), {"cell": ["gru", "lstm"], "num_layers": ["1", "2"], "dropout": ["0.1"]}, 3
    )
    assert [one.name for one in settings] == [
        "gru num_layers=1", "gru num_layers=2", "lstm num_layers=1", "lstm num_layers=2"
    ]  # fmt: skip
    for one in settings:
        assert [recipe.train.seed for recipe in one.recipes] == [0, 1, 2]
        assert {recipe.model.dropout for recipe in one.recipes} == {0.1}
    assert settings[3].recipes[0].model.num_layers == 2


@pytest.mark.parametrize(("listed", "count", "expected"), [(["5"], 2, [5, 6]), (["3", "9"], 1, [3, 9]), (None, 1, [0])])
def test_seeds_are_counted_or_listed(listed: list[str] | None, count: int, expected: list[int]) -> None:
    settings = make_settings(recipe_for("digits"), {"cell": ["gru"]} | ({"seed": listed} if listed else {}), count)
    assert [recipe.train.seed for recipe in settings[0].recipes] == expected


@pytest.mark.parametrize(
    ("settings", "seeds", "error", "words"),
    [
        ({"sell": ["gru", "lstm"]}, 1, UnknownNameError, "Did you mean 'cell'"),
        ({"cell": ["gru", "lsm"]}, 1, ConfigError, "cell = 'lsm'"),
        ({"cell": ["gru", ""]}, 1, ConfigError, "empty value"),
        ({"cell": []}, 1, ConfigError, "empty value"),
        ({"hidden_size": ["8", "many"]}, 1, ConfigError, "hidden_size = 'many'"),
        ({"test_fraction": ["0.2", "0.3"]}, 1, ConfigError, "concerns the data"),
        ({"seed": ["1", "2"]}, 2, ConfigError, "not both"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(
    settings: dict[str, Any], seeds: int, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make_settings(recipe_for("digits"), settings, seeds)


def test_one_setting_alone_and_data_without_a_test_are_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one setting only"):
        grid(source, tmp_path, {"cell": ["gru", "gru"]})
    with pytest.raises(DataError, match="held out for the test"):
        grid(source, tmp_path, {"cell": ["gru", "lstm"]}, test_fraction=0)
    assert not (tmp_path / "runs").exists()


def test_finished_runs_are_never_trained_again(source: str, tmp_path: Path) -> None:
    _, first = grid(source, tmp_path, {"cell": ["rnn", "gru"]}, jobs=1)
    assert len(first) == 2
    _, again = grid(source, tmp_path, {"cell": ["rnn", "gru"]}, jobs=1, log_every=3, threads=1)
    assert again == []
    result, more = grid(source, tmp_path, {"cell": ["rnn", "gru"]}, jobs=1, seeds=2)
    assert len(more) == 2
    assert all("seed=1" in line for line in more)
    assert [len(paths) for paths in result.runs.values()] == [2, 2]
    _, other = grid(source, tmp_path, {"cell": ["rnn", "gru"]}, jobs=1, learning_rate=0.02)
    assert len(other) == 2


def test_a_run_of_other_data_is_not_taken_for_it(source: str, tmp_path: Path) -> None:
    grid(source, tmp_path, {"cell": ["rnn", "gru"]}, jobs=1)
    np.savez(source, X=np.random.default_rng(1).normal(size=(60, 5)), y=np.arange(60) % 2)
    assert len(grid(source, tmp_path, {"cell": ["rnn", "gru"]}, jobs=1)[1]) == 2


class Stop(Recorder):
    """Ends a training as a kill does."""

    def updated(self, state: TrainState, batch: Batch) -> None:
        if state.step == 4:
            raise MemoryError


def test_a_run_with_another_test_file_is_not_taken_for_it(source: str, tmp_path: Path) -> None:
    """It would be refused beside the others, with advice that a comparison of settings does not take."""
    rng = np.random.default_rng(3)
    for shift in (0, 1):
        np.savez(tmp_path / "test.npz", X=rng.normal(shift, 1, (30, 5)), y=np.arange(30) % 2)
        result, lines = grid(source, tmp_path, {"cell": ["rnn", "gru"]}, test=str(tmp_path / "test.npz"), jobs=1)
        assert len(lines) == 2
        assert len(result.comparison.fingerprints) == 1


def test_a_run_that_was_stopped_goes_on_in_its_folder(source: str, tmp_path: Path) -> None:
    with pytest.raises(MemoryError):
        train(
            source,
            runs=tmp_path / "runs",
            recorders=[Stop()],
            cell="gru",
            checkpoint_every_steps=3,
            report=False,
            **TINY,
        )
    (tmp_path / "runs" / "own" / "odd").mkdir()
    (tmp_path / "runs" / "own" / "odd" / "config.json").write_text("{")
    result, _ = grid(source, tmp_path, {"cell": ["rnn", "gru"]}, jobs=1)
    assert result.runs["gru"] == (tmp_path / "runs" / "own" / "1",)
    whole = train(source, runs=tmp_path / "whole", cell="gru", report=False, **TINY)
    weights = [path / "model" / "model.safetensors" for path in (result.runs["gru"][0], whole.folder.path)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_several_processes_give_the_bits_of_one(source: str, tmp_path: Path) -> None:
    settings = {"cell": ["rnn", "gru"]}
    said: list[str] = []
    several, lines = grid(source, tmp_path, settings, jobs=2, say=said.append)
    one, _ = grid(source, tmp_path / "one", settings, jobs=1)
    assert len(lines) == 2
    assert any("2 at a time with 1 thread each" in line for line in said)
    for name, paths in several.runs.items():
        for path, other in zip(paths, one.runs[name], strict=True):
            assert (path / "model" / "model.safetensors").read_bytes() == (
                other / "model" / "model.safetensors"
            ).read_bytes()
    assert [row.accuracy for row in several.comparison.rows] == [row.accuracy for row in one.comparison.rows]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_training_that_fails_does_not_stop_the_others(source: str, tmp_path: Path, jobs: int) -> None:
    wild = {"learning_rate": 1e38, "clip_norm": 0, "schedule": "constant"}
    with pytest.raises(RunError, match=r"no training of learning_rate=1e\+38 succeeded: learning_rate=1e\+38:"):
        grid(source, tmp_path, {"learning_rate": [1e38, 2e38, 0.01]}, **wild | {"jobs": jobs})
    assert len(list((tmp_path / "runs" / "own").glob("*/model"))) == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_sequences_in_memory_can_be_compared_on(tmp_path: Path, jobs: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    data = Sequences.from_list(list(rng.normal(labels[:, None], 1, (60, 5))), labels)
    said: list[str] = []
    result = compare_settings(
        Recipe(name="mine"),
        {"cell": ["rnn", "gru"]},
        data=data,
        runs=tmp_path,
        seeds=2,
        jobs=jobs,
        say=said.append,
        **TINY,
    )
    assert [len(row.runs) for row in result.comparison.rows] == [2, 2]
    assert any(f"{jobs} at a time" in line or jobs == 1 for line in said)


def test_references_are_fitted_beside_the_settings(source: str, tmp_path: Path) -> None:
    result, _ = grid(source, tmp_path, {"cell": ["gru"]}, jobs=1, against=["sklearn:GaussianNB"], seeds=2)
    assert {row.name for row in result.comparison.rows} == {"own", "GaussianNB"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_grid_that_is_interrupted_goes_on_without_losing_a_finished_run(source: str, tmp_path: Path) -> None:
    """Ctrl-C while the long ones train: the short one is kept, the others have checkpoints to go on from."""
    command = [sys.executable, "-c", "from unrolled.cli.main import main; main()"]
    words = ["compare", source, "--max-steps", "8,100000", "--cell", "rnn", "--seeds", "2", "--hidden-size", "4"]
    words += ["--jobs", "2", "--runs", str(tmp_path / "runs"), "--output", str(tmp_path / "out")]
    process = subprocess.Popen(
        [*command, *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    assert process.stdout is not None
    assert any("2/4" in line for line in process.stderr)  # both short ones are finished, the long ones have begun
    while len(list((tmp_path / "runs" / "own").glob("*/metrics.jsonl"))) < 4:
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all processes have it
    rest = process.stderr.read()
    assert process.wait() == 130
    assert "2 of 4 trainings are finished. The same command goes on" in rest
    assert len(rest.splitlines()) == 1  # nothing of the other processes
    process.stdout.close()
    process.stderr.close()
    finished = list((tmp_path / "runs" / "own").glob("*/model"))
    assert len(finished) == 2
    halted = [path for path in (tmp_path / "runs" / "own").iterdir() if not (path / "model").exists()]
    assert len(halted) == 2  # runs, and nothing else: what the processes told each other is gone
    assert all((path / "checkpoints" / "last" / "state.json").exists() for path in halted)
    with pytest.raises(MemoryError):  # no process holds it any more, and it can be gone on with
        resume(halted[0], recorders=[StopAtOnce()])


class StopAtOnce(Recorder):
    """Ends a training as a kill does."""

    def updated(self, state: TrainState, batch: Batch) -> None:
        raise MemoryError
