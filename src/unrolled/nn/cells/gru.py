"""The gated recurrent unit of the usual libraries."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.nn.cells.cell import Cell, Gates, Operator, masked
from unrolled.nn.part import State


class GRU(Cell):
    """Gated recurrent unit with the reset after the product, as in cuDNN, PyTorch and Keras 2+.

        r  = σ(W_r x + U_r h + b_r)
        z  = σ(W_z x + U_z h + b_z)
        n  = tanh(W_n x + b_n + r ∘ (U_n h + b_u))
        h' = (1 − z) ∘ n + z ∘ h

    It needs the second bias b_u [H], which the reset gate multiplies. Keras calls this
    ``reset_after=True`` and names z ∘ h what Cho et al. name it; some texts exchange z and 1 − z.
    """

    gates = "rzn"
    fused = torch.gru
    operator = Operator("GRU", "zrn", ("Sigmoid", "Tanh"), {"linear_before_reset": 1})
    title = "a GRU"
    account = "a GRU, whose gates decide how much of the old state to keep"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.b_u = nn.Parameter(torch.zeros(hidden_size))

    def second_bias(self) -> Tensor:
        """See `Cell.second_bias`: b_u."""
        return torch.cat([self.b.new_zeros(2 * self.hidden_size), self.b_u])

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        (h,) = state
        wx_r, wx_z, wx_n = wx.chunk(3, -1)
        uh_r, uh_z, uh_n = F.linear(masked(h, mask), self.U).chunk(3, -1)
        r = torch.sigmoid(wx_r + uh_r)
        z = torch.sigmoid(wx_z + uh_z)
        n = torch.tanh(wx_n + r * (uh_n + self.b_u))
        return ((1 - z) * n + z * h,), (r, z, n)
