"""The progress of several trainings in a terminal: one bar, and a line for each finished training."""

from __future__ import annotations

from rich.console import Console

from unrolled.jobs import Watcher
from unrolled.runtime import bar


class Lines(Watcher):
    """A line for each finished training; for files and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def begin(self, total: int, done: int) -> None:
        """Notes the number of trainings."""
        self.total, self.done = total, done

    def finished(self, place: int, line: str) -> None:
        """Prints a numbered line."""
        self.done += 1
        self.console.print(f"{self.done}/{self.total}  {line}")


class Bar(Lines):
    """A bar over all trainings, below the lines of the finished ones."""

    def begin(self, total: int, done: int) -> None:
        """Draws the bar."""
        super().begin(total, done)
        self.shares: dict[int, float] = {}
        self.bar = bar(
            self.console, "training {task.fields[done]}/{task.fields[of]}", "{task.percentage:>3.0f} %", width=30
        )
        self.task = self.bar.add_task("", total=total, completed=done, done=done, of=total)
        self.bar.start()

    def moved(self, place: int, share: float) -> None:
        """Moves the bar."""
        self.shares[place] = share
        self._draw()

    def finished(self, place: int, line: str) -> None:
        """Prints the line above the bar."""
        self.shares.pop(place, None)
        super().finished(place, line)
        self._draw()

    def _draw(self) -> None:
        self.bar.update(self.task, completed=self.done + sum(list(self.shares.values())), done=self.done)

    def end(self) -> None:
        """Takes the bar away."""
        self.bar.stop()


def watcher(console: Console, *, silent: bool) -> Watcher:
    """The watcher that fits the console."""
    if silent:
        return Watcher()
    return Bar(console) if console.is_terminal else Lines(console)
