"""A mean whose weights are learned."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from unrolled.nn.part import State
from unrolled.nn.pooling.pooling import Pooling, zeros64
from unrolled.nn.pooling.running import running_sum
from unrolled.nn.unroll import valid_steps


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
        lowest = zeros64(like, batch, 1) + torch.finfo(torch.float64).min
        return lowest, zeros64(like, batch, 1), zeros64(like, batch, self.width)

    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Pooling`."""
        peak, weight, total = state
        scores = self.scores(outputs).double()  # [B, T, 1]
        highest = torch.maximum(peak, scores.amax(1))  # [B, 1]
        shrink = (peak - highest).exp()
        # in float64, and scores are bounded by Σ|v|: so no weight of an early step vanishes
        weights = (scores - highest[:, None]).exp()
        sums = (shrink * weight)[:, None] + running_sum(weights)
        totals = (shrink * total)[:, None] + running_sum(weights * outputs)
        return (totals / sums).to(outputs.dtype), (highest, sums[:, -1], totals[:, -1])
