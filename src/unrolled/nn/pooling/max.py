"""The largest output."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.part import State
from unrolled.nn.pooling.pooling import Pooling
from unrolled.nn.pooling.running import running_max
from unrolled.nn.unroll import valid_steps


class MaxPooling(Pooling):
    """The largest output of each unit over the sequence's steps."""

    state_names = ("max",)

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        valid = valid_steps(lengths, outputs.shape[1])[:, :, None]
        return outputs.where(valid, -torch.inf).amax(1)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """See `Pooling`."""
        return (like.new_full((batch, self.width), torch.finfo(like.dtype).min),)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        (largest,) = state
        pooled = torch.maximum(largest[:, None], running_max(outputs))
        return pooled, (pooled[:, -1],)
