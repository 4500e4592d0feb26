"""`Recorder`: an observer of a training. All see the same events and none can change the training.

The events are the beginning, every update, every line of figures, every epoch, the end, and the figures on the test
data. What writes files, draws progress bars or prints is a recorder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from unrolled.data.batches import Batch
from unrolled.storage import write_bytes, writing
from unrolled.training.plan import Plan
from unrolled.training.state import EpochLog, StepLog, TrainState


class Recorder:
    """Does nothing at an event; a subclass overrides the events that it needs.

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
        """Before the first step, or before the first one after a resume; keeps the plan."""
        self.plan = plan

    def updated(self, state: TrainState, batch: Batch) -> None:
        """After each update of the weights. A read from the device makes the training wait for it."""

    def step(self, log: StepLog) -> None:
        """When a line of figures is due."""

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """After each epoch and its validation."""

    def flush(self) -> None:
        """Before a checkpoint: brings to the disk what was recorded so far."""

    def end(self, state: TrainState) -> None:
        """When training ends, for whatever reason."""

    def figures(self, figures: Mapping[str, float]) -> None:
        """After the end of a whole training, with its figures on the test data by name. Not called without any."""


class MetricsFile(Recorder):
    """``metrics.jsonl``: a JSON object for each line of figures, for each epoch, and for the end.

    After a resume the lines that came after the checkpoint are removed: the training writes them again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Opens the file behind the last line that belongs to the state."""
        with writing(self.path):
            lines = self.path.read_bytes().splitlines(keepends=True) if self.path.exists() else []
            write_bytes(self.path, b"".join(line for line in lines if _known(line, state)))
            self.file = self.path.open("a", encoding="utf-8", buffering=1)

    def step(self, log: StepLog) -> None:
        """A line of the kind ``step``."""
        self._write({"event": "step", **asdict(log)})

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """A line of the kind ``epoch``."""
        self._write({"event": "epoch", **asdict(log)})

    def flush(self) -> None:
        """Brings the lines to the disk."""
        with writing(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())

    def end(self, state: TrainState) -> None:
        """Closes the file, behind a line of the kind ``end`` where the training is complete."""
        if state.ending is not None:
            self._write({"event": "end", "step": state.step, "epoch": state.epoch, **state.ending.facts()})
        with writing(self.path):
            self.file.close()

    def _write(self, line: dict[str, object]) -> None:
        with writing(self.path):
            self.file.write(json.dumps(line) + "\n")


def _known(line: bytes, state: TrainState) -> bool:
    """Whether a line is complete and not from after the state."""
    try:
        content = json.loads(line)
        kind = str(content["event"])
        done = {"epoch": state.epoch, "step": state.step}  # other lines are written anew
        return line.endswith(b"\n") and kind in done and int(content[kind]) <= done[kind]
    except (ValueError, KeyError, TypeError):
        return False
