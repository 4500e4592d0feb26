"""The base of all normalisations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.data import Sequences
from unrolled.nn import Part

Statistics = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""A mean and a standard deviation for each channel, [F] each."""


class Normaliser(Part):
    """(x − shift) ∘ factor by channel; learned from training data, saved with the weights.

    Padding is normalised too, without effect. Means and deviations never count a missing value.
    """

    shift: Tensor
    factor: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(channels))
        self.register_buffer("factor", torch.ones(channels))

    def statistics(self, train: Sequences, by_channel: Statistics) -> Statistics:
        """The mean to subtract and the deviation to divide by.

        Args:
            train: training data.
            by_channel: their statistics for each channel.
        """
        return by_channel

    def set_statistics(self, mean: Tensor, deviation: Tensor) -> None:
        """Sets the mean and the deviation of each channel, [F]; a constant channel is only shifted."""
        self.shift.copy_(mean)
        self.factor.copy_(factor_of(mean, deviation))

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Values, [B, T, F], and lengths, [B], if the rule needs whole sequences → [B, T, F]."""
        return (inputs - self.shift).mul_(self.factor)

    @property
    def affine(self) -> bool:
        """Whether the rule is exactly (x − shift) ∘ factor: for a class with a rule of its own it is not."""
        return type(self).forward is Normaliser.forward

    def normalised_mean(self, mean: Tensor) -> Tensor:
        """A channel's mean in the normalised unit, [F]."""
        return self(mean)  # type: ignore[no-any-return]

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """The size of a normalised 1 in the inputs: [F], or [B, 1, F] if each sequence has its own."""
        return 1 / self.factor


def factor_of(mean: Tensor, deviation: Tensor) -> Tensor:
    """The factor of standardisation: 1 / deviation, and 1 for a constant."""
    smallest = (1e-6 * mean.abs()).clamp(min=1e-30)  # below it float32 cannot tell values from the mean
    return torch.where(deviation > smallest, 1 / deviation, 1.0)
