"""One time step of each recurrent cell.

Letters, in the equations and in the code:

    x  input at this step [B, F]            W  weights of the input [G·H, F]
    h  output, and state, [B, H]            U  weights of the state [G·H, H]
    c  memory of an LSTM [B, H]             b  bias [G·H]
    σ  logistic function                    ∘  product of each value with its partner

The G blocks of W, U and b stand in the order that the class's ``gates`` gives, which is PyTorch's. The
input's part of every gate, W x + b, does not depend on the state: `Cell.project` computes it for all
steps at once, and `Cell.open_step` takes it from there.

There is one bias where PyTorch keeps two that are only ever added (``bias_ih + bias_hh``): two would
learn at twice the rate under Adam, which is not what the equations or the older libraries do.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.config import CellName

State = tuple[Tensor, ...]
"""What a cell carries from step to step, each [B, H]; the first is its output h."""

Gates = tuple[Tensor, ...]
"""The values of a cell's gates at a step, each [B, H], in the order that the class's ``gates`` gives."""


class Cell(nn.Module):
    """What all cells share: W, U and b, and the input's part of the gates.

    Args:
        input_size: F.
        hidden_size: H.
    """

    gates: ClassVar[str]
    state_names: ClassVar[tuple[str, ...]] = ("h",)

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        width = len(self.gates) * hidden_size
        self.W = nn.Parameter(torch.empty(width, input_size))
        self.U = nn.Parameter(torch.empty(width, hidden_size))
        self.b = nn.Parameter(torch.zeros(width))

    def project(self, x: Tensor) -> Tensor:
        """The input's part of every gate, [..., F] → [..., G·H]."""
        return F.linear(x, self.W, self.b)

    def step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> State:
        """The state after one step.

        Args:
            wx: the input's part of the gates, `project` of x, [B, G·H].
            state: the state before, each [B, H].
            mask: factors for the h that enters U h, [B, H]: recurrent dropout in the way of Gal and
                Ghahramani (2016, arXiv 1512.05287), the same at every step. The state that is
                carried on is not masked.
        """
        return self.open_step(wx, state, mask)[0]

    @abstractmethod
    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """As `step`, and the values of the gates beside the state: the equations, for whoever looks inside."""

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Zeros for each part of the state, [B, H], of ``like``'s type and device."""
        return tuple(like.new_zeros(batch, self.hidden_size) for _ in self.state_names)

    def extra_repr(self) -> str:
        """Sizes, for printing."""
        return f"input_size={self.input_size}, hidden_size={self.hidden_size}"


class SimpleRNN(Cell):
    """Elman's network (1990, Cognitive Science 14).

    h' = tanh(W x + U h + b)
    """

    gates = "h"

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        (h,) = state
        h = self.activation(wx + F.linear(_masked(h, mask), self.U))
        return (h,), (h,)

    def activation(self, value: Tensor) -> Tensor:
        """tanh."""
        return torch.tanh(value)


class ReluRNN(SimpleRNN):
    """The simple network with a rectifier (Le, Jaitly and Hinton 2015, arXiv 1504.00941).

    h' = max(0, W x + U h + b)
    """

    def activation(self, value: Tensor) -> Tensor:
        """max(0, ·)."""
        return torch.relu(value)


class GRU(Cell):
    """Gated recurrent unit with the reset after the product, as cuDNN, PyTorch and Keras 2+ have it.

        r  = σ(W_r x + U_r h + b_r)
        z  = σ(W_z x + U_z h + b_z)
        n  = tanh(W_n x + b_n + r ∘ (U_n h + b_u))
        h' = (1 − z) ∘ n + z ∘ h

    It needs the second bias b_u [H], which the reset gate multiplies. Keras calls this
    ``reset_after=True`` and names z ∘ h what Cho et al. name it; some texts exchange z and 1 − z.
    """

    gates = "rzn"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.b_u = nn.Parameter(torch.zeros(hidden_size))

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        (h,) = state
        wx_r, wx_z, wx_n = wx.chunk(3, -1)
        uh_r, uh_z, uh_n = F.linear(_masked(h, mask), self.U).chunk(3, -1)
        r = torch.sigmoid(wx_r + uh_r)
        z = torch.sigmoid(wx_z + uh_z)
        n = torch.tanh(wx_n + r * (uh_n + self.b_u))
        return ((1 - z) * n + z * h,), (r, z, n)


class GRUResetBefore(Cell):
    """Gated recurrent unit of the paper (Cho et al. 2014, arXiv 1406.1078): the reset before the product.

        r  = σ(W_r x + U_r h + b_r)
        z  = σ(W_z x + U_z h + b_z)
        n  = tanh(W_n x + U_n (r ∘ h) + b_n)
        h' = (1 − z) ∘ n + z ∘ h

    Keras calls this ``reset_after=False``, ONNX ``linear_before_reset=0``; PyTorch does not have it.
    """

    gates = "rzn"

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        (h,) = state
        wx_r, wx_z, wx_n = wx.chunk(3, -1)
        U_rz, U_n = self.U.tensor_split((2 * self.hidden_size,))
        masked = _masked(h, mask)
        uh_r, uh_z = F.linear(masked, U_rz).chunk(2, -1)
        r = torch.sigmoid(wx_r + uh_r)
        z = torch.sigmoid(wx_z + uh_z)
        n = torch.tanh(wx_n + F.linear(r * masked, U_n))
        return ((1 - z) * n + z * h,), (r, z, n)


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

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        h, c = state
        i, f, g, o = (wx + F.linear(_masked(h, mask), self.U)).chunk(4, -1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = f * c + i * g
        return (o * torch.tanh(c), c), (i, f, g, o)


class PeepholeLSTM(Cell):
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

    gates = "ifgo"
    state_names = ("h", "c")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.p = nn.Parameter(torch.zeros(3, hidden_size))

    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """See `Cell.open_step`."""
        h, c = state
        p_i, p_f, p_o = self.p
        i, f, g, o = (wx + F.linear(_masked(h, mask), self.U)).chunk(4, -1)
        i, f, g = torch.sigmoid(i + p_i * c), torch.sigmoid(f + p_f * c), torch.tanh(g)
        c = f * c + i * g
        o = torch.sigmoid(o + p_o * c)
        return (o * torch.tanh(c), c), (i, f, g, o)


class LayerNormLSTM(Cell):
    """LSTM with layer normalisation (Ba, Kiros and Hinton 2016, arXiv 1607.06450, equations 20 to 22).

        i, f, g, o = LN(W x; γ_x) + LN(U h; γ_h) + b
        c' = σ(f) ∘ c + σ(i) ∘ tanh(g)
        h' = σ(o) ∘ tanh(LN(c'; γ_c) + β_c)

    LN(a; γ) = γ ∘ (a − mean a) / sqrt(var a + 1e-5); the first two take all 4·H values of a step
    together, as the paper's code does. Their shifts would only add to b and are left out.
    """

    gates = "ifgo"
    state_names = ("h", "c")

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
        uh = F.layer_norm(F.linear(_masked(h, mask), self.U), self.gamma_h.shape, self.gamma_h)
        i, f, g, o = (wx + uh).chunk(4, -1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = f * c + i * g
        normed = F.layer_norm(c, self.gamma_c.shape, self.gamma_c, self.beta_c)
        return (o * torch.tanh(normed), c), (i, f, g, o)


CELLS: dict[CellName, type[Cell]] = {
    "rnn": SimpleRNN,
    "rnn-relu": ReluRNN,
    "gru": GRU,
    "gru-reset-before": GRUResetBefore,
    "lstm": LSTM,
    "lstm-peephole": PeepholeLSTM,
    "lstm-layer-norm": LayerNormLSTM,
}


def _masked(h: Tensor, mask: Tensor | None) -> Tensor:
    return h if mask is None else h * mask
