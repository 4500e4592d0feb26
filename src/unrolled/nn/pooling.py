"""How the outputs of all steps become one vector, and how they would after every prefix.

Each pooling has two methods with the same meaning: ``forward`` for the whole sequence, ``prefixes`` for
what forward would give if the sequence ended at each of its steps. Padding counts in neither.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Generator, Tensor, nn

from unrolled.config import PoolingName
from unrolled.nn.unroll import gather_last, valid_steps


class Pooling(nn.Module):
    """What all poolings share.

    Args:
        width: values of an output, H, or 2·H where both directions stand side by side.
        bidirectional: whether they do.
    """

    def __init__(self, width: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.width, self.bidirectional = width, bidirectional

    def initialize(self, generator: Generator) -> None:
        """Draws the weights, where there are any."""

    @abstractmethod
    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, H], [B] → [B, H]."""

    @abstractmethod
    def prefixes(self, outputs: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H], for outputs that were read forward."""


class LastPooling(Pooling):
    """Each direction's own last output: forward's at the sequence's last step, backward's at its first."""

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        if not self.bidirectional:
            return gather_last(outputs, lengths)
        forward, backward = outputs.chunk(2, -1)
        return torch.cat([gather_last(forward, lengths), backward[:, 0]], -1)

    def prefixes(self, outputs: Tensor) -> Tensor:
        """See `Pooling`."""
        return outputs


class MeanPooling(Pooling):
    """The mean of the outputs over the sequence's steps."""

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        valid = valid_steps(lengths, outputs.shape[1])[:, :, None]
        return outputs.where(valid, 0.0).sum(1) / lengths[:, None].to(outputs.dtype)

    def prefixes(self, outputs: Tensor) -> Tensor:
        """See `Pooling`."""
        counts = torch.arange(1, outputs.shape[1] + 1, device=outputs.device, dtype=outputs.dtype)
        return outputs.cumsum(1) / counts[:, None]


class MaxPooling(Pooling):
    """The largest output of each unit over the sequence's steps."""

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """See `Pooling`."""
        valid = valid_steps(lengths, outputs.shape[1])[:, :, None]
        return outputs.where(valid, -torch.inf).amax(1)

    def prefixes(self, outputs: Tensor) -> Tensor:
        """See `Pooling`."""
        return outputs.cummax(1).values


class AttentionPooling(Pooling):
    """A weighted mean whose weights are learned (Bahdanau et al. 2014's additive score, one query).

    e_t = v · tanh(A h_t + a),   α = softmax over the sequence's steps of e,   pooled = Σ α_t h_t
    """

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

    def prefixes(self, outputs: Tensor) -> Tensor:
        """See `Pooling`."""
        # running sums in float64: scores are bounded by Σ|v|, so no weight of an early step vanishes
        scores = self.scores(outputs).double()  # [B, T, 1]
        weights = (scores - scores.amax(1, keepdim=True)).exp()
        return ((weights * outputs).cumsum(1) / weights.cumsum(1)).to(outputs.dtype)


POOLINGS: dict[PoolingName, type[Pooling]] = {
    "last": LastPooling,
    "mean": MeanPooling,
    "max": MaxPooling,
    "attention": AttentionPooling,
}
