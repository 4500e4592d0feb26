"""Segment means: a coarse summary of a sequence, which bypasses the recurrence and goes to the output layer."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.part import Obstacle, Part


class SegmentMeans(Part):
    """The means of equal parts of a sequence.

    Part k of S covers the steps ⌊k T / S⌋ … ⌈(k + 1) T / S⌉ − 1 of T, as in adaptive average pooling (PyTorch's
    ``adaptive_avg_pool1d``): every part has a step, however short the sequence is, and neighbours share one where S
    does not divide T. The output layer on them is a logistic regression on the whole sequence, coarse in time.

    Args:
        count: S.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, F], [B] → [B, S·F], one part after another."""
        steps = torch.arange(values.shape[1], device=values.device)
        parts = torch.arange(self.count, device=values.device)
        starts = torch.div(parts * lengths[:, None], self.count, rounding_mode="floor")  # [B, S]
        ends = torch.div((parts + 1) * lengths[:, None] + self.count - 1, self.count, rounding_mode="floor")
        inside = (steps >= starts[:, :, None]) & (steps < ends[:, :, None])
        shares = inside.to(values.dtype) / (ends - starts)[:, :, None]  # [B, S, T]
        known = values.where((steps < lengths[:, None])[:, :, None], 0.0)  # padding may hold anything
        return (shares @ known).flatten(1)

    @property
    def obstacle(self) -> Obstacle:
        """See `Part.obstacle`."""
        reason = f"reads the means of {self.count} parts of a sequence, which end where its length is known"
        return Obstacle(reason, "with --skip-segments 0")

    @property
    def words(self) -> str:
        """See `Part.words`."""
        return f"the means of {self.count} parts beside it"
