"""Normalisation of each sequence by its own statistics."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn import Obstacle, valid_steps
from unrolled.preparation.normalisation.normaliser import Normaliser, factor_of


class SequenceNormaliser(Normaliser):
    """Subtracts the mean of each channel over the sequence's own steps and divides by its deviation."""

    def set_statistics(self, mean: Tensor, deviation: Tensor) -> None:
        """Does nothing: each sequence has its own statistics."""

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[B, T, F], [B] → [B, T, F]."""
        assert lengths is not None  # noqa: S101  # its obstacle excludes single steps
        mean, deviation = own_statistics(inputs, lengths)
        return ((inputs - mean) * factor_of(mean, deviation)).to(self.shift.dtype)

    def normalised_mean(self, mean: Tensor) -> Tensor:
        """Zeros: the mean of a sequence in its own unit."""
        return torch.zeros_like(mean)

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Normaliser`."""
        return (1 / factor_of(*own_statistics(inputs, lengths))).to(inputs.dtype)

    @property
    def obstacle(self) -> Obstacle:
        """See `Part.obstacle`."""
        return Obstacle(
            "standardises each sequence by its own mean, which is known only at its end", "with --normalisation channel"
        )


def own_statistics(inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over each sequence's own steps, [B, 1, F] each, in float64.

    Missing values (NaN) do not count; a channel without values has the mean 0.

    Args:
        inputs: [B, T, F].
        lengths: [B].
    """
    counted = valid_steps(lengths, inputs.shape[1])[:, :, None] & ~inputs.isnan()
    count = counted.sum(1, keepdim=True).clamp(min=1)
    mean = inputs.where(counted, 0.0).sum(1, keepdim=True, dtype=torch.float64) / count
    squares = (inputs - mean).square().where(counted, 0.0)  # float64
    return mean, (squares.sum(1, keepdim=True) / count).sqrt()
