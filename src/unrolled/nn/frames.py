"""Frames: several steps read as one, so that a long sequence becomes a short one of wider steps.

A recurrence forgets over hundreds of steps, and its cost grows with them. Stacking neighbouring steps
shortens a sequence without losing a value, as speech recognisers do with frames of 10 ms (Sak et al. 2015,
"Fast and Accurate Recurrent Neural Network Acoustic Models for Speech Recognition", section 3).
"""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.part import Obstacle, Part


class Frames(Part):
    """Reads several steps as one; where the last frame of a sequence is not full, its last step is repeated.

    Args:
        size: steps of a frame, K, at least 2.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, F], [B] → [B, ⌈T / K⌉, K·F], the steps of a frame one behind the other."""
        places = torch.arange((values.shape[1] + self.size - 1) // self.size * self.size, device=values.device)
        return take_beside(values, places, lengths, self.size)

    def count(self, lengths: Tensor) -> Tensor:
        """The lengths in frames, ⌈lengths / K⌉, [B]."""
        return torch.div(lengths + self.size - 1, self.size, rounding_mode="floor")

    @property
    def obstacle(self) -> Obstacle:
        """See `Part.obstacle`."""
        return Obstacle(f"reads {self.size} steps as one", "with --frame-steps 1")

    @property
    def words(self) -> str:
        """See `Part.words`."""
        return f"{self.size} steps at a time"

    @property
    def remark(self) -> str:
        """See `Part.remark`."""
        return f"It reads {self.size} steps as one, so they share a state."


def take_beside(values: Tensor, places: Tensor, lengths: Tensor, beside: int) -> Tensor:
    """The steps at these places, ``beside`` of them side by side.

    A place before the first step gives the first step, one after the last step the last; the padding is never read.

    Args:
        values: [B, T, F].
        places: [P · K].
        lengths: [B], each in 1..T.
        beside: K.
    Returns:
        [B, P, K·F].
    """
    source = places.clamp(min=0).minimum(lengths[:, None] - 1)  # [B, P · K]
    taken = values.gather(1, source[:, :, None].expand(-1, -1, values.shape[-1]))
    stacked: Tensor = taken.unflatten(1, (-1, beside)).flatten(2)
    return stacked


def automatic_frame(longest: int) -> int:
    """Steps of a frame such that the longest training sequence has at most `MOST_FRAMES` frames."""
    return -(-longest // MOST_FRAMES)


MOST_FRAMES = 512
"""Frames of a sequence at most. Shorter sequences are read step by step, which was better in cross-validation; see
docs/results.md."""
