"""The recurrent layers in ONNX: an operator where the cell names one, a Scan over the cell's own step where not.

The letters, blocks and orders, once for all. A cell of this package holds W [G·H, F] and U [G·H, H] with
the blocks in the order of its ``gates``; ONNX calls them W and R, wants a leading axis for the directions,
and has orders of its own, which a cell's `Operator` gives in the cell's letters:

    operator        ONNX's order                this package's
    RNN             i                           h
    GRU             z r h                       r z n     (ONNX's h is n)
    LSTM            i o f c                     i f g o   (ONNX's c is g)
    LSTM, input P   i o f                       i f o

ONNX keeps two biases side by side, B = [Wb, Rb], [2·G·H]: ours is the first, and the second is `Cell.second_bias`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from onnx import TensorProto, helper
from torch import Tensor

from unrolled.export.graph import Graph
from unrolled.export.operators import scan
from unrolled.export.values import OVERRIDES, Value
from unrolled.nn import Cell, Operator, Reads, State, mean_output, read_cell, run_cell, valid_steps


def _read(
    inputs: Value,
    cell: Cell,
    lengths: Value,
    mask: None = None,
    *,
    reverse: bool,
    reads: Reads,
    recompute: bool = False,
) -> Tensor:
    """As `read_cell`."""
    del mask, recompute
    outputs, state = _carry(inputs, cell, lengths, (), reverse=reverse)
    if reads == "last":
        return state[0]
    return mean_output(outputs, lengths) if reads == "mean" else outputs


def _run(inputs: Value, cell: Cell, state: State) -> tuple[Tensor, State]:
    """As `run_cell`."""
    return _carry(inputs, cell, None, state, reverse=False)


OVERRIDES[read_cell] = _read
OVERRIDES[run_cell] = _run


def _carry(inputs: Value, cell: Cell, lengths: Value | None, initial: State, *, reverse: bool) -> tuple[Tensor, State]:
    """A cell over the steps.

    Args:
        inputs: [B, T, F].
        cell: the cell.
        lengths: steps of each sequence, [B]; None where all count.
        initial: the state before the first step, each [B, H]; zeros where empty.
        reverse: whether each sequence is read from its own last step to its first.
    Returns:
        The outputs of all steps, [B, T, H], each in its step's place, and the state after each sequence's last step
        (read in reverse, its first), each [B, H].
    """
    if cell.operator is None:
        return _by_scan(inputs, cell, lengths, initial, reverse=reverse)
    return _by_operator(inputs, cell, cell.operator, lengths, initial, reverse=reverse)


def _by_operator(
    inputs: Value, cell: Cell, operator: Operator, lengths: Value | None, initial: State, *, reverse: bool
) -> tuple[Tensor, State]:
    graph, order = inputs.graph, [cell.gates.index(letter) for letter in operator.order]
    name = graph.names[id(cell.W)].removesuffix(".W")
    weights = {
        "W": _ordered(cell.W, order),
        "R": _ordered(cell.U, order),
        "B": torch.cat([_ordered(cell.b, order), _ordered(cell.second_bias(), order)]),
    }
    given = [graph.add("Transpose", inputs.node, perm=[1, 0, 2])]
    given += [graph.constant(value[None], f"{name}.{letter}") for letter, value in weights.items()]
    given.append("" if lengths is None else lengths.int().node)  # type: ignore[attr-defined]
    given += [part[None].node for part in initial]  # type: ignore[attr-defined]
    if operator.peepholes:
        p = _ordered(cell.get_parameter(operator.peepholes).flatten(), [0, 2, 1])
        given += [*[""] * (7 - len(given)), graph.constant(p[None], f"{name}.P")]
    outputs, *states = graph.add_many(
        operator.name,
        given,
        1 + len(cell.state_names),
        hidden_size=cell.hidden_size,
        direction="reverse" if reverse else "forward",
        activations=list(operator.activations),
        **operator.attributes,
    )
    turned = graph.add("Transpose", outputs, perm=[2, 0, 1, 3])  # [T, 1, B, H] → [B, T, 1, H]
    shape = inputs.like.shape
    like = inputs.like.new_empty(shape[0], shape[1], cell.hidden_size)
    return (
        Value.of(graph, graph.add("Squeeze", turned, graph.integers(2)), like),
        tuple(Value.of(graph, graph.add("Squeeze", part, graph.integers(0)), like[:, 0]) for part in states),
    )


def _ordered(blocks: Tensor, order: Sequence[int]) -> Tensor:
    """The blocks of gates in another order."""
    parts = blocks.detach().chunk(len(order))
    return torch.cat([parts[index] for index in order])


def _by_scan(
    inputs: Value, cell: Cell, lengths: Value | None, initial: State, *, reverse: bool
) -> tuple[Tensor, State]:
    """Step by step; the state of a sequence that has ended stays what it was."""
    graph, count = inputs.graph, len(cell.state_names)
    if reverse and lengths is not None:
        inputs = _reversed(inputs, lengths)
    scanned = [cell.project(inputs)]
    if lengths is not None:
        scanned.append(valid_steps(lengths, inputs.shape[1])[:, :, None])

    def step(state: Sequence[Tensor], read: Sequence[Tensor]) -> tuple[State, State]:
        after = cell.step(read[0], tuple(state))
        if lengths is not None:
            after = tuple(torch.where(read[1], new, old) for new, old in zip(after, state, strict=True))
        return after, after[:1]

    before = initial or [_zeros(graph, inputs, cell.hidden_size)] * count
    last, (outputs,) = scan(graph, before, scanned, step)  # type: ignore[arg-type]
    return _reversed(outputs, lengths) if reverse and lengths is not None else outputs, tuple(last)


def _reversed(values: Value, lengths: Value) -> Any:
    """Each sequence backwards within its own length."""
    name = values.graph.add("ReverseSequence", values.node, lengths.node, batch_axis=0, time_axis=1)
    return Value.of(values.graph, name, values.like)


def _zeros(graph: Graph, inputs: Value, width: int) -> Any:
    """[B, width] for inputs [B, T, F]."""
    batch = graph.add("Unsqueeze", inputs.shape[0].node, graph.integers(0))
    shape = graph.add("Concat", batch, graph.constant(np.array([width])), axis=0)
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    return Value.of(graph, graph.add("ConstantOfShape", shape, value=zero), inputs.like.new_empty(3, width))
