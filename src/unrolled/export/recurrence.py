"""The recurrent layers in ONNX: an operator where it has one for the cell, Scan where it has none.

The letters, blocks and orders, once for all. A cell of this package holds W [G·H, F] and U [G·H, H] with
the blocks in the order of its ``gates``; ONNX calls them W and R, wants a leading axis for the directions,
and has orders of its own:

    operator        ONNX's order                this package's
    RNN             i                           h
    GRU             z r h                       r z n     (ONNX's h is n)
    LSTM            i o f c                     i f g o   (ONNX's c is g)
    LSTM, input P   i o f                       i f o

ONNX keeps two biases side by side, B = [Wb, Rb], [2·G·H]: ours is the first, and the second is zero but
for the GRU with the reset after the product (``linear_before_reset=1``), whose Rb_h is b_u.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from onnx import GraphProto, TensorProto, ValueInfoProto, helper
from torch import Tensor

from unrolled.export.graph import Graph
from unrolled.nn import GRU, LSTM, Cell, GRUResetBefore, LayerNormLSTM, PeepholeLSTM, ReluRNN, SimpleRNN


@dataclass(frozen=True)
class Operator:
    """ONNX's operator of a cell.

    Attributes:
        name: ``RNN``, ``GRU`` or ``LSTM``.
        order: the place, in the cell's own order, of each of the operator's blocks.
        activations: of the gates and the values, for one direction.
        reset_after: whether a GRU resets after the product.
    """

    name: str
    order: tuple[int, ...]
    activations: tuple[str, ...]
    reset_after: bool = False


_LSTM = Operator("LSTM", (0, 3, 1, 2), ("Sigmoid", "Tanh", "Tanh"))
OPERATORS: dict[type[Cell], Operator] = {
    SimpleRNN: Operator("RNN", (0,), ("Tanh",)),
    ReluRNN: Operator("RNN", (0,), ("Relu",)),
    GRU: Operator("GRU", (1, 0, 2), ("Sigmoid", "Tanh"), reset_after=True),
    GRUResetBefore: Operator("GRU", (1, 0, 2), ("Sigmoid", "Tanh")),
    LSTM: _LSTM,
    PeepholeLSTM: _LSTM,
}


@dataclass(frozen=True)
class Steps:
    """Which steps of padded sequences count; all of them where lengths is None.

    Attributes:
        lengths: int64 [B].
        lengths32: the same as int32.
        valid: bool [T, B, 1].
    """

    lengths: str
    lengths32: str
    valid: str


def add_layer(
    graph: Graph, cells: Sequence[Cell], values: str, steps: Steps | None, initial: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """One recurrent layer.

    Args:
        graph: what is written to.
        cells: one, or the forward and the backward one.
        values: [T, B, F].
        steps: which of them count; None where all do.
        initial: the state before the first step, each [B, H]; zeros where empty.
    Returns:
        The outputs of all steps, [T, B, D·H], and each part of the state after each sequence's last step
        (of the backward direction, its first), [B, D·H].
    """
    operator = OPERATORS.get(type(cells[0]))
    if operator is not None:
        return _by_operator(graph, operator, cells, values, steps, initial)
    parts = [_by_scan(graph, cell, values, steps, initial, backward=bool(d)) for d, cell in enumerate(cells)]
    outputs = _join(graph, [part[0] for part in parts])
    return outputs, [_join(graph, [part[1][k] for part in parts]) for k in range(len(cells[0].state_names))]


def _by_operator(
    graph: Graph, operator: Operator, cells: Sequence[Cell], values: str, steps: Steps | None, initial: Sequence[str]
) -> tuple[str, list[str]]:
    directions, hidden = len(cells), cells[0].hidden_size
    inputs = [
        values,
        graph.constant("W", torch.stack([_ordered(cell.W, operator.order) for cell in cells])),
        graph.constant("R", torch.stack([_ordered(cell.U, operator.order) for cell in cells])),
        graph.constant("B", torch.stack([_biases(cell, operator) for cell in cells])),
        "" if steps is None else steps.lengths32,
        *[graph.add("Unsqueeze", part, graph.integers(0)) for part in initial],
    ]
    state_names = cells[0].state_names
    peepholes = [_ordered(cell.p.flatten(), (0, 2, 1)) for cell in cells if isinstance(cell, PeepholeLSTM)]
    if peepholes:
        inputs += [""] * (7 - len(inputs))
        inputs.append(graph.constant("P", torch.stack(peepholes)))
    outputs = graph.add_many(
        operator.name,
        inputs,
        [f"{graph.scope}.Y", *(f"{graph.scope}.Y_{name}" for name in state_names)],
        hidden_size=hidden,
        direction="bidirectional" if directions > 1 else "forward",
        activations=list(operator.activations) * directions,
        **({"linear_before_reset": int(operator.reset_after)} if operator.name == "GRU" else {}),
    )
    flat = graph.integers(0, 0, directions * hidden)
    turned = graph.add("Transpose", outputs[0], perm=[0, 2, 1, 3])  # [T, D, B, H] → [T, B, D, H]
    states = [
        graph.add("Reshape", graph.add("Transpose", part, perm=[1, 0, 2]), graph.integers(0, directions * hidden))
        for part in outputs[1:]
    ]
    return graph.add("Reshape", turned, flat), states


def _ordered(blocks: Tensor, order: tuple[int, ...]) -> Tensor:
    """The blocks of gates in another order."""
    parts = blocks.chunk(len(order))
    return torch.cat([parts[index] for index in order])


def _biases(cell: Cell, operator: Operator) -> Tensor:
    second = torch.zeros_like(cell.b)
    if isinstance(cell, GRU):
        second = torch.cat([second[: 2 * cell.hidden_size], cell.b_u])
    return torch.cat([_ordered(cell.b, operator.order), second])


def _by_scan(
    graph: Graph, cell: Cell, values: str, steps: Steps | None, initial: Sequence[str], *, backward: bool
) -> tuple[str, list[str]]:
    """A `LayerNormLSTM`, step by step; the state of a sequence that has ended stays what it was."""
    assert isinstance(cell, LayerNormLSTM)  # noqa: S101  # the only cell that has no operator
    graph = graph.part("backward" if backward else "forward")
    if backward and steps is not None:
        values = graph.add("ReverseSequence", values, steps.lengths, batch_axis=1, time_axis=0)
    product = graph.add("MatMul", values, graph.constant("W", cell.W.T))
    gamma, shift = graph.constant("gamma_x", cell.gamma_x), graph.constant("b", cell.b)
    wx = graph.add("LayerNormalization", product, gamma, shift, epsilon=1e-5)  # [T, B, 4·H]
    scanned = [wx] if steps is None else [wx, steps.valid]
    h, c, outputs = graph.add_many(
        "Scan",
        [*(initial or _zeros(graph, values, cell.hidden_size)), *scanned],
        [f"{graph.scope}.{name}" for name in ("h", "c", "Y")],
        body=_layer_norm_step(graph.inner("step"), cell, masked=steps is not None),
        num_scan_inputs=len(scanned),
    )
    if backward and steps is not None:
        outputs = graph.add("ReverseSequence", outputs, steps.lengths, batch_axis=1, time_axis=0)
    return outputs, [h, c]


def _layer_norm_step(graph: Graph, cell: LayerNormLSTM, *, masked: bool) -> GraphProto:
    """One step, in the letters of `LayerNormLSTM`: (h, c, wx, valid) → (h', c', h')."""
    hidden = cell.hidden_size

    def value(name: str, width: int, kind: int = TensorProto.FLOAT) -> ValueInfoProto:
        return helper.make_tensor_value_info(f"{graph.scope}.{name}", kind, ["batch", width])

    inputs = [value("h", hidden), value("c", hidden), value("wx", 4 * hidden)]
    if masked:
        inputs.append(value("valid", 1, TensorProto.BOOL))
    h, c, wx = (item.name for item in inputs[:3])
    zeros = graph.constant("no_shift", np.zeros(4 * hidden, np.float32))
    product = graph.add("MatMul", h, graph.constant("U", cell.U.T))
    uh = graph.add("LayerNormalization", product, graph.constant("gamma_h", cell.gamma_h), zeros, epsilon=1e-5)
    blocks = [graph.scope + f".{letter}" for letter in cell.gates]
    i, f, g, o = graph.add_many("Split", [graph.add("Add", wx, uh), graph.integers(*[hidden] * 4)], blocks, axis=1)
    kept = graph.add("Mul", graph.add("Sigmoid", f), c)
    written = graph.add("Mul", graph.add("Sigmoid", i), graph.add("Tanh", g))
    c_next = graph.add("Add", kept, written)
    gamma, beta = graph.constant("gamma_c", cell.gamma_c), graph.constant("beta_c", cell.beta_c)
    normed = graph.add("LayerNormalization", c_next, gamma, beta, epsilon=1e-5)
    h_next = graph.add("Mul", graph.add("Sigmoid", o), graph.add("Tanh", normed))
    if masked:
        valid = inputs[3].name
        h_next, c_next = graph.add("Where", valid, h_next, h), graph.add("Where", valid, c_next, c)
    results = [("h_next", h_next), ("c_next", c_next), ("Y", h_next)]
    for name, found in results:  # a body's outputs need names of their own
        graph.add("Identity", found, name=f"{graph.scope}.{name}")
    return graph.body(inputs, [value(name, hidden) for name, _ in results])


def _zeros(graph: Graph, values: str, hidden: int) -> tuple[str, str]:
    """Twice zeros, [B, H], for values [T, B, F]."""
    batch = graph.add("Gather", graph.add("Shape", values), graph.integers(1))  # [1]
    shape = graph.add("Concat", batch, graph.integers(hidden), axis=0)
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    zeros = graph.add("ConstantOfShape", shape, value=zero)
    return zeros, zeros


def _join(graph: Graph, directions: Sequence[str]) -> str:
    """The directions' values side by side."""
    return graph.add("Concat", *directions, axis=-1) if len(directions) > 1 else directions[0]
