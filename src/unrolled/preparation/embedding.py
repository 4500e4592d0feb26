"""Text as the recurrence reads it: a learned vector for each character or word."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from unrolled.data import Sequences
from unrolled.nn import Part, State

LARGEST = 600
"""Values of a vector at most, where the size is not given."""


class Embedding(Part):
    """A row of V for each code, learned with the weights; code 0 is every token that training never saw.

    V_0 starts at zero and stays there, since no training sequence holds it: an unknown token says nothing,
    but that a step has passed. What else a network does with text, it does to these vectors.

    Args:
        symbols: how many codes there are, the unknown one included.
        size: values of a vector, E; by default what `embedding_size` gives.
    """

    def __init__(self, symbols: int, size: int | None = None) -> None:
        super().__init__()
        self.width = size or embedding_size(symbols)
        self.V = nn.Parameter(torch.zeros(symbols, self.width))

    def initialize(self, generator: Generator) -> None:
        """V standard normal, so that a step's values are spread as standardised numbers are; V_0 zero."""
        nn.init.normal_(self.V, generator=generator)
        with torch.no_grad():
            self.V[0] = 0.0

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG002  # as `Preparation`
        """Codes, [B, T, 1], and [B] → [B, T, E]."""
        return F.embedding(inputs[:, :, 0].long(), self.V)

    def learn(self, train: Sequences) -> None:
        """Nothing is learned before the first step of the training."""

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor | None:  # noqa: ARG002
        """Codes have no unit."""
        return None

    def advance(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps: [B, T, 1] → [B, T, E]."""
        return F.embedding(inputs[:, :, 0].long(), self.V), state


def embedding_size(symbols: int) -> int:
    """1.6 · symbols^0.56, rounded, from 4 to `LARGEST`.

    A rule of thumb: the one that fastai takes for categories (Howard and Gugger 2020, arXiv 2002.04688).
    """
    return min(max(round(1.6 * math.pow(symbols, 0.56)), 4), LARGEST)
