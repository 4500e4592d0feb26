"""Figures of updates: sent from the device when a line is due, read when they have long arrived."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unrolled.config import TrainConfig


class StepFigures:
    """Losses and right answers of successive updates, on their way to the host; a reader waits until they are there.

    Args:
        step: updates done when the last of these was.
        losses, correct: of each update, scalars on the device.
        counts: sequences of each update.
    """

    def __init__(self, step: int, losses: Sequence[Tensor], correct: Sequence[Tensor], counts: Sequence[int]) -> None:
        self.step, self.counts = step, counts
        self._losses = torch.stack(list(losses)).to("cpu", non_blocking=True)
        self._correct = torch.stack(list(correct)).to("cpu", non_blocking=True)
        self._arrived: torch.cuda.Event | None = None
        if losses[0].device.type == "cuda":
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    @property
    def losses(self) -> Tensor:
        """The loss of each update, [steps], float64."""
        return self._read(self._losses).double()

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return int(self._read(self._correct).sum()) / sum(self.counts)

    def mean_loss(self, config: TrainConfig) -> float:
        """The mean over sequences, from the batches' means or sums, whichever ``config`` says they are."""
        weights = (
            1.0 if config.loss == "sum" else torch.tensor(self.counts, dtype=torch.float64, device=self.losses.device)
        )
        return float((self.losses * weights).sum()) / sum(self.counts)

    def first_not_finite(self) -> tuple[int, float] | None:
        """The first update whose loss is not finite, counted from 0 in the whole training, and its loss."""
        losses = self.losses
        wrong = torch.nonzero(~torch.isfinite(losses))
        if not len(wrong):
            return None
        return self.step - len(losses) + int(wrong[0]), float(losses[wrong[0]])

    def _read(self, values: Tensor) -> Tensor:
        if self._arrived is not None:
            self._arrived.synchronize()
        return values
