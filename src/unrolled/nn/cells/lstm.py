"""Long short-term memory."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.nn.cells.cell import Cell, Gates, Operator, masked
from unrolled.nn.part import State


class LSTM(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000).

        i  = σ(W_i x + U_i h + b_i)
        f  = σ(W_f x + U_f h + b_f)
        g  = tanh(W_g x + U_g h + b_g)
        c' = f ∘ c + i ∘ g
        o  = σ(W_o x + U_o h + b_o)
        h' = o ∘ tanh(c')

    The forget gate's bias starts at ``forget_bias``. TensorFlow 1 adds the same number at every step to
    a bias that starts at zero, which is the same function and learns the same; Keras has 1, PyTorch 0.
    """

    gates = "ifgo"
    state_names = ("h", "c")
    fused = torch.lstm
    operator = Operator("LSTM", "iofg", ("Sigmoid", "Tanh", "Tanh"))
    title = "an LSTM"
    account = "an LSTM, whose gates decide what to keep, what to forget and what to show"

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        h, c = state
        i, f, g, o = (wx + F.linear(masked(h, mask), self.U)).chunk(4, -1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = f * c + i * g
        return (o * torch.tanh(c), c), (i, f, g, o)
