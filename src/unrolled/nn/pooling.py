"""How the outputs of all steps become one vector, and how they would after every prefix.

Each pooling has two methods with the same meaning: ``forward`` for the whole sequence, ``advance`` for
what forward would give if the sequence ended at each of its steps, carrying on from what was pooled of
the steps before. Padding counts in forward's result not at all.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from unrolled.config import PoolingName
from unrolled.nn.cells import State
from unrolled.nn.statistics import LEAST_VARIANCE, sequence_statistics
from unrolled.nn.unroll import Reads, gather_last, mean_output, valid_steps


class Pooling(nn.Module):
    """What all poolings share.

    Args:
        width: values of an output, H, or 2·H where both directions stand side by side.
        bidirectional: whether they do.
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[Reads] = "outputs"
    """What a layer has to give: where that is not all outputs, it is already what is pooled."""

    def __init__(self, width: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.width, self.bidirectional = width, bidirectional

    @property
    def output_size(self) -> int:
        """Values of what is pooled."""
        return self.width

    def initialize(self, generator: Generator) -> None:
        """Draws the weights, where there are any."""

    @abstractmethod
    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, H], [B] → [B, H], or as many values as ``output_size`` says."""

    def initial_state(self, like: Tensor, batch: int) -> State:  # noqa: ARG002
        """What is carried before the first step: sums and counts, each [B, ·], on ``like``'s device."""
        return ()

    @abstractmethod
    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, read forward, [B, T, H] → what is pooled after each, [B, T, H], and what is carried on.

        Sums are carried in float64, so that a stream may be long.
        """

    def prefixes(self, outputs: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]: what ``forward`` gives for each prefix of outputs that were read forward."""
        return self.advance(outputs, self.initial_state(outputs, len(outputs)))[0]


class LastPooling(Pooling):
    """Each direction's own last output: forward's at the sequence's last step, backward's at its first."""

    reads = "last"

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        if not self.bidirectional:
            return gather_last(outputs, lengths)
        forward, backward = outputs.chunk(2, -1)
        return torch.cat([gather_last(forward, lengths), backward[:, 0]], -1)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        return outputs, state


class MeanPooling(Pooling):
    """The mean of the outputs over the sequence's steps."""

    reads = "mean"

    state_names = ("count", "sum")

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        return mean_output(outputs, lengths)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """See `Pooling`."""
        return _zeros(like, batch, 1), _zeros(like, batch, self.width)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        count, total = state
        steps = torch.arange(1, outputs.shape[1] + 1, device=outputs.device, dtype=torch.float64)
        counts = count[:, None] + steps[:, None]  # [B, T, 1]
        totals = total[:, None] + outputs.cumsum(1, dtype=torch.float64)
        return (totals / counts).to(outputs.dtype), (counts[:, -1], totals[:, -1])


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
        pooled = torch.maximum(largest[:, None], outputs.cummax(1).values)
        return pooled, (pooled[:, -1],)


class AttentionPooling(Pooling):
    """A weighted mean whose weights are learned (Bahdanau et al. 2014's additive score, one query).

    e_t = v · tanh(A h_t + a),   α = softmax over the sequence's steps of e,   pooled = Σ α_t h_t

    Read step by step, Σ exp(e_t − m) and Σ exp(e_t − m) h_t are carried, m the largest e so far: when it
    grows, both sums shrink by the same factor (Milakov and Gimelshein 2018, arXiv 1805.02867).
    """

    state_names = ("peak", "weight", "sum")

    def __init__(self, width: int, bidirectional: bool = False) -> None:
        super().__init__(width, bidirectional)
        self.A = nn.Linear(width, width)
        self.v = nn.Linear(width, 1, bias=False)

    def initialize(self, generator: Generator) -> None:
        """A and v Glorot-uniform, a zero."""
        nn.init.xavier_uniform_(self.A.weight, generator=generator)
        nn.init.zeros_(self.A.bias)
        nn.init.xavier_uniform_(self.v.weight, generator=generator)

    def scores(self, outputs: Tensor) -> Tensor:
        """e, [B, T, 1]."""
        scores: Tensor = self.v(torch.tanh(self.A(outputs)))
        return scores

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        valid = valid_steps(lengths, outputs.shape[1])[:, :, None]
        weights = self.scores(outputs).where(valid, -torch.inf).softmax(1)
        return (weights * outputs.where(valid, 0.0)).sum(1)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """See `Pooling`."""
        lowest = torch.full((batch, 1), torch.finfo(torch.float64).min, dtype=torch.float64, device=like.device)
        return lowest, _zeros(like, batch, 1), _zeros(like, batch, self.width)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        peak, weight, total = state
        scores = self.scores(outputs).double()  # [B, T, 1]
        highest = torch.maximum(peak, scores.amax(1))  # [B, 1]
        shrink = (peak - highest).exp()
        # in float64, and scores are bounded by Σ|v|: so no weight of an early step vanishes
        weights = (scores - highest[:, None]).exp()
        sums = (shrink * weight)[:, None] + weights.cumsum(1)
        totals = (shrink * total)[:, None] + (weights * outputs).cumsum(1)
        return (totals / sums).to(outputs.dtype), (highest, sums[:, -1], totals[:, -1])


class StatisticsPooling(Pooling):
    """Eight statistics of each unit over the sequence's steps, side by side, [B, 8·H].

    Of its outputs h_t: the mean, the largest, the deviation √(mean of (h − mean)² + `LEAST_VARIANCE`), the last as
    `LastPooling` has it, and the least. Of their changes h_t − h_{t−1}, the first of which is 0: the largest, the
    least, and √(mean square + `LEAST_VARIANCE`). What a unit does over a sequence is more than its mean: how high it
    rises, how fast it moves and where it ends tell sequences apart that the mean does not.
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
        count, sums = _zeros(like, batch, 1), _zeros(like, batch, self.width)
        return count, sums, sums.clone(), zeros - most, zeros + most, zeros, sums.clone(), zeros.clone(), zeros.clone()

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        count, total, squares, largest, least, previous, moved, rise, fall = state
        before = torch.where(count > 0, previous, outputs[:, 0])
        changes = outputs.diff(dim=1, prepend=before[:, None])
        steps = torch.arange(1, outputs.shape[1] + 1, device=outputs.device, dtype=torch.float64)
        counts = count[:, None] + steps[:, None]  # [B, T, 1]
        totals = total[:, None] + outputs.cumsum(1, dtype=torch.float64)
        sums = squares[:, None] + outputs.double().square().cumsum(1)
        moves = moved[:, None] + changes.double().square().cumsum(1)
        mean = totals / counts
        deviation = ((sums / counts - mean.square()).clamp(min=0) + LEAST_VARIANCE).sqrt()
        movement = (moves / counts + LEAST_VARIANCE).sqrt()
        highest, rises = (
            torch.maximum(former[:, None], values.cummax(1).values)
            for former, values in ((largest, outputs), (rise, changes))
        )
        lowest, falls = (
            torch.minimum(former[:, None], values.cummin(1).values)
            for former, values in ((least, outputs), (fall, changes))
        )
        pooled = [mean, highest, deviation, outputs, lowest, rises, falls, movement]
        carried = (counts, totals, sums, highest, lowest, outputs, moves, rises, falls)
        return torch.cat([part.to(outputs.dtype) for part in pooled], -1), tuple(part[:, -1] for part in carried)


def _zeros(like: Tensor, batch: int, width: int) -> Tensor:
    return torch.zeros(batch, width, dtype=torch.float64, device=like.device)


POOLINGS: dict[PoolingName, type[Pooling]] = {
    "last": LastPooling,
    "mean": MeanPooling,
    "max": MaxPooling,
    "attention": AttentionPooling,
    "statistics": StatisticsPooling,
}
