"""A worker process of this machine: it ends with its owner; Ctrl-C is its owner's; other signals let its job save.

Of themselves loky's workers live on for minutes after their owner was killed, and each signal ends them at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from types import FrameType

from unrolled.jobs.board import Board
from unrolled.runtime import StopRequest

_LOOK_SECONDS = 1.0


class Worker:
    """This process as another one's worker.

    Attributes:
        board: of the job that is being done.
        stop: asks it to stop.
    """

    def __init__(self) -> None:
        self.owner = os.getppid()
        self.busy = threading.Lock()
        self.board: Board | None = None
        self.stop: StopRequest | None = None
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for name in ("SIGTERM", "SIGHUP"):  # the latter when a terminal is closed; there is none on Windows
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._terminate)
        threading.Thread(target=self._end_with_owner, daemon=True).start()

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.stop is None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            self.stop.make()

    def _end_with_owner(self) -> None:
        while os.getppid() == self.owner:
            time.sleep(_LOOK_SECONDS)
        if self.board is not None:
            shutil.rmtree(self.board.folder, ignore_errors=True)  # which asks the job to stop
        with self.busy:
            os._exit(1)


@cache
def _worker() -> Worker:
    return Worker()


@contextmanager
def at_worker(board: Board, stop: StopRequest, directory: Path) -> Iterator[None]:
    """A job's time in its process, in the directory of its owner; a process that was not started to do jobs stays."""
    if parent_process() is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    worker = _worker()
    with worker.busy:
        worker.board, worker.stop = board, stop
        os.chdir(directory)
        try:
            yield
        finally:
            worker.stop = None
