"""No normalisation."""

from __future__ import annotations

from torch import Tensor

from unrolled.preparation.normalisation.normaliser import Normaliser


class NoNormaliser(Normaliser):
    """Leaves values as they are."""

    def set_statistics(self, mean: Tensor, deviation: Tensor) -> None:
        """Does nothing."""

    @property
    def affine(self) -> bool:
        """See `Normaliser`: the shift is 0, and the factor 1."""
        return True

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The inputs, [B, T, F], in the type of the network."""
        return inputs.to(self.shift.dtype)
