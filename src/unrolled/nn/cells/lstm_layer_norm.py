"""Long short-term memory with layer normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.nn.cells.cell import Gates, masked
from unrolled.nn.cells.lstm import LSTM
from unrolled.nn.part import State


class LayerNormLSTM(LSTM):
    """LSTM with layer normalisation (Ba, Kiros and Hinton 2016, arXiv 1607.06450, equations 20 to 22).

        i, f, g, o = LN(W x; γ_x) + LN(U h; γ_h) + b
        c' = σ(f) ∘ c + σ(i) ∘ tanh(g)
        h' = σ(o) ∘ tanh(LN(c'; γ_c) + β_c)

    LN(a; γ) = γ ∘ (a − mean a) / sqrt(var a + 1e-5); the first two take all 4·H values of a step
    together, as the paper's code does. Their shifts would only add to b and are left out.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.gamma_x = nn.Parameter(torch.ones(4 * hidden_size))
        self.gamma_h = nn.Parameter(torch.ones(4 * hidden_size))
        self.gamma_c = nn.Parameter(torch.ones(hidden_size))
        self.beta_c = nn.Parameter(torch.zeros(hidden_size))

    def project(self, x: Tensor) -> Tensor:
        """LN(W x; γ_x) + b, [..., F] → [..., 4·H]."""
        return F.layer_norm(F.linear(x, self.W), self.gamma_x.shape, self.gamma_x, self.b)

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        h, c = state
        uh = F.layer_norm(F.linear(masked(h, mask), self.U), self.gamma_h.shape, self.gamma_h)
        i, f, g, o = (wx + uh).chunk(4, -1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = f * c + i * g
        normed = F.layer_norm(c, self.gamma_c.shape, self.gamma_c, self.beta_c)
        return (o * torch.tanh(normed), c), (i, f, g, o)
