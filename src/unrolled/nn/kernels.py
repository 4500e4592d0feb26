"""Which kernel carries a cell over time on a device, and why.

The reference serves every cell everywhere. The package's own compiled kernel serves what it has equations for, on
the CPU in float32; PyTorch's fused kernels (oneDNN and its own on the CPU, cuDNN on CUDA) serve what they have.
``UNROLLED_KERNEL=compiled``, ``torch`` or ``reference`` chooses by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unrolled.errors import ConfigError, UnknownNameError
from unrolled.nn.cells import GRU, LSTM, Cell, ReluRNN, SimpleRNN, State
from unrolled.nn.compiled import CODES, Missing, carry, load_library
from unrolled.nn.unroll import Reads, gather_last, mean_output, reverse_sequences, unroll

Unroll = Callable[[Cell, Tensor, State | None, Tensor | None], tuple[Tensor, State]]
Read = Callable[[Cell, Tensor, Tensor, Tensor | None, bool, Reads, bool], Tensor]

KERNELS = ("compiled", "torch", "reference")
"""The fastest first."""


@dataclass(frozen=True)
class Kernel:
    """A way to carry a cell over time.

    Attributes:
        name: one of ``KERNELS``.
        reason: why it was chosen, as the end of a sentence.
        run: outputs of all T steps and the state after them, with `unroll`'s signature.
        read: of cell, inputs [B, T, F], lengths [B], mask [B, H], whether to read each sequence from its own end,
            what is asked for: outputs of all steps [B, T, H], the last or the mean [B, H]; and whether to keep less
            for the gradients and compute the gates again, which the compiled kernel alone can do.
    """

    name: str
    reason: str
    run: Unroll
    read: Read


def choose_kernel(cell: Cell, *, recurrent_dropout: float = 0.0, wish: str | None = None) -> Kernel:
    """The fastest kernel that computes this cell where it is.

    Args:
        cell: the cell.
        recurrent_dropout: the share of state values dropped in training.
        wish: a kernel's name; by default the environment's ``UNROLLED_KERNEL``.
    Raises:
        UnknownNameError: for a wish that is no kernel.
        ConfigError: for a wish that cannot compute this cell.
    """
    wish = wish or os.environ.get("UNROLLED_KERNEL") or None
    if wish not in (None, *KERNELS):
        raise UnknownNameError("kernel", wish, KERNELS, "UNROLLED_KERNEL takes these.")
    if wish is not None:
        obstacle = _obstacle(wish, cell, recurrent_dropout)
        if obstacle is not None:
            raise ConfigError(f"UNROLLED_KERNEL={wish} cannot serve here: {obstacle}. Unset it, or set reference.")
        return Kernel(wish, "chosen by hand", *_FUNCTIONS[wish])
    obstacles: list[str] = []
    for name in KERNELS:
        obstacle = _obstacle(name, cell, recurrent_dropout)
        if obstacle is None:
            break
        obstacles.append(obstacle)
    return Kernel(name, "; ".join(obstacles) or _own_kernel(), *_FUNCTIONS[name])


def _obstacle(name: str, cell: Cell, recurrent_dropout: float) -> str | None:
    """Why a kernel cannot serve; the reference always can."""
    if name == "compiled":
        return _compiled_obstacle(cell)
    return _torch_obstacle(cell, recurrent_dropout) if name == "torch" else None


def _own_kernel() -> str:
    library = load_library()
    assert not isinstance(library, Missing)  # noqa: S101  # or there were an obstacle
    return f"unrolled's own, for {library.instructions}"


def _compiled_obstacle(cell: Cell) -> str | None:
    if type(cell) not in CODES:
        return f"unrolled has no compiled kernel for {type(cell).__name__}"
    if cell.W.device.type != "cpu":
        return f"unrolled's compiled kernel does not run on {cell.W.device.type}"
    if cell.W.dtype != torch.float32:
        return f"unrolled's compiled kernel computes in float32, not in {str(cell.W.dtype).removeprefix('torch.')}"
    library = load_library()
    return f"unrolled's compiled kernel is missing, {library.reason}" if isinstance(library, Missing) else None


def _torch_obstacle(cell: Cell, recurrent_dropout: float) -> str | None:
    if type(cell) not in _TORCH:
        return f"PyTorch has no fused kernel for {type(cell).__name__}"
    if recurrent_dropout:
        return "PyTorch's fused kernels have no recurrent dropout"
    return None


def _run_compiled(
    cell: Cell, inputs: Tensor, initial: State | None = None, mask: Tensor | None = None
) -> tuple[Tensor, State]:
    """`unroll` by the compiled library."""
    lengths = torch.full((len(inputs),), inputs.shape[1])
    carried = carry(cell, inputs, lengths, initial, mask)
    return carried.read, carried.state


def _read_compiled(
    cell: Cell, inputs: Tensor, lengths: Tensor, mask: Tensor | None, reverse: bool, reads: Reads, recompute: bool
) -> Tensor:
    """See `Kernel.read`."""
    return carry(cell, inputs, lengths, None, mask, reverse=reverse, reads=reads, recompute=recompute).read


def _reading(run: Unroll) -> Read:
    """`Kernel.read` by a function that knows no lengths: it computes on through the padding, which is then left out."""

    def read(
        cell: Cell, inputs: Tensor, lengths: Tensor, mask: Tensor | None, reverse: bool, reads: Reads, recompute: bool
    ) -> Tensor:
        del recompute
        outputs, _ = run(cell, reverse_sequences(inputs, lengths) if reverse else inputs, None, mask)
        if reads == "last":
            return gather_last(outputs, lengths)
        if reads == "mean":
            return mean_output(outputs, lengths)
        return reverse_sequences(outputs, lengths) if reverse else outputs

    return read


def _unroll_by_torch(
    cell: Cell, inputs: Tensor, initial: State | None = None, mask: Tensor | None = None
) -> tuple[Tensor, State]:
    """`unroll` by PyTorch's fused kernel of the cell; recurrent masks are not among its abilities."""
    assert mask is None  # noqa: S101  # choose_kernel sees to it
    state = cell.initial_state(inputs, len(inputs)) if initial is None else initial
    state, run = tuple(part[None] for part in state), _TORCH[type(cell)]
    device = inputs.device.type
    if not (torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return run(cell, inputs, state)
    # left to itself, autocast hands cuDNN float16, whichever precision was asked for (PyTorch's AutocastRNN.cpp)
    dtype = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):
        return run(cell, inputs.to(dtype), tuple(part.to(dtype) for part in state))


def _weights(cell: Cell, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """W, U and PyTorch's two biases; the second is zero, but for the reset GRU's own."""
    second = torch.zeros_like(cell.b)
    if isinstance(cell, GRU):
        second = torch.cat([second[: 2 * cell.hidden_size], cell.b_u])
    weights = cell.W, cell.U, cell.b, second
    return weights if cell.W.dtype == dtype else tuple(weight.to(dtype) for weight in weights)


def _lstm(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    weights = _weights(cell, inputs.dtype)
    outputs, h, c = torch.lstm(inputs, state, weights, True, 1, 0.0, cell.training, False, True)
    return outputs, (h[0], c[0])


def _one_state(function: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., tuple[Tensor, State]]:
    def run(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        outputs, h = function(inputs, state[0], _weights(cell, inputs.dtype), True, 1, 0.0, cell.training, False, True)
        return outputs, (h[0],)

    return run


_TORCH: dict[type[Cell], Callable[[Cell, Tensor, State], tuple[Tensor, State]]] = {
    LSTM: _lstm,
    GRU: _one_state(torch.gru),
    SimpleRNN: _one_state(torch.rnn_tanh),
    ReluRNN: _one_state(torch.rnn_relu),
}

_FUNCTIONS: dict[str, tuple[Unroll, Read]] = {
    "compiled": (_run_compiled, _read_compiled),
    "torch": (_unroll_by_torch, _reading(_unroll_by_torch)),
    "reference": (unroll, _reading(unroll)),
}
