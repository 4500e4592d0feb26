"""`Cell`: the base class of cells.

Letters, in the equations and in the code:

    x  input at this step [B, F]            W  weights of the input [G·H, F]
    h  output, and state, [B, H]            U  weights of the state [G·H, H]
    c  memory of an LSTM [B, H]             b  bias [G·H]
    σ  logistic function                    ∘  elementwise product

The G blocks of W, U and b stand in the order that the class's ``gates`` gives, which is PyTorch's. The
input's part of every gate, W x + b, does not depend on the state: `Cell.project` computes it for all
steps at once, and `Cell.open_step` adds the rest.

There is one bias where PyTorch adds two (``bias_ih + bias_hh``): two would learn at twice the rate under Adam, unlike
the equations and the older libraries.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.nn.part import Part, State

Gates = tuple[Tensor, ...]
"""The values of a cell's gates at a step, each [B, H], in the order that the class's ``gates`` gives."""

LETTERS = {
    "i": "i, input gate: what is let in",
    "f": "f, forget gate: what is kept",
    "g": "g, candidate for the memory",
    "o": "o, output gate: what is shown",
    "r": "r, reset gate: what the candidate sees",
    "z": "z, update gate: what is kept",
    "n": "n, candidate for the state",
    "c": "c, memory",
    "h": "h, output",
}
"""Meanings of the usual letters of gates and states."""


@dataclass(frozen=True)
class Operator:
    """ONNX's operator of a cell.

    Attributes:
        name: ``RNN``, ``GRU`` or ``LSTM``.
        order: the letters of the cell's gates in the operator's order of blocks.
        activations: of the gates and the values.
        attributes: further attributes of the operator.
        peepholes: the name of the weights [3, H] of gates that see the memory, in the order i, f, o.
    """

    name: str
    order: str
    activations: tuple[str, ...]
    attributes: Mapping[str, int] = field(default_factory=dict)
    peepholes: str = ""


class Cell(Part):
    """One step of a recurrence: W, U and b, and the input's part of the gates.

    Args:
        input_size: F.
        hidden_size: H.
    """

    gates: ClassVar[str]
    state_names: tuple[str, ...] = ("h",)
    fused: ClassVar[Callable[..., Any] | None] = None
    """PyTorch's function that computes exactly these equations over all steps."""
    operator: ClassVar[Operator | None] = None
    """ONNX's operator of exactly these equations; a cell without one is exported step by step."""
    letters: ClassVar[Mapping[str, str]] = LETTERS
    """Meanings of the letters of the gates and of the state."""
    switches: ClassVar[str] = "iforz"
    """Letters of gates between 0 and 1."""
    title: ClassVar[str] = "a recurrent network"
    """The usual name of a network of such cells."""
    account: ClassVar[str] = "a cell whose output is its next input"
    """A description of the cell for a beginner."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Resets ``fused`` and ``operator``, since the equations of a subclass may differ from its parent's."""
        super().__init_subclass__(**options)
        for name in ("fused", "operator"):
            if name not in vars(cls):
                setattr(cls, name, None)

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
                Ghahramani (2016, arXiv 1512.05287), the same at every step. The next state is not masked.
        """
        return self.open_step(wx, state, mask)[0]

    @abstractmethod
    def open_step(self, wx: Tensor, state: State, mask: Tensor | None = None) -> tuple[State, Gates]:
        """The equations: as `step`, and the values of the gates beside the state."""

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Zeros for each tensor of the state, [B, H], of ``like``'s type and device."""
        return tuple(like.new_zeros(batch, self.hidden_size) for _ in self.state_names)

    def second_bias(self) -> Tensor:
        """The bias in U h + b_h, [G·H], for operators with two biases; zeros by default."""
        return torch.zeros_like(self.b)

    def extra_repr(self) -> str:
        """Sizes, for printing."""
        return f"input_size={self.input_size}, hidden_size={self.hidden_size}"


def masked(h: Tensor, mask: Tensor | None) -> Tensor:
    """h, or its product with a mask of recurrent dropout."""
    return h if mask is None else h * mask
