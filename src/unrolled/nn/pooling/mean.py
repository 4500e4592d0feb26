"""The mean output."""

from __future__ import annotations

from torch import Tensor

from unrolled.nn.part import State
from unrolled.nn.pooling.pooling import Pooling, zeros64
from unrolled.nn.pooling.running import running_count, running_sum
from unrolled.nn.unroll import mean_output


class MeanPooling(Pooling):
    """The mean of the outputs over the sequence's steps."""

    reads = "mean"
    state_names = ("count", "sum")

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        return mean_output(outputs, lengths)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """See `Pooling`."""
        return zeros64(like, batch, 1), zeros64(like, batch, self.width)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        count, total = state
        counts = count[:, None] + running_count(outputs)  # [B, T, 1]
        totals = total[:, None] + running_sum(outputs)
        return (totals / counts).to(outputs.dtype), (counts[:, -1], totals[:, -1])
