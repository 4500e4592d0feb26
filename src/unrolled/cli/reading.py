"""The bar that shows how much of a large file is read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import DownloadColumn, Progress

from unrolled.cli.console import notes, print_note
from unrolled.data.files import Notes, Observer
from unrolled.runtime import bar

_PATIENCE_SECONDS = 1.0


class ReadingBar(Observer):
    """Bytes read of a file, on one line that appears after a second and goes away at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._started: float | None = None

    def progress(self, done: int, total: int) -> None:
        """Moves the bar."""
        if done == total:
            self.stop()
            return
        now = time.perf_counter()
        self._started = now if self._started is None else self._started
        if self._bar is None and self._console.is_terminal and now - self._started > _PATIENCE_SECONDS:
            self._bar = bar(self._console, "reading", DownloadColumn())
            self._bar.add_task("", total=total or None)
            self._bar.start()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def stop(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._started = None


@contextmanager
def reading_bar(console: Console) -> Iterator[ReadingBar]:
    """A bar that goes away at the end of the block, also after an error."""
    bar = ReadingBar(console)
    try:
        yield bar
    finally:
        bar.stop()


@contextmanager
def noting() -> Iterator[Observer]:
    """An observer for the block: prints each note of the reader, and shows the bar."""
    with reading_bar(notes()) as bar:
        yield Notes(print_note, bar)
