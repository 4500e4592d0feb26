"""A simple recurrent network, with tanh."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.nn.cells.cell import Cell, Gates, Operator, masked
from unrolled.nn.part import State


class SimpleRNN(Cell):
    """Elman's network (1990, Cognitive Science 14).

    h' = tanh(W x + U h + b)
    """

    gates = "h"
    fused = torch.rnn_tanh
    operator = Operator("RNN", "h", ("Tanh",))
    title = "a simple RNN"
    account = "a simple cell: one layer whose output is its next input"

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        (h,) = state
        h = self.activation(wx + F.linear(masked(h, mask), self.U))
        return (h,), (h,)

    def activation(self, value: Tensor) -> Tensor:
        """tanh."""
        return torch.tanh(value)
