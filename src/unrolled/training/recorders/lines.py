"""Figures of steps: sent from the device when a line is due, read when they have long arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unrolled.config import TrainConfig
from unrolled.training.state import StepLog


class Figures:
    """Losses and right answers of some steps, on their way to the host; whoever reads them waits for them.

    Args:
        losses, correct: of each step, scalars on the device.
    """

    def __init__(self, losses: Sequence[Tensor], correct: Sequence[Tensor]) -> None:
        self._losses = torch.stack(list(losses)).to("cpu", non_blocking=True)
        self._correct = torch.stack(list(correct)).to("cpu", non_blocking=True)
        self._arrived: torch.cuda.Event | None = None
        if losses[0].device.type == "cuda":
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    def wait(self) -> None:
        """Until they have arrived; on the CPU they are there at once."""
        if self._arrived is not None:
            self._arrived.synchronize()

    @property
    def losses(self) -> Tensor:
        """[steps], float64."""
        self.wait()
        return self._losses.double()

    @property
    def right(self) -> int:
        """Right answers of all the steps."""
        self.wait()
        return int(self._correct.sum())

    def first_not_finite(self) -> int | None:
        """Which step was the first whose loss is not finite, from 0; None where all are."""
        wrong = torch.nonzero(~torch.isfinite(self.losses))
        return int(wrong[0]) if len(wrong) else None


@dataclass(frozen=True)
class Line:
    """A line of training figures that is due, but for what the device still has to tell.

    Attributes:
        step: updates done.
        epoch: number of the pass, from 1.
        sequences: sequences seen.
        counts: sequences of each step since the line before.
        figures: of these steps.
        learning_rate: of the last of them.
        seconds: of training so far.
    """

    step: int
    epoch: int
    sequences: int
    counts: list[int]
    figures: Figures
    learning_rate: float
    seconds: float

    @property
    def first_step(self) -> int:
        """The number of its first step, from 0."""
        return self.step - len(self.counts)

    def log(self, config: TrainConfig) -> StepLog:
        """The whole line; waits until the device has told."""
        return StepLog(
            step=self.step,
            epoch=self.epoch,
            sequences=self.sequences,
            loss=mean_loss(self.figures.losses, self.counts, config),
            accuracy=self.figures.right / sum(self.counts),
            learning_rate=self.learning_rate,
            seconds=self.seconds,
        )


def mean_loss(losses: Tensor, counts: Sequence[int], config: TrainConfig) -> float:
    """The mean over sequences, from the batches' means or sums.

    Args:
        losses: of each batch, float64.
        counts: sequences of each batch.
        config: says which it is.
    """
    if config.loss == "sum":
        return float(losses.sum()) / sum(counts)
    weights = torch.tensor(counts, dtype=torch.float64)
    return float((losses * weights).sum()) / sum(counts)
