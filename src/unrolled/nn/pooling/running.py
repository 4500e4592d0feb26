"""What is taken over the steps so far, after each step: [B, T, H] → [B, T, H].

A stream's answer is asked for after its last new step alone, so an export overrides these functions by what they give
there, [B, 1, H]: a sum in the place of a running sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.overriding import overridable


@overridable
def running_sum(values: Tensor) -> Tensor:
    """The sum of each value and those before it, in float64."""
    return values.cumsum(1, dtype=torch.float64)


@overridable
def running_max(values: Tensor) -> Tensor:
    """The largest of each value and those before it."""
    return values.cummax(1).values


@overridable
def running_min(values: Tensor) -> Tensor:
    """The least of each value and those before it."""
    return values.cummin(1).values


@overridable
def running_count(values: Tensor) -> Tensor:
    """How many steps there were, [T, 1], in float64."""
    return torch.arange(1, values.shape[1] + 1, device=values.device, dtype=torch.float64)[:, None]


@overridable
def at_each_step(values: Tensor) -> Tensor:
    """The values themselves: the last so far."""
    return values
