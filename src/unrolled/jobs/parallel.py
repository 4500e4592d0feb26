"""Several trainings at once: how the cores are shared out, and who does the next one.

This process is one of those that train: what it has imported and read already need not be imported and read again.
The others are `unrolled.jobs.workers`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from joblib import cpu_count

from unrolled.errors import InterruptedRunError, UnrolledError
from unrolled.jobs.workers import Answer, Job, Workers, start_workers_ahead
from unrolled.runtime import StopRequest, stop_on_signals


class Watcher:
    """Sees how several trainings go on; does nothing, the others say what they do."""

    def begin(self, total: int, done: int) -> None:
        """Before the first: how many there are, and how many of them were done before."""

    def moved(self, place: int, share: float) -> None:
        """The training of this number, from 0, is so far on, 0 to 1."""

    def finished(self, place: int, line: str) -> None:
        """The training of this number has ended; the line says how."""

    def end(self) -> None:
        """After the last, for whatever reason."""


@dataclass(frozen=True)
class Share:
    """How the cores are shared out.

    Attributes:
        processes: trainings at a time, the one in the caller's own process counted.
        threads: of each; None where each chooses for itself.
        reason: for a person.
    """

    processes: int
    threads: int | None
    reason: str


def share_cores(trainings: int, *, jobs: int | None = None, threads: int | None = None, device: str = "auto") -> Share:
    """How many trainings run at once, each with how many threads.

    As many as there are cores for this process (its affinity and its container's quota counted), and no more
    than there are trainings; one at a time on a GPU, which they would share.

    Args:
        trainings: how many there are.
        jobs: a wish for how many at once, which is then granted.
        threads: a wish for the threads of each, which is then granted.
        device: see `choose_device`.
    """
    cores = max(1, int(cpu_count()))
    if jobs is None and _uses_gpu(device):
        return Share(1, threads, "one after the other, for they share the GPU")
    processes = min(jobs or max(1, cores // (threads or 1)), trainings)
    if processes <= 1:
        why = f"there {'is 1 core' if cores == 1 else f'are {cores} cores'}"
        return Share(1, threads, f"one after the other ({'as asked for' if jobs else why})")
    each = threads or max(1, cores // processes)
    return Share(
        processes, each, f"{processes} at a time with {each} thread{'s' if each > 1 else ''} each, on {cores} cores"
    )


def start_ahead(trainings: int, jobs: int | None = None, options: Container[str] = ()) -> None:
    """Starts the processes that `do_jobs` will need, while this one still imports and reads data.

    A new process imports for seconds before it can train. This promises nothing: what then turns out to be too many,
    since a training was finished before or there is a GPU, ends with this process.

    Args:
        trainings, jobs: as for `share_cores`.
        options: what else is asked for; where threads or a device are among it, nothing is started ahead.
    """
    if "threads" not in options and "device" not in options:
        share = share_cores(trainings, jobs=jobs, device="cpu")
        start_workers_ahead(share.processes - 1, share.threads)


def _uses_gpu(device: str) -> bool:
    if device == "cpu":
        return False
    import torch

    return torch.cuda.is_available()


Do = Callable[[dict[str, Any], int], Any]
"""Does a job in this process, from its arguments and its number."""

Answered = Callable[[int, Answer], None]
"""Takes the answer to the job of a number."""


def do_jobs(
    share: Share,
    next_job: Callable[[], Job | None],
    do: Do,
    moved: Callable[[int, float], None],
    answered: Answered,
) -> None:
    """Does jobs, here and in as many further processes as the share says, until there are no more.

    Args:
        share: how many at a time, and their threads.
        next_job: the next one, or None; asked whenever a process is free. Jobs are numbered as they are given.
        do: does one here.
        moved: told the number of a job elsewhere and how far it is, 0 to 1.
        answered: told each answer as it comes, one at a time. It and the two above may be called by another thread.
    Raises:
        InterruptedRunError: after Ctrl-C, when all processes have saved what they had.
        RunError: if a process dies.
    """
    jobs = Jobs(next_job)
    with stop_on_signals() as stop:
        if share.processes > 1:
            _side_by_side(share, jobs, do, moved, answered, stop)
        else:
            _here(jobs, do, answered, stop)
        if stop.requested:
            raise InterruptedRunError("Stopped.")


class Jobs:
    """Hands out jobs with their numbers, one at a time, to whichever thread asks."""

    def __init__(self, next_job: Callable[[], Job | None]) -> None:
        self._next_job, self._lock, self._given = next_job, threading.Lock(), 0

    def take(self) -> tuple[int, Job] | None:
        """The next one; None where there are no more."""
        with self._lock:
            job = self._next_job()
            if job is None:
                return None
            self._given += 1
            return self._given - 1, job


def _here(jobs: Jobs, do: Do, answered: Answered, stop: StopRequest) -> None:
    """Jobs in this process, one after the other."""
    while not stop.requested and (taken := jobs.take()) is not None:
        number, job = taken
        try:
            answer = {"done": do(job[1], number)}
        except InterruptedRunError:  # a training takes the signal itself, and has saved
            stop.requested = True
            return
        except UnrolledError as error:
            answer = {"failed": str(error)}
        answered(number, answer)


def _side_by_side(
    share: Share,
    jobs: Jobs,
    do: Do,
    moved: Callable[[int, float], None],
    answered: Answered,
    stop: StopRequest,
) -> None:
    """Jobs in this process, and at the same time in others, which a thread looks after."""
    lock, errors = threading.Lock(), list[Exception]()

    def tell(number: int, answer: Answer) -> None:
        with lock:
            answered(number, answer)

    def look_after(workers: Workers) -> None:
        try:
            for number, answer in workers.run(jobs.take, moved, stop):
                tell(number, answer)
        except Exception as error:  # it is raised below
            errors.append(error)
            stop.requested = True

    with Workers(share.processes - 1, share.threads) as workers, _threads(share.threads):
        others = threading.Thread(target=look_after, args=(workers,), daemon=True)
        others.start()
        try:
            _here(jobs, do, tell, stop)
            others.join()
        except BaseException:
            stop.requested = True  # so that no further job begins elsewhere
            raise
    if errors:
        raise errors[0]


def _threads(count: int | None) -> AbstractContextManager[None]:
    """This process's own share of the threads, while others have theirs."""
    from unrolled.runtime import using_threads

    return nullcontext() if count is None else using_threads(count)
