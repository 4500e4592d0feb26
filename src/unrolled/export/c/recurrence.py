"""Recurrent layers in C: a cell's own step, and a loop around it where it reads many steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unrolled.export.c.operators import view
from unrolled.export.c.program import OVERRIDES, Index, Node, Program, inner
from unrolled.export.values import Value
from unrolled.nn import (
    Cell,
    Reads,
    State,
    at_each_step,
    gather_last,
    read_cells,
    run_cell,
    running_count,
    running_max,
    running_min,
    running_sum,
)


def _read(
    inputs: Value, cells: Sequence[Cell], _lengths: Value, _masks: Sequence[None], reads: Reads, _recompute: bool
) -> Any:
    """As `read_cells`, of one sequence without padding."""
    program: Program = inputs.graph
    given, hidden = program.of(inputs), cells[0].hidden_size
    steps, width = given.shape[1], len(cells) * hidden
    kind, wide = program.types[torch.float32], program.types[torch.float64]
    every = inputs.like.new_empty(1, inputs.like.shape[1], width)
    like = every if reads == "outputs" else every[:, 0]
    shape = (1, steps, width) if reads == "outputs" else (1, width)

    def fill(buffer: str) -> list[str]:
        lines: list[str] = []
        for number, cell in enumerate(cells):
            start = f" + {number * hidden}" if number else ""
            body, states = _loop_body(program, inputs, cell, "t" if not number else f"{steps} - 1 - t")
            row = "t" if not number else f"({steps} - 1 - t)"
            each = f"for (int u = 0; u < {hidden}; u++)"
            first, after = [], []
            if reads == "outputs":
                body += [each, f"    {buffer}[{row} * {width} + u{start}] = {states[0]}[u];"]
            elif reads == "last":
                after = [each, f"    {buffer}[u{start}] = {states[0]}[u];"]
            else:
                total = program.fresh("sum")
                first = [f"{wide} {total}[{hidden}] = {{0}};"]
                body += [each, f"    {total}[u] += ({wide}){states[0]}[u];"]
                after = [each, f"    {buffer}[u{start}] = ({kind})({total}[u] / {inner(str(steps))});"]
            lines += ["{"]
            lines += [f"    {line}" for line in (*(f"{kind} {name}[{hidden}] = {{0}};" for name in states), *first)]
            lines += [f"    for (int t = 0; t < {steps}; t++) {{", *(f"        {line}" for line in body), "    }"]
            lines += [*(f"    {line}" for line in after), "}"]
        return lines

    made = program.node(like, shape, [given], fill=fill)
    h = program.state("h", Node((), (), kind))
    made.bits, made.bound = h.bits, h.bound
    return Value.of(program, made, like)


def _loop_body(program: Program, inputs: Value, cell: Cell, step: str) -> tuple[list[str], list[str]]:
    """The statements of a step, and the names of the arrays of the state."""
    given = program.of(inputs)
    inside = program.inside()

    def value(like: Tensor, node: Node) -> Any:
        return Value.of(inside, node, like)

    width, kind = given.shape[2], program.types[torch.float32]
    x = Node(
        (1, width),
        (1, int(width)),
        kind,
        bits=given.bits,
        bound=given.bound,
        at=lambda index: given[("0", step, index[1])],
        cost=8,
    )
    inside.nodes.append(x)
    names = [program.fresh(name) for name in cell.state_names]
    like = inputs.like.new_empty(1, cell.hidden_size)
    sizes = (1, cell.hidden_size)
    before = [
        program.state(key, Node(sizes, sizes, kind, buffer=name))
        for key, name in zip(cell.state_names, names, strict=True)
    ]
    after = cell.step(cell.project(value(inputs.like[:, 0], x)), tuple(value(like, node) for node in before))
    pairs = [(node, state.node) for node, state in zip(before, after, strict=True)]  # type: ignore[attr-defined]
    return assigned(inside, pairs), names


def assigned(program: Program, targets: Sequence[tuple[Node, Node]]) -> list[str]:
    """The statements that write nodes, the second ones, into the arrays of others, from which they may be computed."""
    fitted = [(former.buffer, program.into(node, former)) for former, node in targets]
    lines = program.emit([node for _, node in fitted])
    for name, node in fitted:
        lines += program.copied(name, node)
    return lines


def _run(inputs: Value, cell: Cell, state: State) -> tuple[Any, State]:
    """As `run_cell`, of one step."""
    one: Any = inputs[:, 0]
    after = cell.step(cell.project(one), state)
    return after[0][:, None], after


def _gather_last(outputs: Value, lengths: Value) -> Any:
    program: Program = outputs.graph
    node, count = program.of(outputs), program.of(lengths)

    def place(index: Index) -> Index:
        return ("0", f"{count[('0',)]} - 1", index[1])

    made = view(program, outputs.like[:, 0], node, (1, node.shape[2]), place)
    return Value.of(program, made, outputs.like[:, 0])


def _running_count(values: Value) -> Any:
    program: Program = values.graph
    like = torch.empty(1, 1, dtype=torch.float64, device="meta")
    return Value.of(
        program,
        program.node(like, (1, 1), at=lambda _: "1.0" if program.types[like.dtype] == "double" else "1", cost=0),
        like,
    )


# Streams are read step by step, so a running sum or maximum of the new steps is the step itself.
OVERRIDES |= {
    read_cells: _read,
    run_cell: _run,
    gather_last: _gather_last,
    at_each_step: lambda values: values,
    running_sum: lambda values: values.double(),
    running_max: lambda values: values,
    running_min: lambda values: values,
    running_count: _running_count,
}
