"""Several jobs at once: handed out lazily, stopped gently, failures kept apart, by the caller's own backend."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from joblib.parallel import register_parallel_backend

from example_jobs import add, begin, blocked, crash, die, dirty, fail, goes_on, place, tell, train_for_ever
from unrolled.data import Sequences
from unrolled.errors import InterruptedRunError, RunError
from unrolled.jobs.board import Board
from unrolled.jobs.parallel import Answer, Job, do_jobs
from unrolled.jobs.share import Share
from unrolled.runtime.stopping import StopRequest, stopping_by

TWO = Share(2, 1, "")

pytestmark = pytest.mark.slow


def done(
    share: Share, jobs: Any, tmp_path: Path, moved: Callable[[int, float], None] = lambda *_: None
) -> dict[int, Answer]:
    found: dict[int, Answer] = {}
    do_jobs(share, jobs, moved, found.__setitem__, tmp_path)
    return found


@pytest.mark.parametrize("share", [Share(1, None, ""), TWO])
def test_each_job_has_its_answer_and_a_failure_stops_no_other(tmp_path: Path, share: Share) -> None:
    jobs = [Job(add, {"a": 1, "b": 2}), Job(fail, {"text": "too hot"}), Job(add, {"a": 3, "b": 4})]
    assert done(share, jobs, tmp_path) == {0: Answer(3), 1: Answer(failure="too hot"), 2: Answer(7)}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [Share(1, 1, ""), TWO])
def test_a_job_has_its_share_of_the_threads_and_the_callers_directory(
    tmp_path: Path, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = torch.get_num_threads()
    (tmp_path / "here").mkdir()
    for directory in (tmp_path, tmp_path / "here"):  # the same processes do both, from two directories
        monkeypatch.chdir(directory)
        for answer in done(share, [Job(place, {})] * 2, tmp_path / "beside").values():
            process, directory_there, threads_there = answer.result
            assert (directory_there, threads_there) == (str(directory), 1)
            assert (process == os.getpid()) is (share.processes == 1)
    assert torch.get_num_threads() == threads


def test_progress_comes_through(tmp_path: Path) -> None:
    seen, told = threading.Event(), []

    def moved(number: int, share: float) -> None:
        told.append((number, share))
        (tmp_path / "seen").touch()
        seen.set()

    done(TWO, [Job(tell, {"share": 0.25, "until": str(tmp_path / "seen")})], tmp_path, moved)
    assert (0, 0.25) in told


def test_jobs_are_asked_for_when_a_worker_is_free(tmp_path: Path) -> None:
    """At most as many again as there are workers are asked for before they can begin."""
    waiting = []

    def jobs() -> Iterator[Job]:
        for number in range(12):
            waiting.append(number + 1 - len(list(tmp_path.glob("*.begun"))))
            yield Job(begin, {"witness": str(tmp_path / str(number))})

    assert len(done(TWO, jobs(), tmp_path / "beside")) == 12
    assert max(waiting) <= 4


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_process_that_is_killed_is_noticed_and_the_next_jobs_find_new_ones(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"ended: SIGKILL\(-9\).*--jobs 1"):
        done(TWO, [Job(die, {"number": int(signal.SIGKILL)}), Job(add, {"a": 1, "b": 1})], tmp_path)
    assert done(TWO, [Job(add, {"a": 1, "b": 1})] * 2, tmp_path) == {0: Answer(2), 1: Answer(2)}


def test_an_error_of_an_unexpected_kind_lets_the_others_save_and_is_raised(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="ZeroDivisionError"):
        done(
            TWO,
            [Job(goes_on, {"witness": str(tmp_path / "saved")}), Job(crash, {"after": str(tmp_path / "saved.begun")})],
            tmp_path,
        )
    assert (tmp_path / "saved").exists()
    with pytest.raises(ZeroDivisionError):
        done(Share(1, None, ""), [Job(crash, {"after": str(tmp_path)})], tmp_path)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_is_raised_while_waiting_lets_the_jobs_save_first(tmp_path: Path, error: type[BaseException]) -> None:
    """Ctrl-C in a program, an error of whoever takes the answers."""

    def answered(number: int, answer: Answer) -> None:
        raise error

    jobs = [
        Job(goes_on, {"witness": str(tmp_path / "saved")}),
        Job(tell, {"share": 1, "until": str(tmp_path / "saved.begun")}),
    ]
    with pytest.raises(error):
        do_jobs(TWO, jobs, lambda *_: None, answered, tmp_path)
    assert (tmp_path / "saved").exists()


def test_a_request_to_stop_reaches_all_jobs_and_no_further_one_begins(tmp_path: Path) -> None:
    stop, answers = StopRequest(lambda: (tmp_path / "0.begun").exists() and (tmp_path / "1.begun").exists()), []
    jobs = [Job(goes_on, {"witness": str(tmp_path / str(number))}) for number in range(50)]
    with stopping_by(stop), pytest.raises(InterruptedRunError):
        do_jobs(TWO, jobs, lambda *_: None, lambda *given: answers.append(given), tmp_path)
    assert answers == []
    assert {path.name for path in tmp_path.glob("?")} == {"0", "1"}
    assert len(list(tmp_path.glob("*.begun"))) == 2


def test_a_training_elsewhere_saves_a_checkpoint_when_it_is_to_stop(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = Sequences.from_list(list(rng.normal(size=(40, 5))), np.arange(40) % 2)
    stop = StopRequest(lambda: len(list(tmp_path.glob("*/*/metrics.jsonl"))) == 2)
    with stopping_by(stop), pytest.raises(InterruptedRunError):
        done(TWO, [Job(train_for_ever, {"data": data, "runs": tmp_path})] * 2, tmp_path / "beside")
    assert len(list(tmp_path.glob("*/*/checkpoints/last/state.json"))) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_process_that_is_told_to_end_saves_first(tmp_path: Path, name: str) -> None:
    """As from a system that shuts down, or from a terminal that is closed."""

    def moved(number: int, share: float) -> None:
        if share > 1:
            os.kill(int(share), getattr(signal, name))

    with pytest.raises(InterruptedRunError):
        done(TWO, [Job(goes_on, {"witness": str(tmp_path / "saved")})], tmp_path, moved)
    assert (tmp_path / "saved").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_is_kept_from_a_worker_from_its_start(tmp_path: Path) -> None:
    """A terminal sends it to all processes; a worker that is still importing would die of it."""
    for answer in done(TWO, [Job(blocked, {})] * 2, tmp_path).values():
        assert signal.SIGINT in answer.result
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_jobs_end_with_their_owner_however_that_ends(tmp_path: Path) -> None:
    """What they do is saved; no process and no folder is left behind."""
    program = "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
    program += "from example_jobs import goes_on; from unrolled.jobs import Job, Share, do_jobs\n"
    program += "jobs = [Job(goes_on, {'witness': sys.argv[2] + '/' + str(number)}) for number in range(2)]\n"
    program += "do_jobs(Share(2, 1, ''), jobs, lambda *_: None, print, Path(sys.argv[2]))"
    import subprocess

    process = subprocess.Popen([sys.executable, "-c", program, str(Path(__file__).parents[1]), str(tmp_path)])
    wait_for(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
    workers = [int(path.read_text()) for path in tmp_path.glob("*.begun")]
    process.kill()
    process.wait()
    wait_for(lambda: not any(Path(f"/proc/{number}").exists() for number in workers))
    assert {path.name for path in tmp_path.iterdir()} == {"0", "0.begun", "1", "1.begun"}


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_arrays_are_mapped_and_written_into_without_being_seen_elsewhere(tmp_path: Path) -> None:
    values = np.zeros(1_000_000)
    answers = done(TWO, [Job(dirty, {"values": values})] * 2, tmp_path)
    assert [answer.result for answer in answers.values()] == [True, True]
    assert not values.any()


def test_the_callers_backend_is_taken(tmp_path: Path) -> None:
    """As of a cluster: it is given every job, and says how many it can do at a time."""
    from joblib._parallel_backends import ThreadingBackend

    from unrolled.jobs.share import share_cores

    given = []

    class Cluster(ThreadingBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int | None) -> int:
            return 3 if n_jobs == -1 else int(n_jobs or 1)

        def submit(self, func: Any, callback: Any = None) -> Any:
            given.append(func)
            return super().submit(func, callback)

    register_parallel_backend("cluster of a test", Cluster)
    with joblib.parallel_config(backend="cluster of a test"):
        share = share_cores(5, device="cpu")
        assert (share.processes, share.threads) == (3, None)
        assert "Cluster" in share.reason
        found = done(share, [Job(place, {})] * 5, tmp_path)
    assert len(given) == 5
    assert {answer.result[0] for answer in found.values()} == {os.getpid()}
    with joblib.parallel_config(n_jobs=4):
        assert share_cores(9, device="cpu").processes == 4
        assert share_cores(9, device="cpu", jobs=2).processes == 2


def test_a_board_that_is_gone_says_stop(tmp_path: Path) -> None:
    board = Board(tmp_path / "board")
    assert board.says_stop()
    board.tell(1, 0.5)
    assert list(board.shares()) == []
    board.folder.mkdir()
    board.open()
    assert not board.says_stop()
    board.tell(1, 0.5)
    (board.folder / "2").touch()  # is just being written
    assert list(board.shares()) == [(1, 0.5)]
    board.forget(1)
    assert list(board.shares()) == []
    board.stop()
    assert board.says_stop()
