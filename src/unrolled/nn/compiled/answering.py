"""`Answerer`: one short sequence from a caller's values to probabilities in one call of the library.

A prediction of one sequence is a few microseconds of arithmetic, and each of PyTorch's operators takes as long. So
weights are packed once, buffers are kept for each length, and C does the rest (answer.h).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.nn.cells import Cell
from unrolled.nn.compiled.library import LayerStruct, Library
from unrolled.nn.compiled.unrolling import CODES

Array = npt.NDArray[Any]

CHANGED = 2
"""The library's answer where weights are not those that were packed."""

TYPES = {"f": 0, "d": 1, "B": 2}
"""The library's numbers of NumPy's types of values."""

MOST_VALUES = 1 << 16
"""Values of a sequence for which buffers are kept; a longer one takes so long that it gains nothing here."""

MOST_LENGTHS = 16
"""Lengths for which buffers are kept."""

_NUMBERS = ("witnesses", "layers", "steps", "channels", "type", "pooled", "mean", "classes")
_REALS = ("scale", "low", "high", "temperature")
_POINTERS = ("witness", "layer", "given", "shift", "factor", "values", "read", "W", "b", "logits", "probabilities")


class WitnessStruct(ctypes.Structure):
    """``Witness`` of answer.h."""

    _fields_ = [("now", ctypes.c_void_p), ("then", ctypes.c_void_p), ("bytes", ctypes.c_int64)]


class AnswerStruct(ctypes.Structure):
    """``Answer`` of answer.h, field by field."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in _NUMBERS),
        *((name, ctypes.c_double) for name in _REALS),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]


@dataclass(frozen=True)
class Pieces:
    """A network that the library answers with alone.

    Attributes:
        shift, factor: of the values, [F].
        layers: the cells of each layer, the forward one first.
        mean: whether the mean output is read; else the last one.
        W, b: the readout, [C, P] and [C].
        places: where PyTorch's modules keep each tensor and each part, by name, and what they kept.
    """

    shift: Tensor
    factor: Tensor
    layers: Sequence[Sequence[Cell]]
    mean: bool
    W: Tensor
    b: Tensor
    places: Sequence[tuple[Mapping[str, Any], str, Any]]


@dataclass(frozen=True)
class Limits:
    """How values are read, and to what probabilities belong.

    Attributes:
        scale: of bytes.
        low, high: values outside are left to others.
        temperature: the divisor of the logits.
    """

    scale: float = 1.0
    low: float = -float(np.finfo(np.float32).max)
    high: float = float(np.finfo(np.float32).max)
    temperature: float = 1.0


@dataclass
class _Work:
    """The struct of one length and type, and all memory that it points to."""

    answer: AnswerStruct
    given: Array
    logits: Array
    probabilities: Array
    reference: Any
    held: list[Any]


@dataclass
class Answerer:
    """Answers of a network, one sequence at a time; several threads may ask.

    Args:
        library: the compiled library.
        pieces: the network.
        limits: how values are read.
        state: of a stream, the tensors of each layer's state before the step, [1, H]; a step is read into them.
    """

    library: Library
    pieces: Pieces
    limits: Limits
    state: Sequence[Sequence[Tensor]] | None = None
    _packed: list[Tensor] = field(default_factory=list)
    _witness: Any = None
    _held: list[Any] = field(default_factory=list)
    _known: list[tuple[Mapping[str, Any], str, Tensor, int, int]] = field(default_factory=list)
    _parts: list[tuple[Mapping[str, Any], str, Any]] = field(default_factory=list)
    _free: dict[tuple[int, str], list[_Work]] = field(default_factory=dict)
    _kernel: str | None = None

    def __post_init__(self) -> None:
        self._kernel = os.environ.get("UNROLLED_KERNEL")
        self._known = [
            (kept, name, weight, weight._version, weight.data_ptr())
            for kept, name, weight in self.pieces.places
            if isinstance(weight, Tensor)
        ]
        self._parts = [place for place in self.pieces.places if not isinstance(place[2], Tensor)]
        # fused optimizers change weights behind PyTorch's count of versions, and with them every bias
        biases = [cell.b for layer in self.pieces.layers for cell in layer] + [self.pieces.b]
        copies = [bias.detach().clone() for bias in biases]
        pairs = zip(biases, copies, strict=True)
        self._witness = (WitnessStruct * len(biases))(
            *(WitnessStruct(now.data_ptr(), then.data_ptr(), now.nbytes) for now, then in pairs)
        )
        self._held = [biases, copies]

    _changed: bool = False

    @property
    def fresh(self) -> bool:
        """Whether the weights are those that were packed, as far as PyTorch knows."""
        if self._changed or os.environ.get("UNROLLED_KERNEL") != self._kernel:
            return False
        for kept, name, weight, version, place in self._known:
            if kept[name] is not weight or weight._version != version or weight.data_ptr() != place:
                return False
        return all(kept[name] is part for kept, name, part in self._parts)

    def __call__(self, values: Array) -> tuple[Array, Array] | None:
        """The logits and the probabilities of a sequence, [C] each.

        None for values that it does not read (missing ones, values out of range, another type), and for weights that
        have changed.

        Args:
            values: [T, F].
        """
        kind = values.dtype.char
        if kind not in TYPES or values.size > MOST_VALUES:
            return None
        key = (len(values), kind)
        free = self._free.get(key)
        if free is None:
            if len(self._free) >= MOST_LENGTHS:
                self._free.clear()
            free = self._free.setdefault(key, [])
        try:
            work = free.pop()
        except IndexError:
            work = self._make(len(values), kind)
        np.copyto(work.given, values)
        failed = self.library.functions.unrolled_answer(work.reference)
        found = None if failed else (work.logits.copy(), work.probabilities.copy())
        free.append(work)
        self._changed = failed == CHANGED
        return found

    def _make(self, steps: int, kind: str) -> _Work:
        pieces, limits = self.pieces, self.limits
        channels = len(pieces.shift)
        values = torch.empty(steps, channels)
        read = torch.empty(pieces.W.shape[1])
        layers, held = self._layers(values, read, steps)
        given = np.empty((steps, channels), np.dtype(kind))
        logits, probabilities = np.empty(len(pieces.b), np.float32), np.empty(len(pieces.b), np.float32)
        pointers = (ctypes.c_void_p * len(layers))(*(ctypes.addressof(layer) for layer in layers))
        answer = AnswerStruct(
            len(self._witness), len(layers), steps, channels, TYPES[kind],
            pieces.W.shape[1], pieces.mean, len(pieces.b),
            limits.scale, limits.low, limits.high, limits.temperature,
            ctypes.addressof(self._witness), ctypes.addressof(pointers), given.ctypes.data,
            pieces.shift.data_ptr(), pieces.factor.data_ptr(), values.data_ptr(), read.data_ptr(),
            pieces.W.data_ptr(), pieces.b.data_ptr(), logits.ctypes.data, probabilities.ctypes.data,
        )  # fmt: skip
        held += [layers, pointers, values, read]
        return _Work(answer, given, logits, probabilities, ctypes.byref(answer), held)

    def _layers(self, values: Tensor, read: Tensor, steps: int) -> tuple[list[LayerStruct], list[Any]]:
        """The structs of all layers and directions in the order of computation, and what they point to."""
        found: list[LayerStruct] = []
        held: list[Any] = []
        for number, cells in enumerate(self.pieces.layers):
            is_last, width = number == len(self.pieces.layers) - 1, len(cells) * cells[0].hidden_size
            outputs = None if is_last else torch.empty(steps, width)
            for direction, cell in enumerate(cells):
                layer = self._layer(cell, values, direction, len(found))
                offset = 4 * direction * cell.hidden_size
                last = [torch.empty(1, cell.hidden_size) for _ in cell.state_names]
                if self.state is not None:
                    last = list(self.state[number])
                    layer.initial_h, layer.initial_c = last[0].data_ptr(), last[-1].data_ptr()
                layer.last_h, layer.last_c = last[0].data_ptr(), last[-1].data_ptr()
                if outputs is not None:
                    layer.outputs, layer.outputs_row, layer.outputs_step = outputs.data_ptr() + offset, 0, width
                elif self.pieces.mean:
                    layer.total = read.data_ptr() + offset
                elif self.state is None:
                    layer.last_h = read.data_ptr() + offset
                else:  # the state of the stream's last layer is its last output
                    layer.outputs, layer.outputs_row, layer.outputs_step = read.data_ptr() + offset, 0, 0
                held += [outputs, last, self._place(layer)]
                found.append(layer)
            values = values if outputs is None else outputs
        return found, held

    def _layer(self, cell: Cell, values: Tensor, direction: int, number: int) -> LayerStruct:
        steps, width = values.shape
        layer = LayerStruct(CODES[type(cell)], 1, steps, width, cell.hidden_size, 1, 1, direction)
        tensors = {"x": values, **{name: getattr(cell, name, None) for name in ("W", "U", "b", "b_u", "p")}}
        for name, tensor in tensors.items():
            if tensor is not None:
                setattr(layer, name, tensor.data_ptr())
        layer.x_row, layer.x_step = steps * width, width
        functions = self.library.functions
        if number == len(self._packed):
            self._packed.append(torch.empty(functions.unrolled_packed_size(ctypes.byref(layer))))
            layer.packed = self._packed[number].data_ptr()
            functions.unrolled_pack(ctypes.byref(layer))
        layer.packed = self._packed[number].data_ptr()
        return layer

    def _place(self, layer: LayerStruct) -> list[Any]:
        """Gives a layer its lengths, its plan and its workspace."""
        lengths, plan = np.array([layer.steps], np.int64), np.zeros(3, np.int64)
        layer.lengths, layer.plan = lengths.ctypes.data, plan.ctypes.data
        room = torch.empty(self.library.functions.unrolled_plan(ctypes.byref(layer)))
        layer.workspace = room.data_ptr()
        return [lengths, plan, room]
