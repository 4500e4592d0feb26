"""Robust normalisation, then a logarithm of the size that keeps the sign."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.preparation.normalisation.robust import RobustNormaliser


class SignedLogNormaliser(RobustNormaliser):
    """z ↦ sign(z) log(1 + |z|) of values z that the robust normalisation gives: for heavy tails on both sides.

    Near 0 it changes little; far away only the order of magnitude counts.
    """

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Values, [B, T, F] → [B, T, F]."""
        values = super().forward(inputs, lengths)
        size = values.abs().log1p()
        return torch.where(values > 0, size, 0.0 - size)

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """The change of each value that raises what the network reads by 1, [B, T, F]."""
        raised = self(inputs) + 1.0
        values = torch.where(raised > 0, raised.abs().expm1(), -raised.abs().expm1())
        return (values - super().forward(inputs)) / self.factor
