"""The first and the last output."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.part import State
from unrolled.nn.pooling.pooling import Pooling, zeros64
from unrolled.nn.pooling.running import at_each_step
from unrolled.nn.unroll import gather_last


class FirstLastPooling(Pooling):
    """Each direction's first output and its last, in the order in which it reads, side by side, [B, 2·H].

    The forward direction begins at the sequence's first step and ends at its last one, the backward direction the other
    way round. The last outputs are those of `LastPooling`.
    """

    state_names = ("count", "first")

    @property
    def output_size(self) -> int:
        """See `Pooling`."""
        return 2 * self.width

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        start, end = outputs[:, 0], gather_last(outputs, lengths)
        if not self.bidirectional:
            return torch.cat([start, end], -1)
        forward_start, backward_end = start.chunk(2, -1)
        forward_end, backward_start = end.chunk(2, -1)
        return torch.cat([forward_start, backward_start, forward_end, backward_end], -1)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """See `Pooling`."""
        return zeros64(like, batch, 1), like.new_zeros(batch, self.width)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        count, first = state
        first, last = torch.where(count > 0, first, outputs[:, 0]), at_each_step(outputs)
        return torch.cat([first[:, None].expand_as(last), last], -1), (count + outputs.shape[1], first)
