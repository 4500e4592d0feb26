"""Long short-term memory with one gate for keeping and letting in."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.nn.cells.cell import LETTERS, Gates, masked
from unrolled.nn.cells.lstm import LSTM
from unrolled.nn.part import State


class CoupledLSTM(LSTM):
    """LSTM whose input gate is what the forget gate leaves, 1 − f (Greff et al. 2015, arXiv 1503.04069, "CIFG").

        f  = σ(W_f x + U_f h + b_f)
        g  = tanh(W_g x + U_g h + b_g)
        c' = f ∘ c + (1 − f) ∘ g
        o  = σ(W_o x + U_o h + b_o)
        h' = o ∘ tanh(c')

    It has three quarters of an LSTM's weights, and the memory stays within ±1. Without the paper's peepholes.
    """

    gates = "fgo"
    letters = LETTERS | {"f": "f, forget gate: what is kept; 1 − f is let in"}

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        h, c = state
        f, g, o = (wx + F.linear(masked(h, mask), self.U)).chunk(3, -1)
        f, g, o = torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = f * c + (1 - f) * g
        return (o * torch.tanh(c), c), (f, g, o)
