"""The channel's mean in the place of a missing value."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn import State
from unrolled.preparation.missing.filling import Filling


class MeanFilling(Filling):
    """Replaces a missing value by the channel's mean."""

    mean: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.register_buffer("mean", torch.zeros(channels))

    def set_mean(self, mean: Tensor) -> None:
        """See `Filling`."""
        self.mean.copy_(mean)

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Filling`."""
        return values.where(~values.isnan(), self.mean), state
