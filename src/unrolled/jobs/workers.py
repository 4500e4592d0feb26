"""Processes that do jobs for this one.

They are plain ones that read jobs from their standard input, a JSON object a line, and write their answers to their
standard output (`unrolled.jobs.worker`). They are started anew rather than forked, since threads do not survive a fork,
and nothing of the caller's program is imported in them.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from unrolled.errors import RunError
from unrolled.runtime import StopRequest

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 60.0

Process = subprocess.Popen[str]

Job = tuple[str, dict[str, Any]]
"""What to do, by its name in `unrolled.jobs.worker`, and its arguments as JSON has them."""

Answer = Mapping[str, Any]
"""``{"done": …}`` with what the job gave, or ``{"failed": TEXT}``."""

_ahead: list[tuple[int | None, Process]] = []
"""Started before they were needed, each with its threads."""


def start_workers_ahead(count: int, threads: int | None) -> None:
    """Starts processes that the next `Workers` with so many threads will take."""
    _ahead.extend((threads, _start(threads)) for _ in range(count))


def _take_ahead(threads: int | None) -> Process | None:
    """One of those that were started before, if it still runs."""
    for place, (its_threads, process) in enumerate(_ahead):
        if its_threads == threads and process.poll() is None:
            del _ahead[place]
            return process
    return None


@atexit.register
def _end_ahead() -> None:
    """Those that nobody took end, at the latest with this process."""
    while _ahead:
        process = _ahead.pop()[1]
        process.kill()  # it has done nothing yet
        process.communicate()


def _start(threads: int | None) -> Process:
    environment = dict(os.environ)
    environment.setdefault("GOMP_SPINCOUNT", "0")  # idle threads sleep: see docs/speed.md
    if threads is not None:
        environment |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", "unrolled.jobs.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *_search_path()])},
        start_new_session=True,  # Ctrl-C reaches them once, from here
    )


def _search_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


class Workers:
    """Processes that do jobs; they end with the block, and with this process.

    Args:
        count: how many.
        threads: of each; None where each chooses for itself.
    """

    def __init__(self, count: int, threads: int | None) -> None:
        self.count, self.threads = count, threads
        self.messages: queue.SimpleQueue[tuple[int, dict[str, Any] | None]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self.listeners: list[threading.Thread] = []
        self.processes = [self._begin(index) for index in range(self.count)]
        _end_ahead()
        return self

    def _begin(self, index: int) -> Process:
        """A process and a thread that listens to it."""
        process = _take_ahead(self.threads) or _start(self.threads)
        listener = threading.Thread(target=self._listen, args=(index, process), daemon=True)
        listener.start()
        self.listeners.append(listener)
        return process

    def _listen(self, index: int, process: Process) -> None:
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
