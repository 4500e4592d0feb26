"""A network as functions in C: its step and its answer, or its answer to a whole sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from unrolled.errors import UnsupportedError
from unrolled.export.c import operators  # noqa: F401  # registers C for PyTorch's functions
from unrolled.export.c.program import Node, Program, reached
from unrolled.export.c.recurrence import assigned
from unrolled.export.values import Value

if TYPE_CHECKING:
    from unrolled.model import Model


@dataclass
class Body:
    """What a model needs in C.

    Attributes:
        program: its tables and the functions that it calls.
        fields: of the state, each as type, name, number and initial values (or none, which is zero).
        step: statements that read ``values`` into ``state``; none where a sequence is read at its end.
        answer: statements that leave the logits in an array.
        logits: its name.
        bits, entering_bits: of fixed numbers, the fraction bits of the logits and of the values.
        fixed: whether all numbers are.
        hidden: of the last layer's outputs at every step, or frame, the expression and the number of values; for a page
            that shows them.
    """

    program: Program
    fields: list[tuple[str, str, int, str]] = field(default_factory=list)
    step: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    logits: str = ""
    bits: int = 0
    entering_bits: int = 0
    fixed: bool = False
    hidden: tuple[str, int] = ("", 0)


def streaming(model: Model, main: Program) -> Body:
    """A network that reads step by step; its state is small."""
    body = Body(main)
    _, before, after, _ = _traced(model, main)
    for (name, value), node in zip(model.network.initial_state(1).items(), before, strict=True):
        array = value.detach().cpu().numpy()
        if not node.type.endswith(("float", "double")):
            array = np.round(np.clip(array, -node.bound, node.bound) * 2.0**node.bits).astype(np.int32)
        start = main.table(array, f"initial_{name}", node.type) if array.any() else ""
        body.fields.append((node.type, _field(name), value.shape[1], start))
    body.step = assigned(main, list(zip(before, after.values(), strict=True)))
    second = type(main)(main.names, main)
    entering, before, after, logits = _traced(model, second)
    for former, node in zip(before, after.values(), strict=True):
        base = node.base()
        if not base.buffer:
            base.buffer = former.buffer
            assert base.bits == former.bits  # noqa: S101  # else what is computed from it would be another number
    read = reached([logits])
    if any(node in read for node in [entering, *before]):
        raise UnsupportedError(
            f"the pooling {model.network.config.pooling!r} does not follow from its state, as C needs it. Export ONNX "
            "(--format onnx)."
        )
    body.answer = second.emit([logits])
    body.logits, body.bits, body.entering_bits = logits.base().buffer, logits.bits, entering.bits
    last = f"layers.{len(model.network.layers) - 1}.{model.network.cell.state_names[0]}"
    body.hidden = f"state->{_field(last)}", model.network.output_size
    return body


def whole(model: Model, program: Program, most: int, *, hidden: bool = False) -> Body:
    """A network that answers when it has a whole sequence of up to ``most`` steps; ``hidden`` keeps all outputs."""
    width, text = _width(model)
    like = torch.empty(1, most, width, dtype=torch.int64 if text else torch.float32, device="meta")
    values = Node((1, "n", width), tuple(like.shape), program.types[like.dtype], buffer="state->values")
    values = values if text else program.entry(values)
    lengths = Node((1,), (1,), "int", at=lambda _: "n")
    length_like = torch.empty(1, dtype=torch.int64, device="meta")
    network = model.network
    with torch.no_grad():
        read, count = network.entering(Value.of(program, values, like), Value.of(program, lengths, length_like))
        outputs: Any = network.recur(read, count) if hidden else None
        found: Any = network.answer(read, count, outputs)
    body = Body(program, answer=program.emit([found.node, *([] if outputs is None else [outputs.node])]))
    if outputs is not None:
        body.hidden = outputs.node.base().buffer, network.output_size
    body.logits, body.bits, body.entering_bits = found.node.base().buffer, found.node.bits, values.bits
    return body


def _traced(model: Model, program: Program) -> tuple[Node, Sequence[Node], dict[str, Node], Node]:
    """The inputs of a step, the state before and after it, and the logits."""
    width, text = _width(model)
    like = torch.empty(1, 1, width, dtype=torch.int64 if text else torch.float32, device="meta")
    entering = Node((1, 1, width), tuple(like.shape), program.types[like.dtype], buffer="values")
    entering = entering if text else program.entry(entering)
    before: dict[str, Any] = {}
    for name, value in model.network.initial_state(1).items():
        sizes = (1, value.shape[1])
        node = Node(sizes, sizes, program.types[value.dtype], buffer=f"state->{_field(name)}")
        before[name] = Value.of(program, program.state(name, node), value.to("meta"))
    with torch.no_grad():
        logits, after = model.network.advance(Value.of(program, entering, like), before)
    states: dict[str, Any] = dict(after)
    answer: Any = logits
    return entering, [value.node for value in before.values()], {n: v.node for n, v in states.items()}, answer.node


def _width(model: Model) -> tuple[int, bool]:
    """Values of a step, and whether they are codes of text."""
    text = model.facts.vocabulary is not None
    return 1 if text else len(model.channels), text


def names_of(model: Model) -> dict[int, str]:
    return {id(t): name for name, t in [*model.network.named_parameters(), *model.network.named_buffers()]}


def _field(name: str) -> str:
    return name.replace("layers.", "layer").replace(".", "_")
