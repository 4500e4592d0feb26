"""Several jobs at once, by joblib: in further processes of this machine, or wherever the caller's backend has workers.

A job is a function of a module with plain arguments. It goes to its worker as joblib sends it, pickled, which is
between processes of one owner; arrays over a megabyte are mapped into memory, so the workers share them. All else
that a job and this process tell each other stands in a folder (`unrolled.jobs.board`).
"""

from __future__ import annotations

import itertools
import queue
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from joblib.parallel import BACKENDS, get_active_backend

from unrolled.errors import InterruptedRunError, RunError, UnrolledError
from unrolled.jobs.board import Board
from unrolled.jobs.share import Share
from unrolled.jobs.worker import at_worker
from unrolled.runtime import StopRequest, heeding_stops, stopping_by, using_threads
from unrolled.storage import make_folder

_LOOK_SECONDS = 0.2
_IDLE_SECONDS = 10
"""How long a process that has nothing more to do waits for a further job; importing PyTorch anew takes seconds."""


@dataclass(frozen=True)
class Job:
    """Something to do.

    Attributes:
        function: of a module; it is called with the arguments and with ``moved``, a `Moved`.
        arguments: by name.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back from a job.

    Attributes:
        result: what its function returned; None where it failed.
        failure: what the user can put right; None where it did not fail.
    """

    result: Any = None
    failure: str | None = None


@dataclass(frozen=True)
class _Stopped:
    """A job that was asked to stop, and has saved what it had."""


@dataclass(frozen=True)
class _Crashed:
    """A job that ended by an error of a kind that no job should end by.

    Attributes:
        traceback: the text of it; the error itself may not get through to another process.
    """

    traceback: str


def do_jobs(
    share: Share,
    jobs: Iterable[Job],
    moved: Callable[[int, float], None],
    answered: Callable[[int, Answer], None],
    beside: Path,
) -> None:
    """Does jobs, as many at a time as the share says, until there are no more.

    Several at a time are done by joblib: by the backend of the caller's `joblib.parallel_config`, or else in processes
    of this machine. One at a time is done here.

    Args:
        share: how many at a time, and their threads.
        jobs: numbered as they are given. A few more of them are asked for than are begun.
        moved: told the number of a job and how far it is, 0 to 1.
        answered: told each job's number and its answer as it comes.
        beside: a folder that all workers can reach; a temporary one is made in it.
    Raises:
        InterruptedRunError: after a `StopRequest`, when all jobs have saved what they had.
        RunError: if a process dies, or a job elsewhere ends by an error that is none of this package's.
    """
    with heeding_stops() as stop:
        if share.processes > 1:
            _do_elsewhere(share, jobs, moved, answered, beside, stop)
        else:
            _do_here(share, jobs, moved, answered, stop)
        if stop.requested:
            raise InterruptedRunError("Stopped.")


def _do_here(
    share: Share,
    jobs: Iterable[Job],
    moved: Callable[[int, float], None],
    answered: Callable[[int, Answer], None],
    stop: StopRequest,
) -> None:
    """Jobs in this process, one after the other."""
    for number, job in enumerate(jobs):
        if stop.requested:
            return
        try:
            answer = _answer(job, share.threads, partial(moved, number))
        except InterruptedRunError:
            stop.make()
            return
        answered(number, answer)


def _answer(job: Job, threads: int | None, moved: Callable[[float], None]) -> Answer:
    with _threads(threads):
        try:
            return Answer(job.function(**job.arguments, moved=moved))
        except InterruptedRunError:
            raise
        except UnrolledError as error:
            return Answer(failure=str(error))


def _threads(count: int | None) -> AbstractContextManager[None]:
    return nullcontext() if count is None else using_threads(count)


def _do_elsewhere(
    share: Share,
    jobs: Iterable[Job],
    moved: Callable[[int, float], None],
    answered: Callable[[int, Answer], None],
    beside: Path,
    stop: StopRequest,
) -> None:
    """Jobs at joblib's workers. This thread waits, looks and tells; another one talks with joblib.

    So an interrupt of this thread does not meet joblib, which would kill what its workers are doing.
    """
    place = make_folder(beside).resolve()
    with tempfile.TemporaryDirectory(prefix=".jobs-", dir=place, ignore_cleanup_errors=True) as folder:
        board = Board(Path(folder))
        board.open()
        answers: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        backend, _ = get_active_backend()  # of this thread
        hand_out = threading.Thread(target=_hand_out, args=(share, jobs, board, backend, answers), daemon=True)
        hand_out.start()
        try:
            for number, answer in _messages(answers, board, moved, stop):
                answered(number, answer)
        finally:
            board.stop()
            hand_out.join()


_Message = tuple[int, "Answer | _Stopped | _Crashed"] | BaseException | None
"""A job's number and how it ended; an error of joblib; None after the last."""


def _messages(
    answers: queue.SimpleQueue[_Message], board: Board, moved: Callable[[int, float], None], stop: StopRequest
) -> Iterator[tuple[int, Answer]]:
    """Each answer, as it comes; between them the jobs' progress and the request to stop pass through."""
    crash: RunError | None = None
    while True:
        if stop.requested:
            board.stop()
        try:
            message = answers.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            for number, share in board.shares():
                moved(number, share)
            continue
        if message is None:
            break
        if isinstance(message, BaseException):
            if not isinstance(message, BrokenProcessPool):
                raise message
            if stop.requested:
                break
            raise _died(message)
        number, end = message
        if isinstance(end, Answer):
            yield number, end
        elif isinstance(end, _Crashed):
            crash = crash or RunError(f"A training ended by an error of an unexpected kind:\n{end.traceback}")
            board.stop()
        elif crash is None:
            stop.make()
    if crash is not None:
        raise crash


def _died(error: BrokenProcessPool) -> RunError:
    """A worker ended before its job did."""
    last = [line for line in str(error).splitlines() if "exit codes" in line]
    found = last[0].partition("{")[2].partition("}")[0] if last else "for an unknown reason"
    return RunError(
        f"A training process ended: {found}. Memory may have run out. Try fewer at a time with --jobs 1; what is "
        "finished is kept."
    )


def _hand_out(
    share: Share, jobs: Iterable[Job], board: Board, backend: Any, answers: queue.SimpleQueue[_Message]
) -> None:
    """Talks with joblib, in a thread of its own."""
    if hasattr(signal, "pthread_sigmask"):
        # Ctrl-C in a terminal reaches all processes. Those that are started from this thread do not see it: they are
        # asked to stop by the board. The tracker is started first, since that takes the block away again.
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    own = {"idle_worker_timeout": _IDLE_SECONDS} if isinstance(backend, BACKENDS["loky"]) else {}
    workers = Parallel(
        share.processes,
        backend=backend,
        return_as="generator_unordered",
        pre_dispatch="n_jobs",
        batch_size=1,
        mmap_mode="c",  # a job sees arrays as it would here: it may write into them, and no other one sees that
        **own,
    )
    try:
        left = itertools.takewhile(lambda _: not board.says_stop(), enumerate(jobs))
        here = Path.cwd()
        for message in workers(delayed(_do)(number, job, share.threads, board, here) for number, job in left):
            answers.put(message)
    except BaseException as error:  # it is raised in the other thread
        answers.put(error)
    else:
        answers.put(None)


def _do(
    number: int, job: Job, threads: int | None, board: Board, directory: Path
) -> tuple[int, Answer | _Stopped | _Crashed]:
    """A job at its worker."""
    if board.says_stop():
        return number, _Stopped()
    stop = StopRequest(board.says_stop)
    try:
        with at_worker(board, stop, directory), stopping_by(stop):
            return number, _answer(job, threads, partial(board.tell, number))
    except InterruptedRunError:
        return number, _Stopped()
    except Exception:
        return number, _Crashed(traceback.format_exc())
    finally:
        board.forget(number)
