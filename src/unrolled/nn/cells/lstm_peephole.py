"""Long short-term memory with peepholes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.nn.cells.cell import Gates, Operator, masked
from unrolled.nn.cells.lstm import LSTM
from unrolled.nn.part import State


class PeepholeLSTM(LSTM):
    """LSTM whose gates see the memory (Gers, Schraudolph and Schmidhuber 2002, JMLR 3).

        i  = σ(W_i x + U_i h + p_i ∘ c  + b_i)
        f  = σ(W_f x + U_f h + p_f ∘ c  + b_f)
        g  = tanh(W_g x + U_g h + b_g)
        c' = f ∘ c + i ∘ g
        o  = σ(W_o x + U_o h + p_o ∘ c' + b_o)
        h' = o ∘ tanh(c')

    The peephole weights p [3, H] are one a unit, in the order i, f, o, as in TensorFlow 1's
    ``LSTMCell(use_peepholes=True)`` and ONNX's input P (which orders i, o, f).
    """

    operator = Operator("LSTM", "iofg", ("Sigmoid", "Tanh", "Tanh"), peepholes="p")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.p = nn.Parameter(torch.zeros(3, hidden_size))

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        h, c = state
        p_i, p_f, p_o = self.p
        i, f, g, o = (wx + F.linear(masked(h, mask), self.U)).chunk(4, -1)
        i, f, g = torch.sigmoid(i + p_i * c), torch.sigmoid(f + p_f * c), torch.tanh(g)
        c = f * c + i * g
        o = torch.sigmoid(o + p_o * c)
        return (o * torch.tanh(c), c), (i, f, g, o)
