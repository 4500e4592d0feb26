"""The last output."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.part import State
from unrolled.nn.pooling.pooling import Pooling
from unrolled.nn.pooling.running import at_each_step
from unrolled.nn.unroll import gather_last


class LastPooling(Pooling):
    """Each direction's own last output: forward's at the sequence's last step, backward's at its first."""

    reads = "last"
    forgets = True

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        if not self.bidirectional:
            return gather_last(outputs, lengths)
        forward, backward = outputs.chunk(2, -1)
        return torch.cat([gather_last(forward, lengths), backward[:, 0]], -1)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        return at_each_step(outputs), state
