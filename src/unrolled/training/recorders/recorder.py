"""Observers of a training: each sees the same events and none can change it.

A recorder is told when the training begins, of every update, of every line of figures, of every pass, of
the end, and of the figures on the test data. Writing files, drawing bars and printing are all recorders.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from unrolled.data.batches import Batch
from unrolled.storage import write_bytes, writing
from unrolled.training.plan import Plan
from unrolled.training.state import EpochLog, StepLog, TrainState


class Recorder:
    """Does nothing at every event; the others say what they do at theirs.

    Example:
        >>> class Curve(unrolled.Recorder):
        ...     def __init__(self):
        ...         self.losses = []
        ...     def epoch(self, log, state):
        ...         self.losses.append(log.validation_loss)
        >>> curve = Curve()
        >>> run = unrolled.train(run.recipe, data=dataset, max_epochs=5, recorders=[curve])
        >>> len(curve.losses)
        5
    """

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Before the first step, or before the first one after a resume."""

    def updated(self, state: TrainState, batch: Batch) -> None:
        """After each update of the weights; must not read from the device without need."""

    def step(self, log: StepLog) -> None:
        """When a line of figures is due."""

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """After each pass and its validation."""

    def flush(self) -> None:
        """Before a checkpoint: what was recorded must be on the disk."""

    def end(self, state: TrainState) -> None:
        """When training ends, for whatever reason."""

    def figures(self, figures: Mapping[str, float]) -> None:
        """After the end of a whole training, its figures on the test data by name; never called without any."""


class Recorders(Recorder):
    """Several recorders as one."""

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self.recorders = tuple(recorders)

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Tells each."""
        for recorder in self.recorders:
            recorder.begin(state, plan)

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Tells each."""
        for recorder in self.recorders:
            recorder.updated(state, batch)

    def step(self, log: StepLog) -> None:
        """Tells each."""
        for recorder in self.recorders:
            recorder.step(log)

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Tells each."""
        for recorder in self.recorders:
            recorder.epoch(log, state)

    def flush(self) -> None:
        """Tells each."""
        for recorder in self.recorders:
            recorder.flush()

    def end(self, state: TrainState) -> None:
        """Tells each, even where one fails."""
        with ExitStack() as stack:
            for recorder in reversed(self.recorders):
                stack.callback(recorder.end, state)

    def figures(self, figures: Mapping[str, float]) -> None:
        """Tells each."""
        for recorder in self.recorders:
            recorder.figures(figures)


class MetricsFile(Recorder):
    """``metrics.jsonl``: a JSON object for each line of figures and for each pass.

    After a resume the lines that the checkpoint does not know are cut off: they will come again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Opens the file behind the last line that belongs to the state."""
        del plan
        with writing(self.path):
            lines = self.path.read_bytes().splitlines(keepends=True) if self.path.exists() else []
            write_bytes(self.path, b"".join(line for line in lines if _known(line, state)))
            self.file = self.path.open("a", encoding="utf-8", buffering=1)

    def step(self, log: StepLog) -> None:
        """A line of the kind ``step``."""
        self._write({"event": "step", **asdict(log)})

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """A line of the kind ``epoch``."""
        del state
        self._write({"event": "epoch", **asdict(log)})

    def flush(self) -> None:
        """Brings the lines to the disk."""
        with writing(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())

    def end(self, state: TrainState) -> None:
        """Closes the file."""
        del state
        with writing(self.path):
            self.file.close()

    def _write(self, line: dict[str, object]) -> None:
        with writing(self.path):
            self.file.write(json.dumps(line) + "\n")


def _known(line: bytes, state: TrainState) -> bool:
    """Whether a line is whole and the state already knows it."""
    try:
        content = json.loads(line)
        done = state.epoch if content["event"] == "epoch" else state.step
        return line.endswith(b"\n") and int(content[content["event"]]) <= done
    except (ValueError, KeyError, TypeError):
        return False
