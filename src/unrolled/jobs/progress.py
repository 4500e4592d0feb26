"""How far the training of a job is."""

from __future__ import annotations

import time
from collections.abc import Callable

from unrolled.data.batches import Batch
from unrolled.training import Plan, TrainState
from unrolled.training.recorders import Recorder

Moved = Callable[[float], None]
"""Is told how far a job is, 0 to 1."""

_TELL_SECONDS = 0.5


class Moving(Recorder):
    """Tells now and then how far a training is."""

    def __init__(self, moved: Moved) -> None:
        self.moved, self.told = moved, time.perf_counter()

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Learns how long it will be."""
        del state
        self.total = plan.total_steps

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Tells, if it is time."""
        del batch
        now = time.perf_counter()
        if now - self.told >= _TELL_SECONDS:
            self.told = now
            self.moved(state.step / self.total)
