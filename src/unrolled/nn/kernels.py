"""Which kernel carries a cell over time on a device, and why.

A kernel is a function with the signature of `unroll`. The reference serves every cell; PyTorch's fused
kernels (oneDNN and its own on the CPU, cuDNN on CUDA) serve those that they have an equation for.
``UNROLLED_KERNEL=reference`` or ``torch`` chooses by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unrolled.errors import ConfigError, UnknownNameError
from unrolled.nn.cells import GRU, LSTM, Cell, ReluRNN, SimpleRNN, State
from unrolled.nn.unroll import unroll

Unroll = Callable[[Cell, Tensor, State | None, Tensor | None], tuple[Tensor, State]]


@dataclass(frozen=True)
class Kernel:
    """A way to carry a cell over time.

    Attributes:
        name: ``"reference"`` or ``"torch"``.
        reason: why it was chosen, as the end of a sentence.
        run: the function, with `unroll`'s signature.
    """

    name: str
    reason: str
    run: Unroll


def choose_kernel(cell: Cell, *, recurrent_dropout: float = 0.0, wish: str | None = None) -> Kernel:
    """The fastest kernel that computes this cell.

    Args:
        cell: the cell.
        recurrent_dropout: the share of state values dropped in training.
        wish: a kernel's name; by default the environment's ``UNROLLED_KERNEL``.
    Raises:
        UnknownNameError: for a wish that is no kernel.
        ConfigError: for a wish that cannot compute this cell.
    """
    wish = wish or os.environ.get("UNROLLED_KERNEL") or None
    if wish not in (None, "reference", "torch"):
        raise UnknownNameError("kernel", wish, ("reference", "torch"), "UNROLLED_KERNEL takes these.")
    if wish == "reference":
        return Kernel("reference", "chosen by hand", unroll)
    obstacle = _torch_obstacle(cell, recurrent_dropout)
    if obstacle is None:
        return Kernel("torch", "PyTorch has a fused kernel for this cell", _unroll_by_torch)
    if wish == "torch":
        raise ConfigError(f"UNROLLED_KERNEL=torch cannot serve here: {obstacle}. Unset it, or set reference.")
    return Kernel("reference", obstacle, unroll)


def _torch_obstacle(cell: Cell, recurrent_dropout: float) -> str | None:
    if type(cell) not in _TORCH:
        return f"PyTorch has no fused kernel for {type(cell).__name__}"
    if recurrent_dropout:
        return "PyTorch's fused kernels have no recurrent dropout"
    return None


def _unroll_by_torch(
    cell: Cell, inputs: Tensor, initial: State | None = None, mask: Tensor | None = None
) -> tuple[Tensor, State]:
    """`unroll` by PyTorch's fused kernel of the cell; recurrent masks are not among its abilities."""
    assert mask is None  # noqa: S101  # choose_kernel sees to it
    state = cell.initial_state(inputs, len(inputs)) if initial is None else initial
    return _TORCH[type(cell)](cell, inputs, tuple(part[None] for part in state))


def _weights(cell: Cell) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W, U and PyTorch's two biases; the second is zero, but for the reset GRU's own."""
    second = torch.zeros_like(cell.b)
    if isinstance(cell, GRU):
        second = torch.cat([second[: 2 * cell.hidden_size], cell.b_u])
    return cell.W, cell.U, cell.b, second


def _lstm(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    outputs, h, c = torch.lstm(inputs, state, _weights(cell), True, 1, 0.0, cell.training, False, True)
    return outputs, (h[0], c[0])


def _one_state(function: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., tuple[Tensor, State]]:
    def run(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        outputs, h = function(inputs, state[0], _weights(cell), True, 1, 0.0, cell.training, False, True)
        return outputs, (h[0],)

    return run


_TORCH: dict[type[Cell], Callable[[Cell, Tensor, State], tuple[Tensor, State]]] = {
    LSTM: _lstm,
    GRU: _one_state(torch.gru),
    SimpleRNN: _one_state(torch.rnn_tanh),
    ReluRNN: _one_state(torch.rnn_relu),
}
