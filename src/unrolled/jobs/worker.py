"""A worker process of this machine: it ends with its owner, ignores Ctrl-C, and lets its job save at other signals.

Without this, loky's workers live on for minutes after their owner was killed, and every signal ends them at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from types import FrameType
from typing import Any

from unrolled.jobs.board import Board
from unrolled.runtime import StopRequest

_LOOK_SECONDS = 1.0


class Worker:
    """The signal handlers and the state of a worker process.

    Attributes:
        board: the board of the current job.
        stop: asks the current job to stop; None between jobs.
    """

    def __init__(self) -> None:
        self.owner = os.getppid()
        self.busy = threading.Lock()
        self.board: Board | None = None
        self.stop: StopRequest | None = None
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for name in ("SIGTERM", "SIGHUP"):  # SIGHUP: the terminal was closed; Windows has none
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._terminate)
        atexit.register(gc.freeze)  # its end need not look through all that PyTorch is: a second, and the owner waits
        threading.Thread(target=self._end_with_owner, daemon=True).start()

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        if self.stop is None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            self.stop.make()

    def _end_with_owner(self) -> None:
        while os.getppid() == self.owner:
            time.sleep(_LOOK_SECONDS)
        if self.board is not None:
            shutil.rmtree(self.board.folder, ignore_errors=True)  # this asks the job to stop
        with self.busy:
            os._exit(1)


@cache
def _worker() -> Worker:
    return Worker()


def accompany(function: Callable[..., None], arguments: Mapping[str, Any], directory: Path) -> None:
    """Makes a call in a process that ends with its owner, and leaves Ctrl-C to it."""
    _worker()
    os.chdir(directory)
    function(**arguments)


@contextmanager
def at_worker(board: Board, stop: StopRequest, directory: Path) -> Iterator[None]:
    """Runs a block as a job of this worker, in the owner's directory; does nothing in a process that is no worker."""
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
