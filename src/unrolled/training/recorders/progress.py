"""The progress bar, and plain lines where there is no terminal."""

from __future__ import annotations

import time

from rich.console import Console

from unrolled.data.batches import Batch
from unrolled.runtime import bar
from unrolled.training.plan import Plan
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import EpochLog, StepLog, TrainState

_REFRESH_SECONDS = 0.2
_LINE_SECONDS = 5.0


class ProgressBar(Recorder):
    """Epoch, step, loss, accuracy, sequences per second and time left, in place on one line of 80 columns."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Draws the bar at the current update."""
        self.plan, self.drawn = plan, 0.0
        self.training, self.validation = "", ""
        self.started, self.first = time.perf_counter(), state.sequences
        figures = "{task.completed}/{task.total}{task.fields[figures]}"
        self.bar = bar(self.console, "epoch {task.fields[epoch]}/{task.fields[epochs]}", figures, width=10)
        self.task = self.bar.add_task(
            "", total=plan.total_steps, completed=state.step, epoch=state.epoch + 1, epochs=plan.epochs, figures=""
        )
        self.bar.start()

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Moves the bar, a few times a second."""
        now = time.perf_counter()
        if now - self.drawn < _REFRESH_SECONDS:
            return
        self.drawn = now
        rate = (state.sequences - self.first) / (now - self.started)
        self.bar.update(
            self.task,
            completed=state.step,
            epoch=min(state.epoch + 1, self.plan.epochs),
            figures=f"{self.training}{self.validation} {_short(rate)}/s",
        )

    def step(self, log: StepLog) -> None:
        """Notes the newest training figures."""
        self.training = f" loss {log.loss:.3f} acc {100 * log.accuracy:.1f} %"

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Notes the epoch's figures."""
        self.training = f" loss {log.train_loss:.3f} acc {100 * log.train_accuracy:.1f} %"
        if log.validation_accuracy is not None:
            self.validation = f" val {100 * log.validation_accuracy:.1f} %"

    def end(self, state: TrainState) -> None:
        """Removes the bar."""
        self.bar.update(self.task, completed=state.step)
        self.bar.stop()


class PlainLines(Recorder):
    """A line after an epoch, at most one every few seconds; for files and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last = time.perf_counter()
        self.pending: EpochLog | None = None

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Prints if the last line is a few seconds old."""
        self.pending, now = log, time.perf_counter()
        if now - self.last >= _LINE_SECONDS:
            self.last = now
            self._print(log)

    def end(self, state: TrainState) -> None:
        """Prints the last epoch if it is not printed yet."""
        if self.pending is not None:
            self._print(self.pending)

    def _print(self, log: EpochLog) -> None:
        self.pending = None
        self.console.print(
            f"epoch {log.epoch}/{self.plan.epochs}  step {log.step}/{self.plan.total_steps}{_figures(log)}  "
            f"{log.sequences / max(log.seconds, 1e-9):,.0f} sequences/s"
        )


def _figures(log: EpochLog) -> str:
    text = f"  loss {log.train_loss:.4f}  accuracy {100 * log.train_accuracy:.2f} %"
    if log.validation_loss is not None and log.validation_accuracy is not None:
        text += f"  validation: loss {log.validation_loss:.4f}, accuracy {100 * log.validation_accuracy:.2f} %"
    return text


def _short(rate: float) -> str:
    """Sequences per second in few characters."""
    return f"{rate / 1000:.1f}k" if rate >= 1000 else f"{rate:.0f}"
