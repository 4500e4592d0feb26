"""The gated recurrent unit of its paper."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.nn.cells.cell import Cell, Gates, Operator, masked
from unrolled.nn.part import State


class GRUResetBefore(Cell):
    """Gated recurrent unit of the paper (Cho et al. 2014, arXiv 1406.1078): the reset before the product.

        r  = σ(W_r x + U_r h + b_r)
        z  = σ(W_z x + U_z h + b_z)
        n  = tanh(W_n x + U_n (r ∘ h) + b_n)
        h' = (1 − z) ∘ n + z ∘ h

    Keras calls this ``reset_after=False``, ONNX ``linear_before_reset=0``; PyTorch does not have it.
    """

    gates = "rzn"
    operator = Operator("GRU", "zrn", ("Sigmoid", "Tanh"), {"linear_before_reset": 0})
    title = "a GRU"
    account = "a GRU, whose gates decide how much of the old state to keep"

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        (h,) = state
        wx_r, wx_z, wx_n = wx.chunk(3, -1)
        U_rz, U_n = self.U.tensor_split((2 * self.hidden_size,))
        h_masked = masked(h, mask)
        uh_r, uh_z = F.linear(h_masked, U_rz).chunk(2, -1)
        r = torch.sigmoid(wx_r + uh_r)
        z = torch.sigmoid(wx_z + uh_z)
        n = torch.tanh(wx_n + F.linear(r * h_masked, U_n))
        return ((1 - z) * n + z * h,), (r, z, n)
