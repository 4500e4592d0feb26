"""Several jobs at once, by joblib: in further processes of this machine, or wherever the caller's backend has workers.

A job is a function of a module with plain arguments. joblib pickles it for its worker, a process of the same owner;
arrays over a megabyte are mapped into memory, so the workers share them. Progress and requests to stop go through a
folder (`unrolled.jobs.board`).
"""

from __future__ import annotations

import itertools
import queue
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from joblib.parallel import BACKENDS, get_active_backend

from unrolled.errors import InterruptedRunError, RunError, UnrolledError
from unrolled.jobs.board import Board
from unrolled.jobs.progress import Progress
from unrolled.jobs.share import Share
from unrolled.jobs.worker import at_worker
from unrolled.runtime import StopRequest, heeding_stops, saying_lack_of_memory, stopping_by, using_threads
from unrolled.storage import make_folder

_LOOK_SECONDS = 0.2
_IDLE_SECONDS = 10
"""How long a process that has nothing more to do waits for a further job; importing PyTorch anew takes seconds."""


@dataclass(frozen=True)
class Job:
    """A call that can be made in another process.

    Attributes:
        function: a function of a module; it gets the arguments and ``progress``, a `Progress` to call.
        arguments: by name.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The result of a job.

    Attributes:
        result: what its function returned; None if the job failed.
        failure: an error that the user can put right; None if the job did not fail.
    """

    result: Any = None
    failure: str | None = None


@dataclass(frozen=True)
class _End:
    """How a job at a worker ended; without an answer or a crash it was stopped, and has saved its state.

    Attributes:
        number: the job's number.
        answer: its answer.
        crash: the traceback of an unexpected error, as text: the error itself may not survive pickling.
    """

    number: int
    answer: Answer | None = None
    crash: str | None = None


def do_jobs(
    share: Share,
    jobs: Iterable[Job],
    progress: Callable[[int, float], None],
    answered: Callable[[int, Answer], None],
    beside: Path,
) -> None:
    """Does all jobs, as many at a time as the share says.

    joblib does several at a time: with the backend of the caller's `joblib.parallel_config`, or else in processes of
    this machine. One at a time is done in this process.

    Args:
        share: how many jobs at a time, and the threads of each.
        jobs: numbered in the order given. The iterable is read a few jobs ahead of those that have begun.
        progress: called with a job's number and its progress, 0 to 1.
        answered: called with a job's number and its answer, in the order in which jobs end.
        beside: a folder that all workers can reach; a temporary folder is made in it.
    Raises:
        InterruptedRunError: after a `StopRequest`, once all jobs have saved their state.
        RunError: if a process dies, or a job elsewhere ends by an error that is none of this package's.
    """
    with heeding_stops() as stop:
        if share.processes > 1:
            answers = _do_elsewhere(share, jobs, progress, beside, stop)
        else:
            answers = _do_here(share.threads, jobs, progress, stop)
        with closing(answers):
            for number, answer in answers:
                answered(number, answer)
        if stop.requested:
            raise InterruptedRunError("Stopped.")


_Answers = Generator[tuple[int, Answer], None, None]


def _do_here(
    threads: int | None, jobs: Iterable[Job], progress: Callable[[int, float], None], stop: StopRequest
) -> _Answers:
    """Does jobs in this process, one after the other."""
    for number, job in enumerate(jobs):
        if stop.requested:
            return
        try:
            answer = _answer(job, threads, partial(progress, number))
        except InterruptedRunError:
            stop.make()
            return
        yield number, answer


def _answer(job: Job, threads: int | None, progress: Progress) -> Answer:
    with using_threads(threads):
        try:
            with saying_lack_of_memory():
                return Answer(job.function(**job.arguments, progress=progress))
        except InterruptedRunError:
            raise
        except UnrolledError as error:
            return Answer(failure=str(error))


def _do_elsewhere(
    share: Share, jobs: Iterable[Job], progress: Callable[[int, float], None], beside: Path, stop: StopRequest
) -> _Answers:
    """Does jobs at joblib's workers. Another thread calls joblib; this one waits for answers and reports progress.

    An interrupt of this thread therefore does not reach joblib, which would kill the workers in the middle of a job.
    """
    place = make_folder(beside).resolve()
    with tempfile.TemporaryDirectory(prefix=".jobs-", dir=place, ignore_cleanup_errors=True) as folder:
        board = Board(Path(folder))
        board.open()
        ends: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        backend, _ = get_active_backend()  # of this thread
        hand_out = threading.Thread(target=_hand_out, args=(share, jobs, board, backend, ends), daemon=True)
        hand_out.start()
        try:
            yield from _answers(ends, board, progress, stop)
        finally:
            board.stop()
            hand_out.join()


_Message = _End | BaseException | None
"""The end of a job, an error of joblib, or None after the last job."""


def _answers(
    ends: queue.SimpleQueue[_Message], board: Board, progress: Callable[[int, float], None], stop: StopRequest
) -> _Answers:
    """Yields the answers; while it waits, it reports the jobs' progress and passes a request to stop on to them."""
    crash = ""
    while True:
        if stop.requested:
            board.stop()
        try:
            message = ends.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            for number, share in board.shares():
                progress(number, share)
            continue
        if message is None:
            break
        if isinstance(message, BrokenProcessPool):
            if stop.requested:
                break
            raise _died(message)
        if isinstance(message, BaseException):
            raise message
        if message.answer is not None:
            yield message.number, message.answer
        elif message.crash is not None:
            crash = crash or message.crash
            board.stop()
        elif not crash:
            stop.make()
    if crash:
        raise RunError(f"A training ended by an error of an unexpected kind:\n{crash}")


def _died(error: BrokenProcessPool) -> RunError:
    """The error for a worker process that ended before its job did."""
    last = [line for line in str(error).splitlines() if "exit codes" in line]
    found = last[0].partition("{")[2].partition("}")[0] if last else "for an unknown reason"
    return RunError(
        f"A training process ended: {found}. Memory may have run out. Try fewer at a time with --jobs 1; finished "
        "trainings are kept."
    )


def _hand_out(share: Share, jobs: Iterable[Job], board: Board, backend: Any, ends: queue.SimpleQueue[_Message]) -> None:
    """Hands the jobs to joblib and puts their ends into the queue; runs in a thread of its own."""
    if hasattr(signal, "pthread_sigmask"):
        # Ctrl-C in a terminal reaches all processes. Those that are started from this thread do not see it: the board
        # asks them to stop. The tracker is started first, since its start lifts the block again.
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    own = {"idle_worker_timeout": _IDLE_SECONDS} if isinstance(backend, BACKENDS["loky"]) else {}
    workers = Parallel(
        share.processes,
        backend=backend,
        return_as="generator_unordered",
        pre_dispatch="n_jobs",
        batch_size=1,
        mmap_mode="c",  # a job may write into its arrays, as it may in this process, and no other job sees that
        **own,
    )
    try:
        left = itertools.takewhile(lambda _: not board.says_stop(), enumerate(jobs))
        here = Path.cwd()
        for end in workers(delayed(_do)(number, job, share.threads, board, here) for number, job in left):
            ends.put(end)
    except BaseException as error:  # the other thread raises it
        ends.put(error)
    else:
        ends.put(None)


def _do(number: int, job: Job, threads: int | None, board: Board, directory: Path) -> _End:
    """Does a job at its worker."""
    if board.says_stop():
        return _End(number)
    stop = StopRequest(board.says_stop)
    try:
        with at_worker(board, stop, directory), stopping_by(stop):
            return _End(number, _answer(job, threads, partial(board.tell, number)))
    except InterruptedRunError:
        return _End(number)
    except Exception:
        return _End(number, crash=traceback.format_exc())
    finally:
        board.forget(number)
