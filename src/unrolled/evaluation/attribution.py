"""The contribution of each step and channel: integrated gradients (Sundararajan, Taly and Yan 2017, arXiv 1703.01365).

    a = (x − x̄) ∘ ∫₀¹ ∂F(x̄ + α (x − x̄)) / ∂x dα

x is the input of the first layer, after normalisation, and x̄ is zero there: the average input, or an empty picture.
A network with layer normalisation jumps at zero, which no integral can follow; then x̄ is the mean of x over its steps.
F is the logit of the class less the mean of all logits, since a number added to all logits changes no probability.
The result is checked by the paper's completeness axiom, Σ a = F(x) − F(x̄).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from unrolled.network import Network
from unrolled.statistics import Doubles

TOLERANCE = 0.01
"""Largest relative distance of the sum from F(x) − F(x̄)."""

POINTS = (32, 128, 512)
"""Numbers of Gauss-Legendre points of the integral; each is tried if the smaller one is not exact enough."""

MOST_STEPS = 200_000
"""Most steps that are read, summed over all points; long sequences get fewer points."""

_STEPS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Attribution:
    """What each channel of each step adds to the score of a class.

    Attributes:
        channels: a, summed over what the preparation makes of a channel (its value, a mask, …), [T, F].
        difference: F(x) − F(x̄).
        points: number of points at which the gradient was computed.
        baseline: x̄: ``zero``, or the ``mean`` of x over its steps.
    """

    channels: Doubles
    difference: float
    points: int
    baseline: Literal["zero", "mean"]

    @property
    def steps(self) -> Doubles:
        """What each step adds, [T]."""
        found: Doubles = self.channels.sum(1)
        return found

    @property
    def error(self) -> float:
        """Relative distance of the sum from F(x) − F(x̄)."""
        return abs(float(self.steps.sum()) - self.difference) / max(abs(self.difference), 1e-6)

    @property
    def complete(self) -> bool:
        """Whether the sum agrees with F(x) − F(x̄) to 1 %."""
        return self.error <= TOLERANCE


def integrated_gradients(network: Network, inputs: Tensor, label: int) -> Attribution:
    """Computes what each channel of each step of a sequence adds to the score of a class.

    Args:
        network: in evaluation mode and on the CPU, since cuDNN has no gradients in that mode.
        inputs: one sequence as `Network.forward` takes it, [1, T, F].
        label: index of the class.
    Returns:
        The attribution, for each step even if the network reads several as one. It may not be `complete` for long
        sequences, or for a score with a large curvature.
    """
    with torch.no_grad():
        read, _ = network.entering(inputs, torch.tensor([inputs.shape[1]], device=inputs.device))  # [1, T, D]
    shape = (inputs.shape[1], inputs.shape[2])
    zero = _attribute(network, shape, read, torch.zeros_like(read), label)
    if zero.complete:
        return zero
    mean = _attribute(network, shape, read, read.mean(1, keepdim=True).expand_as(read), label)
    return replace(mean, baseline="mean") if mean.complete else zero


def _attribute(network: Network, shape: tuple[int, int], read: Tensor, baseline: Tensor, label: int) -> Attribution:
    """Attribution with as many points as needed, or as are affordable."""
    with torch.no_grad():
        ends = _scores(network, torch.cat([baseline, read]), label)
    difference = float(ends[1] - ends[0])
    affordable = [points for points in POINTS if points * read.shape[1] <= MOST_STEPS] or [8]
    for points in affordable:
        gradient = _integral(network, read, baseline, label, points)
        parts = _by_channel(gradient * (read - baseline)[0], network.frame_steps, *shape)
        found = Attribution(parts, difference, points, "zero")
        if found.complete:
            break
    return found


def _integral(network: Network, read: Tensor, baseline: Tensor, label: int, points: int) -> Tensor:
    """The mean gradient on the way from x̄ to x, [T, D]."""
    places, weights = np.polynomial.legendre.leggauss(points)
    alphas = torch.from_numpy((places + 1) / 2).to(read)
    shares = torch.from_numpy(weights / 2).to(read)
    size = max(1, _STEPS_AT_ONCE // read.shape[1])
    gradient = torch.zeros_like(read[0])
    for low in range(0, points, size):
        way = torch.lerp(baseline, read, alphas[low : low + size, None, None]).requires_grad_()
        (slope,) = torch.autograd.grad(_scores(network, way, label).sum(), way)
        gradient += torch.einsum("b,btd->td", shares[low : low + size], slope)
    return gradient


def _by_channel(parts: Tensor, frame: int, steps: int, channels: int) -> Doubles:
    """Sums the contributions of the first layer's input, [T', D], for each step and channel of the sequence, [T, F].

    A frame holds its steps one after the other; an incomplete last frame repeats the last step. A step holds all
    channels' values, then all their masks, and so on.
    """
    every: Doubles = parts.reshape(len(parts) * frame, -1, channels).sum(1).double().numpy()
    found = every[:steps].copy()
    found[-1] += every[steps:].sum(0)
    return found


def _scores(network: Network, read: Tensor, label: int) -> Tensor:
    """F of the first layer's input, [B, T, D] → [B]."""
    logits = network.answer(read, torch.full((len(read),), read.shape[1], device=read.device))
    return logits[:, label] - logits.mean(-1)
