"""Values as they are."""

from __future__ import annotations

from torch import Tensor

from unrolled.preparation.normalisation.normaliser import Normaliser


class NoNormaliser(Normaliser):
    """Leaves values as they are."""

    def set_statistics(self, mean: Tensor, deviation: Tensor) -> None:
        """Nothing is subtracted."""

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """[B, T, F] in the network's own type."""
        return inputs.to(self.shift.dtype)
