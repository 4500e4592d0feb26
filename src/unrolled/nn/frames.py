"""Several steps read as one: long sequences as short ones of wider steps.

A recurrence forgets over hundreds of steps, and costs what its steps cost. Stacking neighbouring steps
shortens the way without losing a value, as speech recognisers do with frames of 10 ms (Sak et al. 2015,
"Fast and Accurate Recurrent Neural Network Acoustic Models for Speech Recognition", section 3).
"""

from __future__ import annotations

import torch
from torch import Tensor


def stack_frames(values: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Frames of ``size`` steps; where the last one of a sequence is not full, its last step is repeated.

    Args:
        values: [B, T, F].
        lengths: [B], each in 1..T.
        size: K.
    Returns:
        [B, ⌈T / K⌉, K·F], the steps of a frame one behind the other.
    """
    if size == 1:
        return values
    count, steps, channels = values.shape
    frames = -(-steps // size)
    places = torch.arange(frames * size, device=values.device)
    return take_steps(values, places, lengths).reshape(count, frames, size * channels)


def take_steps(values: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
    """The steps at these places; beyond an end of a sequence stands its first or last one, whatever the padding holds.

    Args:
        values: [B, T, F].
        places: [P].
        lengths: [B], each in 1..T.
    Returns:
        [B, P, F].
    """
    source = places.clamp(min=0).minimum(lengths[:, None] - 1)  # [B, P]
    return values.gather(1, source[:, :, None].expand(-1, -1, values.shape[-1]))


def count_frames(lengths: Tensor, size: int) -> Tensor:
    """The lengths in frames, ⌈lengths / K⌉, [B]."""
    return lengths if size == 1 else torch.div(lengths + size - 1, size, rounding_mode="floor")


def automatic_frame(longest: int) -> int:
    """Steps of a frame such that the longest training sequence has at most `MOST_FRAMES` of them."""
    return -(-longest // MOST_FRAMES)


MOST_FRAMES = 512
"""Shorter sequences are read step by step, which was better in cross-validation; see docs/results.md."""
