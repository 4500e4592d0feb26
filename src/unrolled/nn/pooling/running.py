"""Running sums, maxima, minima and counts over the steps: [B, T, H] → [B, T, H].

An exported stream gives probabilities after its last new step only, so an export overrides these functions by their
last values, [B, 1, H]: a sum in the place of a running sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.overriding import overridable


@overridable
def running_sum(values: Tensor) -> Tensor:
    """The sum of each value and all before it, in float64."""
    return values.cumsum(1, dtype=torch.float64)


@overridable
def running_max(values: Tensor) -> Tensor:
    """The largest of each value and all before it."""
    return values.cummax(1).values


@overridable
def running_min(values: Tensor) -> Tensor:
    """The least of each value and all before it."""
    return values.cummin(1).values


@overridable
def running_count(values: Tensor) -> Tensor:
    """The number of each step, from 1, [T, 1], in float64."""
    return torch.arange(1, values.shape[1] + 1, device=values.device, dtype=torch.float64)[:, None]


@overridable
def at_each_step(values: Tensor) -> Tensor:
    """The values themselves, each the last of its prefix."""
    return values
