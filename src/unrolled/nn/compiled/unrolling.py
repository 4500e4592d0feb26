"""`carry`: a cell over time by the compiled library, with gradients."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from unrolled.errors import MismatchError
from unrolled.nn.cells import CELLS, Cell
from unrolled.nn.compiled.library import SERVED, LayerStruct, Library, Missing, load_library
from unrolled.nn.compiled.workspace import Lease
from unrolled.nn.part import State
from unrolled.nn.unroll import Reads, check_lengths
from unrolled.runtime import current_threads
from unrolled.runtime.pytorch import without_compiler

CODES: dict[type[Cell], int] = {CELLS[name]: number for number, name in enumerate(SERVED)}
"""The numbers of the cells in the library. A class that inherits from one of them is another cell."""

SHARD_ROWS = 32
"""Sequences of a shard, about: enough to reuse weights in the cache, few enough to share out among threads."""


class Carried(NamedTuple):
    """Results of the forward pass.

    Attributes:
        read: outputs of all steps [B, T, H], zero in the padding; or the last one, or their mean, [B, H].
        state: after each sequence's own last step, each [B, H].
    """

    read: Tensor
    state: State


@dataclass(frozen=True)
class Task:
    """The arguments of a forward pass beside the tensors."""

    library: Library
    cell: int
    lengths: Tensor
    reverse: bool
    reads: Reads
    recompute: bool
    state_names: tuple[str, ...]


@without_compiler
def carry(
    cell: Cell,
    inputs: Tensor,
    lengths: Tensor,
    initial: State | None = None,
    mask: Tensor | None = None,
    *,
    reverse: bool = False,
    reads: Reads = "outputs",
    recompute: bool = False,
) -> Carried:
    """Carries a cell over all steps.

    Args:
        cell: one of ``CODES``, float32, on the CPU.
        inputs: [B, T, F].
        lengths: steps of each sequence, [B], each in 1..T; the padding costs nothing.
        initial: the state before the first step, each [B, H]; zeros where None.
        mask: recurrent dropout, [B, H]; see `Cell.step`.
        reverse: reads each sequence from its own last step to its first; outputs stay in their places.
        reads: the requested outputs: of all steps, the last one that was computed, or their mean.
        recompute: keeps fewer values for the gradients and computes the gates again.
    Raises:
        LengthError: for a length outside 1..T.
        MismatchError: for tensors of other shapes, another type or on another device.
    """
    lengths = lengths.to(torch.int64, copy=True).contiguous()  # a copy for the backward pass
    _check(cell, inputs, lengths, initial, mask)
    library = load_library()
    assert not isinstance(library, Missing)  # noqa: S101  # choose_kernel sees to it
    task = Task(library, CODES[type(cell)], lengths, reverse, reads, recompute, cell.state_names)
    inputs = inputs if inputs.stride(2) == 1 else inputs.contiguous()
    states = [None, None] if initial is None else [part.contiguous() for part in initial]
    h, c = states if len(states) == 2 else (states[0], None)
    b_u, p = getattr(cell, "b_u", None), getattr(cell, "p", None)
    tensors = (inputs, h, c, None if mask is None else mask.contiguous(), cell.W, cell.U, cell.b, b_u, p)
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors):
        outputs, total, *state = _Carry.apply(task, *tensors)  # type: ignore[no-untyped-call]
    else:
        packed = _packed_once(cell, task, tensors)
        outputs, total, *state = _forward(task, tensors, keep=False, packed=packed).results
    if reads == "mean":
        return Carried(total / lengths[:, None], tuple(state))
    return Carried(outputs if reads == "outputs" else state[0], tuple(state))


def _check(cell: Cell, inputs: Tensor, lengths: Tensor, initial: State | None, mask: Tensor | None) -> None:
    """Refuses tensors that do not fit; the library trusts its pointers."""
    if inputs.dim() != 3 or not len(inputs) or inputs.shape[2] != cell.input_size:
        raise MismatchError(
            f"the inputs have the shape {list(inputs.shape)}; expected [B, T, {cell.input_size}] with B at least 1."
        )
    expected = (len(inputs), cell.hidden_size)
    states = initial or ()
    if initial is not None and len(states) != len(cell.state_names):
        raise MismatchError(f"found {len(states)} parts of a state; expected {', '.join(cell.state_names)}.")
    for name, part in [*zip(cell.state_names, states, strict=False), ("mask", mask)]:
        if part is not None and part.shape != expected:
            raise MismatchError(f"{name} has the shape {list(part.shape)}; expected {list(expected)}.")
    for part in (inputs, *states, *([] if mask is None else [mask])):
        if part.dtype != torch.float32 or part.device.type != "cpu":
            raise MismatchError(f"found {part.dtype} on {part.device.type}; expected torch.float32 on the CPU.")
    if lengths.shape != expected[:1]:
        raise MismatchError(f"the lengths have the shape {list(lengths.shape)}; expected [{len(inputs)}].")
    check_lengths(lengths, inputs.shape[1])


class _Carry(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, task: Task, *tensors: Tensor | None) -> tuple[Tensor | None, ...]:
        work = _forward(task, tensors, keep=True)
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        ctx.work = work
        return work.hand_out()  # a result that its own node holds is never freed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        return None, *_backward(ctx.work, ctx.saved_tensors, gradients, ctx.needs_input_grad[1:])


_NAMES = ("x", "initial_h", "initial_c", "mask", "W", "U", "b", "b_u", "p")


@dataclass
class _Work:
    """One call of the library: its struct, and all memory that the struct points to."""

    layer: LayerStruct
    task: Task
    held: list[Any]
    results: tuple[Any, ...]
    """Outputs, their total (each None where it is not requested), and the tensors of the state."""

    def hand_out(self) -> tuple[Any, ...]:
        """Returns the results and drops them."""
        results, self.results = self.results, ()
        return results


def _forward(task: Task, tensors: tuple[Tensor | None, ...], *, keep: bool, packed: Tensor | None = None) -> _Work:
    work = _describe(task, tensors, keep)
    layer, functions, reference = work.layer, task.library.functions, ctypes.byref(work.layer)
    room = Lease(functions.unrolled_plan(reference))
    layer.workspace = room.address
    if packed is None:
        weights = Lease(functions.unrolled_packed_size(reference))
        layer.packed = weights.address
        functions.unrolled_pack(reference)
        work.held.append(weights)
    else:
        layer.packed = packed.data_ptr()
    work.held += [room, packed]
    functions.unrolled_forward(reference)
    return work


def _describe(task: Task, tensors: tuple[Tensor | None, ...], keep: bool) -> _Work:
    inputs, U = cast("tuple[Tensor, Tensor]", (tensors[0], tensors[5]))
    (B, T, F), H = inputs.shape, U.shape[1]
    outputs = inputs.new_empty(B, T, H) if task.reads == "outputs" else None
    if outputs is not None:
        _clear_padding(outputs, task.lengths)
    total = inputs.new_zeros(B, H) if task.reads == "mean" else None
    state = tuple(inputs.new_empty(B, H) for _ in task.state_names)
    shards = shard_count(B)
    plan = np.empty(B + shards + 1, np.int64)
    plan[:B] = np.argsort(-task.lengths.numpy(), kind="stable")
    layer = LayerStruct(task.cell, B, T, F, H, shards, current_threads(), task.reverse, keep, keep and task.recompute)
    names = (*_NAMES, "lengths", "outputs", "total", "last_h", "last_c")
    for name, tensor in zip(names, (*tensors, task.lengths, outputs, total, *state), strict=False):
        if tensor is not None:
            setattr(layer, name, tensor.data_ptr())
    layer.x_row, layer.x_step = inputs.stride(0), inputs.stride(1)
    layer.outputs_row, layer.outputs_step = T * H, H
    layer.plan = plan.ctypes.data
    return _Work(layer, task, [plan, tensors], (outputs, total, *state))


def _backward(
    work: _Work, tensors: tuple[Tensor | None, ...], gradients: tuple[Tensor | None, ...], needed: tuple[bool, ...]
) -> list[Tensor | None]:
    layer = work.layer
    d_outputs, d_total, d_h, *rest = gradients
    held = []
    if d_outputs is not None:
        d_outputs = d_outputs if d_outputs.stride(2) == 1 else d_outputs.contiguous()
        layer.d_outputs_row, layer.d_outputs_step = d_outputs.stride(0), d_outputs.stride(1)
    elif d_total is not None:  # the same gradient for every step's output
        d_outputs = d_total.contiguous()
        layer.d_outputs_row, layer.d_outputs_step = d_outputs.shape[1], 0
    given = {"d_outputs": d_outputs, "d_last_h": d_h, "d_last_c": rest[0] if rest else None}
    for name, gradient in given.items():  # None, too: an earlier backward pass may have set a pointer
        contiguous = gradient if gradient is None or name == "d_outputs" else gradient.contiguous()
        setattr(layer, name, None if contiguous is None else contiguous.data_ptr())
        held.append(contiguous)
    found = _room_for_gradients(layer, work.task, tensors, needed)
    work.task.library.functions.unrolled_backward(ctypes.byref(layer))
    return [found.get(name) if wanted else None for name, wanted in zip(_NAMES, needed, strict=True)]


def _room_for_gradients(
    layer: LayerStruct, task: Task, tensors: tuple[Tensor | None, ...], needed: tuple[bool, ...]
) -> dict[str, Tensor]:
    fields = {"x": "dx", "initial_h": "d_initial_h", "initial_c": "d_initial_c"}
    found = {}
    for name, tensor, wanted in zip(_NAMES, tensors, needed, strict=True):
        is_weight = name in ("W", "U", "b", "b_u", "p")
        if tensor is None or not (wanted or is_weight):
            continue
        gradient = torch.empty(tensor.shape, dtype=torch.float32, device="cpu")
        setattr(layer, fields.get(name, f"d{name}"), gradient.data_ptr())
        found[name] = gradient
    if "x" in found:
        _clear_padding(found["x"], task.lengths)
        layer.dx_row, layer.dx_step = found["x"].stride(0), found["x"].stride(1)
    return found


def _clear_padding(values: Tensor, lengths: Tensor) -> None:
    """Sets the padding to zero, which the library does not write."""
    if int(lengths.min()) < values.shape[1]:
        values.zero_()


def shard_count(batch: int) -> int:
    """Parts of a batch that are computed in parallel: a function of its size, so results do not depend on threads."""
    return 1 if batch < 8 else max(2, batch // SHARD_ROWS)


_packed: WeakKeyDictionary[Cell, tuple[list[Tensor], Tensor]] = WeakKeyDictionary()


def _packed_once(cell: Cell, task: Task, tensors: tuple[Tensor | None, ...]) -> Tensor:
    """Packed weights for prediction, packed again when the weights have changed.

    Weights are compared byte by byte, in a fraction of the time of packing, because PyTorch's version counter of a
    tensor misses the changes of fused optimizers.
    """
    weights = [tensor.detach() for tensor in tensors[4:] if tensor is not None]
    known = _packed.get(cell)
    if known is not None and all(map(task.library.same, known[0], weights)):
        return known[1]
    work, functions = _describe(task, tensors, keep=False), task.library.functions
    size = functions.unrolled_packed_size(ctypes.byref(work.layer))
    packed = torch.empty(size, dtype=torch.float32, device="cpu")
    work.layer.packed = packed.data_ptr()
    functions.unrolled_pack(ctypes.byref(work.layer))
    _packed[cell] = ([weight.clone() for weight in weights], packed)
    return packed
