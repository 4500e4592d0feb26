"""The first part of a network for text: a learned vector for each character or word."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from unrolled.data import Sequences
from unrolled.nn import Part, State

LARGEST = 600
"""Most values of a vector whose size is not given."""


class Embedding(Part):
    """A row of V for each code, learned with the weights; code 0 is every token outside the vocabulary.

    V_0 starts at zero and stays there, since no training sequence holds code 0: an unknown token is a step without
    content.

    Args:
        symbols: number of codes, with code 0.
        size: values of a vector, E; by default the result of `embedding_size`.
    """

    def __init__(self, symbols: int, size: int | None = None) -> None:
        super().__init__()
        self.width = size or embedding_size(symbols)
        self.V = nn.Parameter(torch.zeros(symbols, self.width))

    def initialize(self, generator: Generator) -> None:
        """Draws V standard normal, so that steps have the spread of standardised numbers; V_0 is zero."""
        nn.init.normal_(self.V, generator=generator)
        with torch.no_grad():
            self.V[0] = 0.0

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:  # as `Preparation`
        """Codes, [B, T, 1], and [B] → [B, T, E]."""
        return F.embedding(inputs[:, :, 0].long(), self.V)

    def learn(self, train: Sequences) -> None:
        """Does nothing: the vectors are learned by training."""

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor | None:
        """None: codes have no unit."""
        return None

    def advance(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps: [B, T, 1] → [B, T, E]."""
        return F.embedding(inputs[:, :, 0].long(), self.V), state


def embedding_size(symbols: int) -> int:
    """1.6 · symbols^0.56, rounded, from 4 to `LARGEST`.

    This is fastai's rule of thumb for categories (Howard and Gugger 2020, arXiv 2002.04688).
    """
    return min(max(round(1.6 * math.pow(symbols, 0.56)), 4), LARGEST)
