"""How cores are shared out, and processes that train: they end with their owner, and their death is noticed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from unrolled.errors import RunError
from unrolled.jobs import parallel, workers
from unrolled.jobs.parallel import Jobs, Share, do_jobs, share_cores, start_ahead
from unrolled.jobs.workers import Answer, Job, Workers
from unrolled.runs.run import find
from unrolled.runtime.interrupt import StopRequest

pytestmark = pytest.mark.slow


def job(runs: Path, **options: Any) -> Job:
    settings = {"hidden_size": 4, "max_steps": 10, "report": False} | options
    return "train", {
        "recipe": find("digits").with_options(settings).model_dump(mode="json"), "runs": str(runs), "folder": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cores", "trainings", "wishes", "expected"),
    [
        (1, 8, {}, (1, None)),
        (2, 8, {}, (2, 1)),
        (2, 1, {}, (1, None)),
        (8, 3, {}, (3, 2)),
        (8, 20, {"threads": 4}, (2, 4)),
        (2, 20, {"threads": 2}, (1, 2)),
        (2, 20, {"jobs": 1}, (1, None)),
        (2, 20, {"jobs": 5}, (5, 1)),
    ],
)
def test_each_training_has_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    trainings: int,
    wishes: dict[str, int],
    expected: tuple[int, int | None],
) -> None:
    monkeypatch.setattr(parallel, "cpu_count", lambda: cores)
    share = share_cores(trainings, device="cpu", **wishes)
    assert (share.processes, share.threads) == expected
    assert "at a time" in share.reason if expected[0] > 1 else "one after the other" in share.reason


def test_on_a_gpu_they_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert share_cores(4).processes == 1
    assert "GPU" in share_cores(4).reason


def test_a_process_that_is_killed_is_noticed(tmp_path: Path) -> None:
    jobs = iter([job(tmp_path, max_steps=100_000)])
    with Workers(1, 1) as others:

        def moved(place: int, share: float) -> None:
            os.kill(others.processes[0].pid, signal.SIGKILL)

        with pytest.raises(RunError, match=f"ended by signal {int(signal.SIGKILL)}"):
            list(others.run(Jobs(lambda: next(jobs, None)).take, moved, StopRequest()))


def test_a_process_ends_with_its_owner_after_a_checkpoint(tmp_path: Path) -> None:
    """Its input ends when the other process does, however that ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "unrolled.jobs.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    name, arguments = job(tmp_path, max_steps=1_000_000)
    process.stdin.write(json.dumps({"job": name, "arguments": arguments}) + "\n")
    process.stdin.flush()
    assert "moved" in process.stdout.readline()
    process.stdin.close()
    assert "stopped" in process.stdout.read().splitlines()[-1]
    process.stdout.close()
    process.wait()
    assert (tmp_path / "digits" / "1" / "checkpoints" / "last" / "state.json").exists()


def test_this_process_takes_its_part(tmp_path: Path) -> None:
    """One other process is started for two at a time, and both train, each with its own share of the threads."""
    here: list[tuple[int, int]] = []

    def do(arguments: dict[str, Any], number: int) -> str:
        here.append((number, torch.get_num_threads()))
        assert other_began.wait(60)
        return "here"

    other_began = threading.Event()
    jobs = iter([job(tmp_path, seed=seed, max_steps=2_000) for seed in range(2)])
    threads = torch.get_num_threads()
    found: dict[int, Any] = {}
    do_jobs(Share(2, 1, ""), lambda: next(jobs, None), do, lambda *_: other_began.set(), found.__setitem__)
    ((number, own_threads),) = here
    assert own_threads == 1
    assert torch.get_num_threads() == threads
    assert found.pop(number) == {"done": "here"}
    ((_, answer),) = found.items()
    assert answer["done"]["run"] == str(tmp_path / "digits" / "1")


def test_an_error_elsewhere_is_raised_here() -> None:
    never = threading.Event()
    with pytest.raises(RunError, match="with code 1"):
        do_jobs(
            Share(2, 1, ""), lambda: ("os.system", {}), lambda *_: never.wait(0.05), lambda *_: None, lambda *_: None
        )


def test_an_error_of_whoever_takes_the_answers_ends_the_others(tmp_path: Path) -> None:
    def answered(number: int, answer: Answer) -> None:
        raise ValueError(answer["done"])

    jobs = iter([job(tmp_path, max_steps=1_000_000) for _ in range(2)])
    with pytest.raises(ValueError, match="here"):
        do_jobs(Share(2, 1, ""), lambda: next(jobs, None), lambda *_: "here", lambda *_: None, answered)


def test_there_are_no_other_jobs_than_those_known(tmp_path: Path) -> None:
    jobs = iter([("os.system", {})])
    with Workers(1, 1) as others, pytest.raises(RunError, match="with code 1"):
        list(others.run(Jobs(lambda: next(jobs, None)).take, lambda place, share: None, StopRequest()))


def test_those_that_were_started_ahead_are_taken_and_the_rest_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cpu_count", lambda: 4)
    start_ahead(4)
    started = [process for _, process in workers._ahead]
    assert [threads for threads, _ in workers._ahead] == [1, 1, 1]
    with Workers(2, 1) as others:
        assert others.processes == started[:2]
        assert started[2].poll() is not None
    assert all(process.poll() is not None for process in started)
    with Workers(1, 1) as others:
        assert others.processes[0] not in started


def test_those_with_another_share_of_the_threads_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cpu_count", lambda: 2)
    start_ahead(2)
    ((_, started),) = workers._ahead
    with Workers(1, 2) as others:
        assert others.processes != [started]
    assert not workers._ahead


def test_nothing_is_started_ahead_for_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cpu_count", lambda: 1)
    start_ahead(8)
    start_ahead(8, jobs=1)
    assert not workers._ahead
