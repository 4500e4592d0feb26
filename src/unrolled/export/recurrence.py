"""The recurrent layers in ONNX: the operator that the cell names, or a Scan over the cell's own step.

Letters, blocks and orders: a cell of this package holds W [G·H, F] and U [G·H, H] with
the blocks in the order of its ``gates``. ONNX calls them W and R, has a leading axis for the directions,
and other orders, which a cell's `Operator` gives in the cell's letters:

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

from unrolled.export.graph import OVERRIDES, Graph
from unrolled.export.operators import scan
from unrolled.export.values import Value
from unrolled.nn import Cell, Operator, Reads, State, mean_output, read_cells, run_cell, valid_steps


def _read(
    inputs: Value, cells: Sequence[Cell], lengths: Value, _masks: Sequence[None], reads: Reads, _recompute: bool
) -> Tensor:
    """As `read_cells`."""
    outputs, state = _carry(inputs, cells, lengths, ())
    if reads == "last":
        return state[0]
    return mean_output(outputs, lengths) if reads == "mean" else outputs


def _run(inputs: Value, cell: Cell, state: State) -> tuple[Tensor, State]:
    """As `run_cell`."""
    return _carry(inputs, [cell], None, state)


OVERRIDES[read_cells] = _read
OVERRIDES[run_cell] = _run


def _carry(inputs: Value, cells: Sequence[Cell], lengths: Value | None, initial: State) -> tuple[Tensor, State]:
    """A layer over the steps.

    Args:
        inputs: [B, T, F].
        cells: the forward one, and the backward one where there is one.
        lengths: steps of each sequence, [B]; None where all count.
        initial: the state before the first step, each [B, H]; zeros where empty.
    Returns:
        The outputs of all steps, [B, T, D·H], and the state after each sequence's last step (of the backward direction,
        its first), each [B, D·H].
    """
    if cells[0].operator is not None:
        return _by_operator(inputs, cells, cells[0].operator, lengths, initial)
    found = [_by_scan(inputs, cell, lengths, initial, reverse=bool(index)) for index, cell in enumerate(cells)]
    if len(found) == 1:
        return found[0]
    states = [torch.cat(parts, -1) for parts in zip(*(state for _, state in found), strict=True)]
    return torch.cat([outputs for outputs, _ in found], -1), tuple(states)


def _by_operator(
    inputs: Value, cells: Sequence[Cell], operator: Operator, lengths: Value | None, initial: State
) -> tuple[Tensor, State]:
    graph: Graph = inputs.graph
    cell, directions = cells[0], len(cells)
    order = [cell.gates.index(letter) for letter in operator.order]
    name = graph.name_of(cell.W, "").rpartition(".cells.")[0]

    def stacked(letter: str, tensors: list[Tensor]) -> str:
        return graph.constant(torch.stack(tensors), f"{name}.{letter}")

    given = [
        graph.add("Transpose", inputs.node, perm=[1, 0, 2]),
        stacked("W", [_ordered(cell.W, order) for cell in cells]),
        stacked("R", [_ordered(cell.U, order) for cell in cells]),
        stacked("B", [torch.cat([_ordered(b, order) for b in (cell.b, cell.second_bias())]) for cell in cells]),
        "" if lengths is None else lengths.int().node,  # type: ignore[attr-defined]
        *(part[None].node for part in initial),  # type: ignore[attr-defined]
    ]
    if operator.peepholes:
        peepholes = [_ordered(cell.get_parameter(operator.peepholes).flatten(), [0, 2, 1]) for cell in cells]
        given += [*[""] * (7 - len(given)), stacked("P", peepholes)]
    outputs, *states = graph.add_many(
        operator.name,
        given,
        1 + len(cell.state_names),
        hidden_size=cell.hidden_size,
        direction="forward" if directions == 1 else "bidirectional",
        activations=list(operator.activations) * directions,
        **operator.attributes,
    )
    batch, steps, _ = inputs.like.shape
    like = inputs.like.new_empty(batch, steps, directions * cell.hidden_size)

    def joined(name: str, perm: list[int], like: Tensor) -> Any:
        """The values of both directions side by side."""
        turned, sizes = graph.add("Transpose", name, perm=perm), [0] * (len(perm) - 2)
        return Value.of(graph, graph.add("Reshape", turned, graph.integers(*sizes, like.shape[-1])), like)

    return joined(outputs, [2, 0, 1, 3], like), tuple(joined(part, [1, 0, 2], like[:, 0]) for part in states)


def _ordered(blocks: Tensor, order: Sequence[int]) -> Tensor:
    """The blocks of gates in another order."""
    parts = blocks.detach().chunk(len(order))
    return torch.cat([parts[index] for index in order])


def _by_scan(
    inputs: Value, cell: Cell, lengths: Value | None, initial: State, *, reverse: bool
) -> tuple[Tensor, State]:
    """Step by step; after its end the state of a sequence does not change."""
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
