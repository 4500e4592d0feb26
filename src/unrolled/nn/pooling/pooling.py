"""`Pooling`: the base class of poolings.

Each pooling has two methods with the same meaning: ``forward`` pools the whole sequence; ``advance`` gives the result
of ``forward`` for every prefix, from a state after the steps before. Padding does not count in the result.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from unrolled.nn.part import Part, State
from unrolled.nn.unroll import Reads


class Pooling(Part):
    """The outputs of all steps as one vector.

    Args:
        width: values of an output, H, or 2·H where both directions stand side by side.
        bidirectional: whether they do.
    """

    reads: ClassVar[Reads] = "outputs"
    """What a layer gives: all outputs, or already the pooled ones."""

    forgets: ClassVar[bool] = False
    """Whether the result can leave early steps behind, as in a stream that never ends."""

    def __init__(self, width: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.width, self.bidirectional = width, bidirectional

    @property
    def output_size(self) -> int:
        """Number of pooled values."""
        return self.width

    @abstractmethod
    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, H], [B] → [B, H], or as many values as ``output_size`` says."""

    @abstractmethod
    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, read forward, [B, T, H] → the pooled values after each, [B, T, H], and the new state.

        Sums are float64, so that a stream may be long. Running sums and maxima come from `unrolled.nn.pooling.running`,
        whose functions an export replaces by sums and maxima of a stream's new steps.
        """


def zeros64(like: Tensor, batch: int, width: int) -> Tensor:
    """A sum before the first step, [B, ·], in float64 on ``like``'s device."""
    return torch.zeros(batch, width, dtype=torch.float64, device=like.device)
