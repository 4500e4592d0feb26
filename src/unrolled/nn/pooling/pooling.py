"""What all poolings share.

Each pooling has two methods with the same meaning: ``forward`` for the whole sequence, ``advance`` for
what forward would give if the sequence ended at each of its steps, carrying on from what was pooled of
the steps before. Padding does not count in forward's result.
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
    """What a layer has to give: where that is not all outputs, it is already what is pooled."""

    def __init__(self, width: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.width, self.bidirectional = width, bidirectional

    @property
    def output_size(self) -> int:
        """Values of what is pooled."""
        return self.width

    @abstractmethod
    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, H], [B] → [B, H], or as many values as ``output_size`` says."""

    @abstractmethod
    def advance(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, read forward, [B, T, H] → what is pooled after each, [B, T, H], and what is carried on.

        Sums are carried in float64, so that a stream may be long. What is taken over the steps so far is taken by the
        functions of `unrolled.nn.pooling.running`, which an export writes as sums and maxima of a stream's new steps.
        """

    def prefixes(self, outputs: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]: what ``forward`` gives for each prefix of outputs that were read forward."""
        return self.advance(outputs, self.initial_state(outputs, len(outputs)))[0]


def zeros64(like: Tensor, batch: int, width: int) -> Tensor:
    """A sum before the first step, [B, ·], in float64 on ``like``'s device."""
    return torch.zeros(batch, width, dtype=torch.float64, device=like.device)
