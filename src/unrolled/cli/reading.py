"""The bar that shows how far the reading of a large file is."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import DownloadColumn, Progress

from unrolled.data.files import Observer
from unrolled.runtime import bar

_PATIENCE_SECONDS = 1.0


class ReadingBar(Observer):
    """Bytes read of a file, on one line, once it takes longer than a moment; gone when all is read.

    A context, so that no half bar is left behind by an error.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._started: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def progress(self, done: int, total: int) -> None:
        """Moves the bar."""
        if done == total:
            self._stop()
            self._started = None
            return
        now = time.perf_counter()
        self._started = now if self._started is None else self._started
        if self._bar is None and self._console.is_terminal and now - self._started > _PATIENCE_SECONDS:
            self._bar = bar(self._console, "reading", DownloadColumn())
            self._bar.add_task("", total=total or None)
            self._bar.start()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
