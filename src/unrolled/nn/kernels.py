"""The choice of a kernel for a cell and a device.

The reference kernel computes every cell everywhere. The package's own compiled kernel computes the cells that it has
equations for, on the CPU in float32; PyTorch's fused kernels (oneDNN and its own on the CPU, cuDNN on CUDA) those that
they have.
``UNROLLED_KERNEL=compiled``, ``torch`` or ``reference`` chooses by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from unrolled.errors import ConfigError, UnknownNameError
from unrolled.nn.cells import Cell
from unrolled.nn.compiled import CODES, Answerer, Library, Limits, Missing, Pieces, carry, load_library
from unrolled.nn.overriding import overridable
from unrolled.nn.part import State
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
        reason: of the choice, as the end of a sentence.
        run: a function with `unroll`'s signature: the outputs of all T steps and the state after them.
        read: a function of cell, inputs [B, T, F], lengths [B], mask [B, H], ``reverse`` (reads each sequence from its
            end), ``reads`` (outputs of all steps [B, T, H], the last or the mean [B, H]) and ``recompute`` (keeps less
            for the gradients and computes the gates again, in the compiled kernel only).
    """

    name: str
    reason: str
    run: Unroll
    read: Read


def choose_kernel(cell: Cell, *, recurrent_dropout: float | bool = 0.0, requested: str | None = None) -> Kernel:
    """The fastest kernel for this cell on its device.

    Args:
        cell: the cell.
        recurrent_dropout: the share of state values dropped in training.
        requested: name of a kernel; by default the environment's ``UNROLLED_KERNEL``.
    Raises:
        UnknownNameError: for an unknown kernel.
        ConfigError: for a kernel that cannot compute this cell.
    """
    requested = requested or os.environ.get("UNROLLED_KERNEL") or None
    weights = cell.W
    return _chosen(type(cell), weights.device.type, weights.dtype, bool(recurrent_dropout), requested, load_library())  # type: ignore[arg-type]


@cache  # a layer asks at every call
def _chosen(
    kind: type[Cell], device: str, dtype: torch.dtype, dropping: bool, requested: str | None, library: Library | Missing
) -> Kernel:
    if requested not in (None, *KERNELS):
        raise UnknownNameError("kernel", requested, KERNELS, "UNROLLED_KERNEL takes these.")
    obstacles = {
        "compiled": _compiled_obstacle(kind, device, dtype, library),
        "torch": _torch_obstacle(kind, dropping),
        "reference": None,
    }
    if requested is not None:
        if obstacles[requested] is not None:
            raise ConfigError(
                f"UNROLLED_KERNEL={requested} cannot serve here: {obstacles[requested]}. Unset it, or set reference."
            )
        return Kernel(requested, "chosen by hand", *_FUNCTIONS[requested])
    name = next(name for name in KERNELS if obstacles[name] is None)
    before = [obstacle for other in KERNELS[: KERNELS.index(name)] if (obstacle := obstacles[other])]
    own = "" if isinstance(library, Missing) else f"unrolled's own, for {library.instructions}"
    return Kernel(name, "; ".join(before) or own, *_FUNCTIONS[name])


def _compiled_obstacle(kind: type[Cell], device: str, dtype: torch.dtype, library: Library | Missing) -> str | None:
    if kind not in CODES:
        return f"unrolled has no compiled kernel for {kind.__name__}"
    if device != "cpu":
        return f"unrolled's compiled kernel does not run on {device}"
    if dtype != torch.float32:
        return f"unrolled's compiled kernel computes in float32, not in {str(dtype).removeprefix('torch.')}"
    return f"unrolled's compiled kernel is missing, {library.reason}" if isinstance(library, Missing) else None


def _torch_obstacle(kind: type[Cell], dropping: bool) -> str | None:
    if kind.fused is None:
        return f"PyTorch has no fused kernel for {kind.__name__}"
    return "PyTorch's fused kernels have no recurrent dropout" if dropping else None


def answerer_for(pieces: Pieces, limits: Limits, state: Sequence[Sequence[Tensor]] | None = None) -> Answerer | None:
    """Answers by the compiled library alone; None where its kernel is not that of all cells. See `Answerer`."""
    library = load_library()
    if isinstance(library, Missing) or not library.answers:
        return None
    if any(choose_kernel(cell).name != "compiled" for layer in pieces.layers for cell in layer):
        return None
    return Answerer(library, pieces, limits, state)


@overridable
def read_cells(
    inputs: Tensor,
    cells: Sequence[Cell],
    lengths: Tensor,
    masks: Sequence[Tensor | None],
    reads: Reads = "outputs",
    recompute: bool = False,
) -> Tensor:
    """A layer's outputs over sequences, by the fastest kernel; see `Kernel.read`.

    Args:
        inputs: [B, T, F].
        cells: the forward one, and the backward one where there is one.
        lengths: [B].
        masks: recurrent dropout of each cell, [B, H].
        reads: the requested outputs.
        recompute: keeps less for the gradients.
    Returns:
        [B, T, H] or [B, H]; with two directions 2·H, the forward one first.
    """
    found = [
        choose_kernel(cell, recurrent_dropout=mask is not None).read(
            cell, inputs, lengths, mask, bool(index), reads, recompute
        )
        for index, (cell, mask) in enumerate(zip(cells, masks, strict=True))
    ]
    return found[0] if len(found) == 1 else torch.cat(found, -1)


@overridable
def run_cell(inputs: Tensor, cell: Cell, state: State) -> tuple[Tensor, State]:
    """A cell over further steps, by the fastest kernel; see `Kernel.run`."""
    return choose_kernel(cell).run(cell, inputs, state, None)


def _run_compiled(
    cell: Cell, inputs: Tensor, initial: State | None = None, mask: Tensor | None = None
) -> tuple[Tensor, State]:
    """`unroll` by the compiled library."""
    lengths = torch.full((len(inputs),), inputs.shape[1], device=inputs.device)
    return carry(cell, inputs, lengths, initial, mask)


def _read_compiled(
    cell: Cell, inputs: Tensor, lengths: Tensor, mask: Tensor | None, reverse: bool, reads: Reads, recompute: bool
) -> Tensor:
    """See `Kernel.read`."""
    return carry(cell, inputs, lengths, None, mask, reverse=reverse, reads=reads, recompute=recompute).read


def _reading(run: Unroll) -> Read:
    """`Kernel.read` by a function without lengths, which also computes the padding; it is left out afterwards."""

    def read(
        cell: Cell, inputs: Tensor, lengths: Tensor, mask: Tensor | None, reverse: bool, reads: Reads, _recompute: bool
    ) -> Tensor:
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
    """`unroll` by PyTorch's fused kernel of the cell, which has no recurrent dropout."""
    assert mask is None  # noqa: S101  # choose_kernel sees to it
    state = cell.initial_state(inputs, len(inputs)) if initial is None else initial
    device = inputs.device.type
    if not (torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return _fused(cell, inputs, state)
    # autocast by itself gives cuDNN float16, whatever precision was requested (PyTorch's AutocastRNN.cpp)
    dtype = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):
        return _fused(cell, inputs.to(dtype), tuple(part.to(dtype) for part in state))


def _fused(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """PyTorch's function of the cell, which keeps two biases and takes one layer's state as [1, B, H]."""
    assert cell.fused is not None  # noqa: S101  # choose_kernel sees to it
    before = tuple(part[None] for part in state)
    weights = [weight.to(inputs.dtype) for weight in (cell.W, cell.U, cell.b, cell.second_bias())]
    outputs, *after = cell.fused(
        inputs, before if len(before) > 1 else before[0], weights, True, 1, 0.0, cell.training, False, True
    )
    return outputs, tuple(part[0] for part in after)


_FUNCTIONS: dict[str, tuple[Unroll, Read]] = {
    "compiled": (_run_compiled, _read_compiled),
    "torch": (_unroll_by_torch, _reading(_unroll_by_torch)),
    "reference": (unroll, _reading(unroll)),
}
