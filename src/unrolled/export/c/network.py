"""A network as functions in C: its step and its answer, or its answer to a whole sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

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
    """

    program: Program
    fields: list[tuple[str, str, int, str]] = field(default_factory=list)
    step: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    logits: str = ""


def streaming(model: Model) -> Body:
    """A network that reads step by step; its state is small."""
    main = Program(_names(model))
    body = Body(main)
    initial = model.network.initial_state(1)
    for name, value in initial.items():
        array = value.detach().cpu().numpy()
        start = main.table(array, f"initial_{name}") if array.any() else ""
        body.fields.append((_type(value), _field(name), value.shape[1], start))
    _, _, after, _ = _traced(model, main)
    body.step = assigned(main, [(f"state->{_field(name)}", node) for name, node in after.items()])
    second = Program(main.names, main)
    entering, before, after, logits = _traced(model, second)
    for name, node in after.items():
        node.base().buffer = node.base().buffer or f"state->{_field(name)}"
    read = reached([logits])
    if any(node in read for node in [entering, *before]):  # a pooling that its state does not determine
        entering, _, after, logits = _traced(model, main)
        raise NotImplementedError
    body.answer = second.emit([logits])
    body.logits = logits.base().buffer
    return body


def whole(model: Model, most: int) -> Body:
    """A network that answers when it has a whole sequence of up to ``most`` steps."""
    program = Program(_names(model))
    width, text = _width(model)
    like = torch.empty(1, most, width, dtype=torch.int64 if text else torch.float32, device="meta")
    values = Node((1, "n", width), tuple(like.shape), "int" if text else "float", buffer="state->values")
    lengths = Node((1,), (1,), "int", at=lambda _: "n")
    length_like = torch.empty(1, dtype=torch.int64, device="meta")
    network = model.network
    with torch.no_grad():
        found: Any = network.answer(
            *network.entering(Value.of(program, values, like), Value.of(program, lengths, length_like))
        )
    body = Body(program, answer=program.emit([found.node]))
    body.logits = found.node.base().buffer
    return body


def _traced(model: Model, program: Program) -> tuple[Node, Sequence[Node], dict[str, Node], Node]:
    """The inputs of a step, the state before and after it, and the logits."""
    width, text = _width(model)
    like = torch.empty(1, 1, width, dtype=torch.int64 if text else torch.float32, device="meta")
    entering = Node((1, 1, width), tuple(like.shape), "int" if text else "float", buffer="values")
    before: dict[str, Any] = {}
    for name, value in model.network.initial_state(1).items():
        sizes = (1, value.shape[1])
        node = Node(sizes, sizes, _type(value), buffer=f"state->{_field(name)}")
        before[name] = Value.of(program, node, value.to("meta"))
    with torch.no_grad():
        logits, after = model.network.advance(Value.of(program, entering, like), before)
    states: dict[str, Any] = dict(after)
    answer: Any = logits
    return entering, [value.node for value in before.values()], {n: v.node for n, v in states.items()}, answer.node


def _width(model: Model) -> tuple[int, bool]:
    """Values of a step, and whether they are codes of text."""
    text = model.facts.vocabulary is not None
    return 1 if text else len(model.channels), text


def _names(model: Model) -> dict[int, str]:
    return {id(t): name for name, t in [*model.network.named_parameters(), *model.network.named_buffers()]}


def _field(name: str) -> str:
    return name.replace("layers.", "layer").replace(".", "_")


def _type(value: torch.Tensor) -> str:
    return "double" if value.dtype == torch.float64 else "float"
