"""`FixedProgram`: a program of whole numbers alone, with weights of 8 bits, so that every machine gives the same bits.

A value x is the integer x 2^f. The number of its fraction bits f follows from the largest value that it can take, which
is known where the program is made: sigmoid and tanh give at most 1, and a product with weights is bounded by these.
Weights are 8 bits with a scale for each row; what they are multiplied with has 16 bits, every sum has 32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from unrolled.errors import UnsupportedError
from unrolled.export.c import recurrence  # noqa: F401  # registers how a cell is carried over the steps
from unrolled.export.c.operators import broadcast
from unrolled.export.c.program import OVERRIDES, WRITERS, Node, Program, flat, inner
from unrolled.export.values import Value, Writer

MOST_BITS = 24
"""Fraction bits of a value at most."""

MEMORY = 64.0
"""Bound of a cell's memory; beyond it tanh has long been 1."""

NORMALISED = 16.0
"""Bound of a normalised value, in deviations."""

OPERAND_BITS = 15
"""Fraction bits, and bits of the integer part, of what weights are multiplied with."""


def bits_for(bound: float) -> int:
    """Fraction bits of values up to a bound."""
    return min(MOST_BITS, 30 - math.ceil(math.log2(max(bound, 1e-9))))


class FixedProgram(Program):
    """A program of whole numbers; see `Program`.

    Args:
        entering: the largest value that the model is given.
    """

    language: ClassVar[str] = "C of whole numbers (--quantize int8)"
    types: ClassVar[dict[torch.dtype, str]] = {
        **Program.types,
        torch.float32: "int32_t",
        torch.float64: "int64_t",
    }

    def __init__(
        self, names: dict[int, str], outer: Program | None = None, depth: int = 0, entering: float = 1.0
    ) -> None:
        super().__init__(names, outer, depth)
        self.entering = entering

    def entry(self, node: Node) -> Node:
        """See `Program.entry`."""
        node.bound = self.entering
        node.bits = min(16, bits_for(node.bound))
        return node

    def state(self, name: str, node: Node) -> Node:
        """See `Program.state`."""
        node.bits, node.bound = MOST_BITS, 1.0
        if name.split(".")[-1] == "c":  # its sum with what is let in is beyond its bound
            node.bits, node.bound = bits_for(MEMORY + 2), MEMORY
        if node.type == "int64_t":  # sums, and the number of steps
            node.bits, node.bound = 0 if name.endswith("count") else MOST_BITS, math.inf
        return node

    def into(self, node: Node, former: Node) -> Node:
        """See `Program.into`."""
        fitted = self.aligned(node, former.bits)
        if node.bound <= former.bound:
            return fitted
        most = int(former.bound * 2**former.bits) - 1
        made = Node(node.shape, node.most, node.type, (fitted,), cost=2)
        made.at = lambda index: self.call("within", fitted[index], str(most))
        made.bits, made.bound = former.bits, former.bound
        self.nodes.append(made)
        return made

    def node(self, like: Tensor, shape: Sequence[Any], inputs: Sequence[Node] = (), *args: Any, **options: Any) -> Node:
        """See `Program.node`; by default with the fraction bits of its first input."""
        made = super().node(like, shape, inputs, *args, **options)
        if made.type in ("int32_t", "int64_t") and inputs:
            made.bits, made.bound = inputs[0].bits, inputs[0].bound
        return made

    def of(self, value: Any, dtype: torch.dtype | None = None) -> Node:
        """See `Program.of`."""
        if (
            isinstance(value, int | float)
            and dtype in (None, torch.float32, torch.float64)
            and not isinstance(value, bool)
        ):
            return self._number(float(value))
        return super().of(value, dtype)

    def _number(self, value: float) -> Node:
        bits = bits_for(abs(value) or 1.0) if math.isfinite(value) else 0
        made = Node(
            (), (), "int32_t", at=lambda _: str(round(value * 2**bits)) if math.isfinite(value) else "(-INT32_MAX)"
        )
        made.bits, made.bound = bits, abs(value)
        return made

    def constant(self, tensor: Tensor) -> Node:
        """See `Program.constant`."""
        if not tensor.dtype.is_floating_point:
            return super().constant(tensor)
        array = tensor.detach().cpu().numpy().astype(np.float64)
        bound = float(np.abs(array).max())
        bits = bits_for(bound)
        made = Node(array.shape, array.shape, "int32_t")
        made.buffer = self.table(np.round(array * 2**bits).astype(np.int32), self.names.get(id(tensor), ""), "int32_t")
        made.bits, made.bound = bits, bound
        return made

    def aligned(self, node: Node, bits: int) -> Node:
        """A node with another number of fraction bits."""
        change = bits - node.bits
        if not change or math.isinf(node.bound):
            return node
        made = Node(node.shape, node.most, node.type, (node,), cost=1)
        made.at = lambda index: (
            f"({node[index]} * {2**change})" if change > 0 else self.call("shift", node[index], str(-change))
        )
        made.bits, made.bound = bits, node.bound
        self.nodes.append(made)
        return made


def _whole(name: str) -> Writer:
    """The writer of a function of whole numbers, or else a refusal."""

    def writer(program: FixedProgram, like: Any, *values: Any, **options: Any) -> Any:
        kinds = [value.like.dtype for value in values if hasattr(value, "like")]
        if any(kind.is_floating_point for kind in kinds) or getattr(like, "is_floating_point", bool)():
            raise UnsupportedError(
                f"whole numbers alone cannot compute {name!r}, which this model needs. Export it without --quantize, "
                "or train one with another --cell (lstm, gru, …), --pooling last, mean or max, and without missing "
                "values and segment means."
            )
        return WRITERS[name](program, like, *values, **options)

    return writer


def _float_writer(name: str) -> Callable[[Writer], Writer]:
    """Registers the writer of a function of fixed numbers, beside that of whole ones."""

    def register(function: Writer) -> Writer:
        def writer(program: FixedProgram, like: Tensor, *values: Any, **options: Any) -> Any:
            if not like.dtype.is_floating_point:
                return WRITERS[name](program, like, *values, **options)
            return function(program, like, *values, **options)

        FIXED[name] = writer
        return function

    return register


_MOVES = [
    "gather",
    "expand",
    "expand_as",
    "chunk",
    "getitem",
    "flatten",
    "unflatten",
    "dropout",
    "to",
    "double",
    "arange",
]
FIXED: dict[str, Writer] = {name: _whole(name) for name in WRITERS} | {name: WRITERS[name] for name in _MOVES}


def _sum(program: FixedProgram, like: Tensor, first: Node, second: Node, sign: str) -> Node:
    bound = first.bound + second.bound
    bits = min(first.bits, second.bits, MOST_BITS if math.isinf(bound) else bits_for(bound))
    a, b = program.aligned(first, bits), program.aligned(second, bits)
    made = program.node(like, broadcast(a, b), [a, b], lambda index: f"({a[index]} {sign} {b[index]})")
    made.bits, made.bound = bits, bound
    return made


@_float_writer("add")
def _add(program: FixedProgram, like: Tensor, first: Any, second: Any) -> Node:
    return _sum(program, like, program.of(first), program.of(second), "+")


@_float_writer("sub")
def _sub(program: FixedProgram, like: Tensor, first: Any, second: Any) -> Node:
    made = _sum(program, like, program.of(first), program.of(second), "-")
    if isinstance(second, Tensor) and not isinstance(second, Value):
        made.shifted = (program.of(first), second)
    return made


@_float_writer("rsub")
def _rsub(program: FixedProgram, like: Tensor, first: Any, second: Any) -> Node:
    return _sum(program, like, program.of(second), program.of(first), "-")


@_float_writer("mul")
def _mul(program: FixedProgram, like: Tensor, first: Any, second: Any) -> Node:
    a = program.of(first)
    if a.shifted is not None and isinstance(second, Tensor) and not isinstance(second, Value):
        return _normalised(program, like, *a.shifted, second)
    b = program.of(second)
    bound = a.bound * b.bound
    bits = min(bits_for(bound), a.bits + b.bits - 1)
    down = str(a.bits + b.bits - bits)
    made = program.node(
        like, broadcast(a, b), [a, b], lambda index: program.call("times", a[index], b[index], down), cost=3
    )
    made.bits, made.bound = bits, bound
    return made


def _normalised(program: FixedProgram, like: Tensor, node: Node, shift: Tensor, factor: Tensor) -> Node:
    """(x − shift) ∘ factor within ±`NORMALISED`, each channel with a multiplier and a shift of bits of its own."""
    bits = bits_for(NORMALISED)
    exponents = np.clip(30 - np.ceil(np.log2(np.abs(factor.numpy().astype(np.float64)) + 1e-30)), 1, 50).astype(
        np.int32
    )
    multiplier = np.round(factor.numpy().astype(np.float64) * 2.0**exponents).astype(np.int32)
    down = exponents + node.bits - bits
    if (down < 1).any() or (down > 62).any():
        raise UnsupportedError(
            "a channel's values are too small or too large beside the others' for whole numbers. Export without "
            "--quantize, or scale the channels alike before the training."
        )
    shifts = np.round(shift.numpy().astype(np.float64) * 2**node.bits).astype(np.int32)
    names = [program.table(part.astype(np.int32), "", "int32_t") for part in (shifts, multiplier, down)]
    most = str(int(NORMALISED * 2**bits) - 1)

    def at(index: Any) -> str:
        return program.call("normalise", node[index], *(f"{name}[{index[-1]}]" for name in names), most)

    made = program.node(like, node.shape, [node], at, cost=3)
    made.bits, made.bound = bits, NORMALISED
    return made


def _curve(name: str) -> None:
    @_float_writer(name)
    def write(program: FixedProgram, like: Tensor, value: Any) -> Node:
        node = program.of(value)
        x = program.aligned(node, min(20, node.bits))
        if x.bits < 20:
            x = program.into(x, _bounded(x.bits))
            x = program.aligned(x, 20)
        made = program.node(like, node.shape, [x], lambda index: program.call(f"{name}_fixed", x[index]), cost=8)
        made.bits, made.bound = MOST_BITS, 1.0
        return made


def _bounded(bits: int) -> Node:
    made = Node((), (), "int32_t")
    made.bits, made.bound = bits, 1024.0
    return made


@_float_writer("div")
def _div(program: FixedProgram, like: Tensor, first: Any, second: Any) -> Node:
    """A sum of outputs over their number."""
    if like.dtype != torch.float64:
        return _whole("div")(program, like, first, second)  # type: ignore[no-any-return]
    a, b = program.of(first), program.of(second)
    made = program.node(like, broadcast(a, b), [a, b], lambda index: f"({a[index]} / {b[index]})", cost=3)
    made.bits, made.bound = a.bits - b.bits, 1.0
    return made


_curve("sigmoid")
_curve("tanh")


@_float_writer("linear")
def _linear(program: FixedProgram, like: Tensor, value: Any, weight: Tensor, bias: Tensor | None = None) -> Node:
    node = program.of(value)
    outputs, inputs = weight.shape
    W = weight.detach().numpy().astype(np.float64)
    whole = math.ceil(math.log2(max(node.bound, 1e-9)))
    room = 30 - 7 - math.ceil(math.log2(inputs))  # bits of an operand, so that a sum has 32
    x = program.aligned(node, min(OPERAND_BITS - whole, room - whole, node.bits))
    scales = np.maximum(np.abs(W).max(1), 1e-12) / 127
    rounded = np.round(W / scales[:, None]).astype(np.int8)
    shift = np.zeros(outputs) if bias is None else bias.detach().numpy().astype(np.float64)
    bound = float((np.abs(W).sum(1) * node.bound + np.abs(shift)).max()) + 1e-6
    bits = bits_for(bound)
    exponent = 30 - math.ceil(math.log2(scales.max()))
    multipliers = np.round(scales * 2.0**exponent).astype(np.int32)
    down = exponent + x.bits - bits
    name = program.names.get(id(weight), "")
    tables = [
        program.table(rounded, name, "int8_t"),
        program.table(multipliers, f"{name}_scale" if name else "", "int32_t"),
        program.table(
            np.round(shift * 2**bits).astype(np.int32),
            program.names.get(id(bias), "") if bias is not None else "",
            "int32_t",
        ),
    ]
    rows = tuple(node.shape[:-1])

    def fill(buffer: str) -> list[str]:
        def body(index: Any) -> list[str]:
            row = flat(rows, index)
            to, read = (
                at if row == "0" else f"{at} + {inner(row)} * {size}"
                for at, size in ((buffer, outputs), (x.base().buffer, inputs))
            )
            return [program.call("product_fixed", to, *tables, read, str(outputs), str(inputs), str(down)) + ";"]

        return program.loop(rows, body)

    made = program.node(like, (*rows, outputs), [x], fill=fill, whole=True)
    made.bits, made.bound = bits, bound
    return made


@_float_writer("embedding")
def _embedding(program: FixedProgram, like: Tensor, codes: Any, table: Tensor, **options: Any) -> Node:
    made: Node = WRITERS["embedding"](program, like, codes, table, **options)
    rows = program.constant(table)
    made.bits, made.bound = rows.bits, rows.bound
    return made


def _together(program: FixedProgram, values: Sequence[Any]) -> list[Node]:
    """Nodes with the same number of fraction bits."""
    nodes = [program.of(value) for value in values]
    bits = min(node.bits for node in nodes if not math.isinf(node.bound))
    return [program.aligned(node, bits) for node in nodes]


@_float_writer("maximum")
def _maximum(program: FixedProgram, like: Tensor, first: Any, second: Any) -> Node:
    a, b = _together(program, (first, second))
    made = program.node(
        like, broadcast(a, b), [a, b], lambda index: program.call("larger_int32_t", a[index], b[index]), cost=1
    )
    made.bound = max(a.bound, b.bound)
    return made


@_float_writer("where")
def _where(program: FixedProgram, like: Tensor, first: Any, second: Any, third: Any) -> Node:
    is_condition = getattr(getattr(first, "like", first), "dtype", None) == torch.bool
    condition, yes, no = (first, second, third) if is_condition else (second, first, third)
    chosen = program.of(condition)
    a, b = _together(program, (yes, no))
    made = program.node(
        like,
        broadcast(chosen, a, b),
        [a, b, chosen],
        lambda index: f"({chosen[index]} ? {a[index]} : {b[index]})",
        cost=2,
    )
    made.bits = min(node.bits for node in (a, b) if not math.isinf(node.bound))
    made.bound = max(node.bound for node in (a, b) if not math.isinf(node.bound))
    return made


@_float_writer("cat")
def _cat(program: FixedProgram, like: Tensor, values: Sequence[Any], dim: int = 0) -> Node:
    made = [Value.of(program, node, value.like) for node, value in zip(_together(program, values), values, strict=True)]
    found: Node = WRITERS["cat"](program, like, made, dim)
    found.bound = max(value.node.bound for value in made)
    return found


def _greater(program: FixedProgram, like: Tensor, first: Any, second: Any) -> Node:
    a = program.of(first)
    b = program.of(second) if a.type == "int" else program.aligned(program.of(second), a.bits)
    return program.node(like, broadcast(a, b), [a, b], lambda index: f"({a[index]} > {b[index]})")


FIXED |= {"amax": WRITERS["amax"], "gt": _greater}
FixedProgram.writers = FIXED
FixedProgram.overrides = {**OVERRIDES}
