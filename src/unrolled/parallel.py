"""Several trainings at once: how the cores are shared out, and the processes that train.

This process is one of them: what it has imported and read already need not be imported and read again. The others are
plain ones that read jobs from their standard input, a JSON object a line, and write their answers
to their standard output (`unrolled.worker`). They are started anew rather than forked, since threads do
not survive a fork, and nothing of the caller's program is imported in them.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from joblib import cpu_count

from unrolled.errors import InterruptedRunError, RunError, UnrolledError
from unrolled.training.interrupt import StopRequest, stop_on_signals

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 60.0


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


def _uses_gpu(device: str) -> bool:
    if device == "cpu":
        return False
    import torch

    return torch.cuda.is_available()


Job = tuple[str, dict[str, Any]]
"""What to do, by its name in `unrolled.worker`, and its arguments as JSON has them."""

Answer = Mapping[str, Any]
"""``{"done": …}`` with what the job gave, or ``{"failed": TEXT}``."""


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

    with Workers(replace(share, processes=share.processes - 1)) as workers, _threads(share.threads):
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
    from unrolled.devices import using_threads

    return nullcontext() if count is None else using_threads(count)


class Workers:
    """Processes that do jobs; they end with the block, and with this process.

    Args:
        share: how many, and their threads.
    """

    def __init__(self, share: Share) -> None:
        self.share = share
        self.messages: queue.SimpleQueue[tuple[int, dict[str, Any] | None]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self.listeners: list[threading.Thread] = []
        self.processes = [self._start(index) for index in range(self.share.processes)]
        return self

    def _start(self, index: int) -> subprocess.Popen[str]:
        environment = dict(os.environ)
        environment.setdefault("GOMP_SPINCOUNT", "0")  # idle threads sleep: see docs/speed.md
        if self.share.threads is not None:
            environment |= {"OMP_NUM_THREADS": str(self.share.threads), "MKL_NUM_THREADS": str(self.share.threads)}
        process = subprocess.Popen(
            [sys.executable, "-m", "unrolled.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *_search_path()])},
            start_new_session=True,  # Ctrl-C reaches them once, from here
        )
        listener = threading.Thread(target=self._listen, args=(index, process), daemon=True)
        listener.start()
        self.listeners.append(listener)
        return process

    def _listen(self, index: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101  # for the type checker: it is a pipe
        with process.stdout:
            for line in process.stdout:
                with suppress(ValueError):  # the last line of a process that was killed may be cut off
                    self.messages.put((index, json.loads(line)))
        self.messages.put((index, None))

    def run(
        self, take: Callable[[], tuple[int, Job] | None], moved: Callable[[int, float], None], stop: StopRequest
    ) -> Iterator[tuple[int, Answer]]:
        """Does jobs until there are no more, or until it is to stop and all processes have saved what they had.

        Args:
            take: the next job with its number, or None; asked whenever a process is free.
            moved: told the number of a job and how far it is, 0 to 1.
            stop: looked at now and then.
        Yields:
            Each job's number with its answer, as they come.
        Raises:
            RunError: if a process dies.
        """
        doing: dict[int, int] = {}
        asked = False
        while True:
            for index in range(len(self.processes)):
                if index in doing or stop.requested:
                    continue
                taken = take()
                if taken is None:
                    break
                doing[index], job = taken
                self._send(index, job)
            if stop.requested and not asked:
                asked = True
                self._signal(signal.SIGTERM)
            if not doing:
                return
            try:
                index, message = self.messages.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if message is None:
                number = doing.pop(index, None)
                if number is not None and not stop.requested:
                    raise self._died(index)
            elif "moved" in message:
                moved(doing[index], float(message["moved"]))
            elif "stopped" in message:
                doing.pop(index)
            else:
                yield doing.pop(index), message

    def _send(self, index: int, job: Job) -> None:
        pipe = self.processes[index].stdin
        assert pipe is not None  # noqa: S101  # for the type checker: it is a pipe
        with suppress(BrokenPipeError, ValueError):  # it has died, which its listener says, or all is at its end
            pipe.write(json.dumps({"job": job[0], "arguments": job[1]}) + "\n")
            pipe.flush()

    def _died(self, index: int) -> RunError:
        code = self.processes[index].wait()
        cause = f"by signal {-code}" if code < 0 else f"with code {code}"
        return RunError(
            f"A training process ended {cause}; memory may have run out. Try fewer at a time with --jobs 1; what is "
            "finished is kept."
        )

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            assert process.stdin is not None  # noqa: S101  # for the type checker: it is a pipe
            with suppress(BrokenPipeError):
                process.stdin.close()  # at the end of its input a process saves and ends
        for process in self.processes:
            try:
                process.wait(_PATIENCE_SECONDS if kind is None or issubclass(kind, Exception) else 0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for listener in self.listeners:
            listener.join()


def _search_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
