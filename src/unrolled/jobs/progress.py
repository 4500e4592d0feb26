"""The progress of a training that is a job."""

from __future__ import annotations

import time
from collections.abc import Callable

from unrolled.data.batches import Batch
from unrolled.training import TrainState
from unrolled.training.recorders import Recorder

Progress = Callable[[float], None]
"""Takes the progress of a job, 0 to 1."""

_REPORT_SECONDS = 0.5


class ProgressRecorder(Recorder):
    """Reports the progress of a training, at most twice a second."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.reported = progress, time.perf_counter()

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Reports, if it is time."""
        now = time.perf_counter()
        if now - self.reported >= _REPORT_SECONDS:
            self.reported = now
            self.progress(state.step / self.plan.total_steps)
