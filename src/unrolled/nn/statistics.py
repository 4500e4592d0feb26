"""Seven statistics of each unit over a sequence, and their gradients in closed form.

Written with PyTorch's own operators, their gradients pass over all steps some thirty times and take longer than the
recurrence itself. In closed form they are simple:

    mean       m = Σ h_t / T                         ∂/∂h_t = 1 / T
    deviation  s = √(Σ (h_t − m)² / T + ε)           ∂/∂h_t = (h_t − m) / (T s)
    largest, least                                   1 at the first step with that value
    changes    d_t = h_t − h_{t−1}, d_1 = 0          the gradient of d_t goes to h_t, and negated to h_{t−1}
    movement   r = √(Σ d_t² / T + ε)                 ∂/∂d_t = d_t / (T r)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.linalg import vector_norm
from torch.overrides import has_torch_function_unary

from unrolled.nn.unroll import mean_output, valid_steps

LEAST_VARIANCE = 1e-6
"""ε: keeps the gradient of the deviation finite where a unit is constant."""


def sequence_statistics(values: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
    """The mean, the largest, the least, the deviation; of the changes the largest, the least and the movement.

    Args:
        values: [B, T, H]; the padding does not count.
        lengths: [B], each in 1..T.
    Returns:
        Each [B, H].
    """
    if has_torch_function_unary(values):
        return plain_statistics(values, lengths)
    device = values.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        with torch.autocast(device, enabled=False):  # sums over many steps want float32
            return _statistics(values.float(), lengths)
    return _statistics(values, lengths)


def plain_statistics(values: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
    """The same by PyTorch's own operators, for an export and as the reference of the tests."""
    valid = valid_steps(lengths, values.shape[1])[:, :, None]
    changes = values.diff(dim=1, prepend=values[:, :1]).where(valid, 0.0)
    mean = mean_output(values, lengths)
    squares = [(values - mean[:, None]).square(), changes.square()]
    deviation, movement = ((mean_output(part, lengths) + LEAST_VARIANCE).sqrt() for part in squares)
    largest, least = values.where(valid, -torch.inf).amax(1), values.where(valid, torch.inf).amin(1)
    return mean, largest, least, deviation, changes.amax(1), changes.amin(1), movement


def _statistics(values: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
    found: tuple[Tensor, ...] = _Statistics.apply(values, lengths)  # type: ignore[no-untyped-call]
    return found


class _Statistics(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        valid = valid_steps(lengths, values.shape[1])[:, :, None]
        ragged = values.device.type != "cpu" or not bool(valid.all())  # asking a GPU would make every step wait
        count = lengths[:, None].to(values.dtype)
        known = values.where(valid, 0.0) if ragged else values
        changes = torch.zeros_like(known)
        torch.sub(known[:, 1:], known[:, :-1], out=changes[:, 1:])
        if ragged:
            changes.masked_fill_(~valid, 0.0)
        largest, highest_at = (values.where(valid, -torch.inf) if ragged else values).max(1)
        least, lowest_at = (values.where(valid, torch.inf) if ragged else values).min(1)
        rise, rise_at = changes.max(1)
        fall, fall_at = changes.min(1)
        mean = known.sum(1) / count
        distances = known - mean[:, None]
        if ragged:
            distances.masked_fill_(~valid, 0.0)
        deviation, movement = (
            (vector_norm(part, dim=1).square() / count + LEAST_VARIANCE).sqrt() for part in (distances, changes)
        )
        ctx.save_for_backward(
            distances, changes, valid, count, deviation, movement, highest_at, lowest_at, rise_at, fall_at
        )
        ctx.ragged = ragged
        return mean, largest, least, deviation, rise, fall, movement

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        distances, changes, valid, count, deviation, movement, *places = ctx.saved_tensors
        highest_at, lowest_at, rise_at, fall_at = (place[:, None] for place in places)
        for_mean, for_largest, for_least, for_deviation, for_rise, for_fall, for_movement = (
            gradient[:, None] for gradient in gradients
        )
        slope = torch.addcmul(for_mean / count[:, None], distances, for_deviation / (count * deviation)[:, None])
        for_changes = changes * (for_movement / (count * movement)[:, None])
        for_changes.scatter_add_(1, rise_at, for_rise).scatter_add_(1, fall_at, for_fall)
        for_changes[:, 0] = 0.0  # before the first step there is nothing
        slope += for_changes
        slope[:, :-1] -= for_changes[:, 1:]
        if ctx.ragged:
            slope.masked_fill_(~valid, 0.0)
        slope.scatter_add_(1, highest_at, for_largest).scatter_add_(1, lowest_at, for_least)
        return slope, None
