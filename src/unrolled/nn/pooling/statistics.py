"""Eight statistics of each unit over a sequence."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.part import State
from unrolled.nn.pooling.last import LastPooling
from unrolled.nn.pooling.pooling import Pooling, zeros64
from unrolled.nn.pooling.running import at_each_step, running_count, running_max, running_min, running_sum
from unrolled.nn.statistics import LEAST_VARIANCE, sequence_statistics


class StatisticsPooling(Pooling):
    """Eight statistics of each unit over the sequence's steps, side by side, [B, 8·H].

    Of its outputs h_t: the mean, the largest, the deviation √(mean of (h − mean)² + `LEAST_VARIANCE`), the last as
    `LastPooling` has it, and the least. Of their changes h_t − h_{t−1}, the first of which is 0: the largest, the
    least, and √(mean square + `LEAST_VARIANCE`). How high a unit rises, how fast it changes and where it ends separate
    sequences that its mean does not separate.
    """

    state_names = ("count", "sum", "squares", "max", "min", "previous", "changes", "rise", "fall")

    @property
    def output_size(self) -> int:
        """See `Pooling`."""
        return 8 * self.width

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        mean, largest, least, deviation, rise, fall, movement = sequence_statistics(outputs, lengths)
        last = LastPooling(self.width, self.bidirectional)(outputs, lengths)
        return torch.cat([mean, largest, deviation, last, least, rise, fall, movement], -1)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """See `Pooling`."""
        most, zeros = torch.finfo(like.dtype).max, like.new_zeros(batch, self.width)
        count, sums = zeros64(like, batch, 1), zeros64(like, batch, self.width)
        return count, sums, sums.clone(), zeros - most, zeros + most, zeros, sums.clone(), zeros.clone(), zeros.clone()

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        count, total, squares, largest, least, previous, moved, rise, fall = state
        before = torch.where(count > 0, previous, outputs[:, 0])
        changes = outputs.diff(dim=1, prepend=before[:, None])
        counts = count[:, None] + running_count(outputs)  # [B, T, 1]
        totals = total[:, None] + running_sum(outputs)
        sums = squares[:, None] + running_sum(outputs.double().square())
        moves = moved[:, None] + running_sum(changes.double().square())
        mean = totals / counts
        deviation = ((sums / counts - mean.square()).clamp(min=0) + LEAST_VARIANCE).sqrt()
        movement = (moves / counts + LEAST_VARIANCE).sqrt()
        highest, rises = (
            torch.maximum(former[:, None], running_max(values))
            for former, values in ((largest, outputs), (rise, changes))
        )
        lowest, falls = (
            torch.minimum(former[:, None], running_min(values))
            for former, values in ((least, outputs), (fall, changes))
        )
        last = at_each_step(outputs)
        pooled = [mean, highest, deviation, last, lowest, rises, falls, movement]
        carried = (counts, totals, sums, highest, lowest, last, moves, rises, falls)
        return torch.cat([part.to(outputs.dtype) for part in pooled], -1), tuple(part[:, -1] for part in carried)
