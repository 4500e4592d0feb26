"""C for PyTorch's functions: each writer gives the expression of an element, or the statements that fill an array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from unrolled.export.c.program import WRITERS, Index, Node, Program, Size, flat, inner, literal, times
from unrolled.export.values import Value, Writer

CHEAP, COSTLY = 1, 6
"""Costs of an operation: an addition; a function such as tanh."""


def broadcast(*nodes: Node) -> tuple[Size, ...]:
    """The common shape of nodes."""
    axes = max(len(node.shape) for node in nodes)
    rows = [(1,) * (axes - len(node.shape)) + node.shape for node in nodes]
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*rows, strict=True))


def folded(expression: str) -> str:
    """An expression of whole numbers alone as their result."""
    if any(letter not in "0123456789+-*/() " for letter in expression):
        return expression
    left, operator, right = expression[1:-1].partition(next(o for o in (" + ", " - ", " * ", " / ") if o in expression))
    a, b = int(left), int(right)
    return str({" + ": a + b, " - ": a - b, " * ": a * b, " / ": a // max(b, 1)}[operator])


def elementwise(write: Callable[..., str], cost: int = CHEAP, of: torch.dtype | None = None) -> Writer:
    """A writer of a function of single elements, which gets the program, the type and the expressions."""

    def writer(program: Program, like: Tensor, *values: Any, **_: Any) -> Node:
        dtype = of or like.dtype
        if like.dtype == torch.bool:
            plain = [value.like if hasattr(value, "like") else value for value in values]
            dtype = torch.result_type(*plain) if len(values) > 1 else values[0].dtype
        nodes = [program.of(value, dtype) for value in values]
        kind = "double" if dtype == torch.float64 else "float"

        def at(index: Index) -> str:
            found = write(program, kind, *(node[index] for node in nodes))
            return folded(found) if like.dtype == torch.int64 and found[0] == "(" else found

        return program.node(like, broadcast(*nodes), nodes, at, cost=cost)

    return writer


def _infix(operator: str, *, turned: bool = False, cost: int = CHEAP) -> Writer:
    def write(_program: Program, _kind: str, first: str, second: str) -> str:
        first, second = (second, first) if turned else (first, second)
        return f"({first} {operator} {second})"

    return elementwise(write, cost)


def _function(name: str, cost: int = COSTLY) -> Writer:
    def write(program: Program, kind: str, *values: str) -> str:
        return program.call(name if kind == "float" else f"{name}_double", *values)

    return elementwise(write, cost)


def _bound(name: str) -> Writer:
    """A writer of the larger or the smaller of two values."""

    def writer(program: Program, like: Tensor, first: Any, second: Any) -> Node:
        nodes = [program.of(value, like.dtype) for value in (first, second)]
        function = f"{name}_{nodes[0].type}"
        return program.node(
            like, broadcast(*nodes), nodes, lambda index: program.call(function, *(node[index] for node in nodes))
        )

    return writer


def view(
    program: Program,
    like: Tensor,
    node: Node,
    shape: Sequence[Size],
    place: Callable[[Index], Index],
    *,
    same: bool = False,
) -> Node:
    """A node whose elements stand elsewhere in another one."""
    return program.node(like, shape, [node], lambda index: node[place(index)], cost=0, same=same)


def _reduce(start: str, step: Callable[[Program, str, str, str], str]) -> Writer:
    """A writer of a sum, or of the largest or least value, along an axis."""

    def writer(program: Program, like: Tensor, value: Any, dim: int, keepdim: bool = False, **_: Any) -> Node:
        node = program.of(value, like.dtype)
        axis = dim % len(node.shape)
        rest = tuple(size for place, size in enumerate(node.shape) if place != axis)
        shape = (*node.shape[:axis], 1, *node.shape[axis + 1 :]) if keepdim else rest

        def full(index: Index, place: str) -> Index:
            return (*index[:axis], place, *index[axis + 1 if keepdim else axis :])

        if node.shape[axis] == 1:
            return view(program, like, node, shape, lambda index: full(index, "0"), same=True)
        over = program.fresh("a")
        kind = "double" if node.type == "float" and not start and isinstance(node.shape[axis], str) else node.type

        def fill(buffer: str) -> list[str]:
            def body(index: Index) -> list[str]:
                first = full(index, "0")
                begin = literal(0, kind) if not start else node[first]
                back = f"({node.type})total" if kind != node.type else "total"
                return [
                    f"{kind} total = {begin};",
                    f"for (int {over} = {1 if start else 0}; {over} < {node.shape[axis]}; {over}++)",
                    f"    total = {step(program, kind, 'total', node[full(index, over)])};",
                    f"{buffer}[{flat(shape, index)}] = {back};",
                ]

            return program.loop(shape, body)

        return program.node(like, shape, [node], fill=fill)

    return writer


WRITERS |= {
    **{name: _infix(operator) for name, operator in (("sub", "-"), ("mul", "*"))},
    "div": _infix("/", cost=3),
    "truediv": _infix("/", cost=3),
    "floor_divide": _infix("/", cost=3),
    "rsub": _infix("-", turned=True),
    "rdiv": _infix("/", turned=True, cost=3),
    "and": _infix("&&"),
    "lt": _infix("<"),
    "gt": _infix(">"),
    "ge": _infix(">="),
    "maximum": _bound("larger"),
    "minimum": _bound("smaller"),
    "sigmoid": _function("sigmoid"),
    "tanh": _function("tanh"),
    "exp": _function("exp"),
    "sqrt": _function("sqrt"),
    "log1p": _function("log1p"),
    "invert": elementwise(lambda _program, _kind, x: f"!{x}"),
    "isnan": elementwise(lambda program, _kind, x: program.call("missing", x)),
    "relu": elementwise(lambda program, _kind, x: program.call("larger_float", x, "0.0f")),
    "abs": elementwise(lambda program, kind, x: program.call(f"larger_{kind}", x, f"-{x}")),
    "square": elementwise(lambda _program, _kind, x: f"({x} * {x})", 2),
    "zeros_like": elementwise(lambda _program, kind, _x: literal(0, kind), 0),
    "sum": _reduce("", lambda _program, _kind, total, x: f"{total} + {x}"),
    "amax": _reduce("first", lambda program, kind, total, x: program.call(f"larger_{kind}", total, x)),
    "amin": _reduce("first", lambda program, kind, total, x: program.call(f"smaller_{kind}", total, x)),
    "dropout": lambda _program, _like, x, **_options: x.node,
    **dict.fromkeys(("to", "double", "long", "int"), lambda program, like, x, *_: program.of(x, like.dtype)),
}


def _clamp(program: Program, like: Tensor, value: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002  # PyTorch's
    for name, bound in (("larger", min), ("smaller", max)):
        if bound is not None:
            value = Value.of(program, _bound(name)(program, like, value, bound), like)
    return value.node


def _where(program: Program, like: Tensor, first: Any, second: Any, third: Any) -> Node:
    # a method has the condition in the second place, a function in the first
    is_condition = getattr(getattr(first, "like", first), "dtype", None) == torch.bool
    condition, yes, no = (first, second, third) if is_condition else (second, first, third)
    nodes = [program.of(condition), program.of(yes, like.dtype), program.of(no, like.dtype)]
    return program.node(
        like,
        broadcast(*nodes),
        nodes,
        lambda index: f"({nodes[0][index]} ? {nodes[1][index]} : {nodes[2][index]})",
        cost=2,
    )


def _linear(program: Program, like: Tensor, value: Any, weight: Tensor, bias: Tensor | None = None) -> Node:
    table = program.table(weight.detach().numpy().T.ravel(), program.names.get(id(weight), ""))  # column by column
    shift = "0" if bias is None else program.table(bias.detach().numpy(), program.names.get(id(bias), ""))
    return _product(program, like, program.of(value), weight.shape[0], (table, shift))


def _product(
    program: Program, like: Tensor, node: Node, outputs: int, product: tuple[str, str], onto: Node | None = None
) -> Node:
    """The products of weights with the rows of a node, added to what the second table or another product holds."""
    table, shift = product
    inputs, rows = node.shape[-1], tuple(node.shape[:-1])

    def fill(buffer: str) -> list[str]:
        source = node.base().buffer

        def body(index: Index) -> list[str]:
            row = flat(rows, index)
            start = "" if row == "0" else f" + {inner(row)} * "
            to, read = (f"{name}{start}{size if start else ''}" for name, size in ((buffer, outputs), (source, inputs)))
            product = program.call("product", to, table, read, str(outputs), str(inputs)) + ";"
            if onto is not None and onto.buffer == buffer:
                return [product]
            first = shift if onto is None else f"{onto.buffer}{start}{outputs if start else ''}"
            value = "0.0f" if first == "0" else f"({first})[u]" if " " in first else f"{first}[u]"
            target = f"({to})[u]" if " " in to else f"{to}[u]"
            return [f"for (int u = 0; u < {outputs}; u++)", f"    {target} = {value};", product]

        return program.loop(rows, body)

    given = [node] if onto is None else [node, onto]
    made = program.node(like, (*rows, outputs), given, fill=fill, whole=True)
    made.product, made.onto = product, onto
    return made


def _add(program: Program, like: Tensor, first: Any, second: Any) -> Node:
    """The sum of two values; two products with weights are added up in one array."""
    for one, other in ((first, second), (second, first)):
        onto, node = (getattr(value, "node", None) for value in (one, other))
        if onto and node and onto.product and node.product and onto.shape == node.shape and node.product[1] == "0":
            return _product(program, like, node.inputs[0], int(node.shape[-1]), node.product, onto)
    return _infix("+")(program, like, first, second)  # type: ignore[no-any-return]


def _matmul(program: Program, like: Tensor, first: Any, second: Any) -> Node:
    """[1, S, T] and [1, T, F] → [1, S, F]."""
    a, b = program.of(first, like.dtype), program.of(second, like.dtype)
    shape = (*a.shape[:-1], b.shape[-1])
    over = program.fresh("a")

    def fill(buffer: str) -> list[str]:
        def body(index: Index) -> list[str]:
            product = f"{a[(*index[:-1], over)]} * {b[(*index[:-2], over, index[-1])]}"
            return [
                f"{a.type} total = {literal(0, a.type)};",
                f"for (int {over} = 0; {over} < {a.shape[-1]}; {over}++)",
                f"    total += {product};",
                f"{buffer}[{flat(shape, index)}] = total;",
            ]

        return program.loop(shape, body)

    return program.node(like, shape, [a, b], fill=fill)


def _layer_norm(
    program: Program, like: Tensor, value: Any, shape: Sequence[int], weight: Tensor, bias: Tensor | None, eps: float
) -> Node:
    node, width = program.of(value), shape[0]
    rows = tuple(node.shape[:-1])
    scale = program.constant(weight)
    shift = program.constant(torch.zeros(width) if bias is None else bias)

    def fill(buffer: str) -> list[str]:
        def body(index: Index) -> list[str]:
            row = flat(rows, index)
            start = "" if row == "0" else f" + {inner(row)} * {width}"
            normalise = program.call(
                "standardise", f"{buffer}{start}", f"{node.base().buffer}{start}", str(width), literal(eps, "float")
            )
            place = f"{buffer}[{flat((*rows, width), (*index, 'u'))}]"
            unit = (*index, "u")
            return [
                f"{normalise};",
                f"for (int u = 0; u < {width}; u++)",
                f"    {place} = {place} * {scale[unit[-1:]]} + {shift[unit[-1:]]};",
            ]

        return program.loop(rows, body)

    return program.node(like, node.shape, [node], fill=fill, whole=True)


def _softmax(program: Program, like: Tensor, value: Any, dim: int) -> Node:
    node = program.of(value)
    axis = dim % len(node.shape)
    rest = (*node.shape[:axis], 1, *node.shape[axis + 1 :])
    over = program.fresh("a")

    def fill(buffer: str) -> list[str]:
        def body(index: Index) -> list[str]:
            place = (*index[:axis], over, *index[axis + 1 :])
            each = f"for (int {over} = 0; {over} < {node.shape[axis]}; {over}++)"
            here = f"{buffer}[{flat(node.shape, place)}]"
            return [
                "float most = -FLT_MAX, total = 0.0f;",
                each,
                f"    {here} = {node[place]};",
                each,
                f"    most = {program.call('larger_float', 'most', here)};",
                f"{each} {{",
                f"    {here} = {program.call('exp', f'{here} - most')};",
                f"    total += {here};",
                "}",
                each,
                f"    {here} /= total;",
            ]

        return program.loop(rest, body)

    return program.node(like, node.shape, [node], fill=fill)


def _cummax(program: Program, _like: Any, value: Any, dim: int) -> Any:
    node = program.of(value)
    found = Value.of(program, node, value.like)
    if node.shape[dim] == 1:
        return SimpleNamespace(values=found)
    rest = (*node.shape[:dim], 1, *node.shape[dim + 1 :])
    over = program.fresh("a")

    def fill(buffer: str) -> list[str]:
        def body(index: Index) -> list[str]:
            place = (*index[:dim], over, *index[dim + 1 :])
            return [
                f"{node.type} most = {node[(*index[:dim], '0', *index[dim + 1 :])]};",
                f"for (int {over} = 0; {over} < {node.shape[dim]}; {over}++) {{",
                f"    most = {program.call(f'larger_{node.type}', 'most', node[place])};",
                f"    {buffer}[{flat(node.shape, place)}] = most;",
                "}",
            ]

        return program.loop(rest, body)

    made = program.node(value.like, node.shape, [node], fill=fill)
    return SimpleNamespace(values=Value.of(program, made, value.like))


def _gather(program: Program, like: Tensor, value: Any, dim: int, index: Any) -> Node:
    node, places = program.of(value), program.of(index)
    return program.node(
        like,
        places.shape,
        [node, places],
        lambda at: node[(*at[:dim], places[at], *at[dim + 1 :])],
    )


def _expand(program: Program, like: Tensor, value: Any, *sizes: Any) -> Node:
    node = program.of(value)
    kept = (1,) * (len(sizes) - len(node.shape)) + node.shape
    shape = tuple(old if wanted in (-1, old) or old != 1 else wanted for old, wanted in zip(kept, sizes, strict=True))
    same = times(shape) == node.count
    return view(program, like, node, shape, lambda index: index[len(sizes) - len(node.shape) :], same=same)


def _expand_as(program: Program, like: Tensor, value: Any, other: Any) -> Node:
    return _expand(program, like, value, *other.node.shape)


def _arange(program: Program, like: Tensor, count: Any, **_: Any) -> Node:
    size = count.node[()]
    number = int(size) if size.isdigit() else size
    return program.node(like, (number,), [count.node], lambda index: index[0], cost=0)


def _embedding(program: Program, like: Tensor, codes: Any, table: Tensor, **_: Any) -> Node:
    node, rows = program.of(codes), program.constant(table)
    return program.node(
        like, (*node.shape, table.shape[1]), [node], lambda index: rows[(node[index[:-1]], index[-1])], cost=1
    )


def _cat(program: Program, like: Tensor, values: Sequence[Any], dim: int = 0) -> Node:
    nodes = [node for value in values if (node := program.of(value, like.dtype)).shape[dim] != 0]
    axis = dim % len(nodes[0].shape)
    if len(nodes) == 1:
        return nodes[0]
    sizes = [node.shape[axis] for node in nodes]
    number = sum(size for size in sizes if isinstance(size, int))
    total: Size = " + ".join([*(inner(size) for size in sizes if isinstance(size, str)), str(number)])
    if all(isinstance(size, int) for size in sizes):
        total = number
    shape = (*nodes[0].shape[:axis], total, *nodes[0].shape[axis + 1 :])

    def at(index: Index) -> str:
        place, start, found = index[axis], "0", ""
        for node, size in zip(nodes, sizes, strict=True):
            here = place if start == "0" else f"({place} - {inner(start)})"
            element = node[(*index[:axis], here, *index[axis + 1 :])]
            start = folded(f"({start} + {size})")
            found += element if node is nodes[-1] else f"{place} < {start} ? {element} : "
        return f"({found})"

    return program.node(like, shape, nodes, at, cost=len(nodes))


def _stack(program: Program, like: Tensor, values: Sequence[Any], dim: int) -> Node:
    added = [view(program, value.like.unsqueeze(dim), value.node, (*value.node.shape[:dim], 1, *value.node.shape[dim:]),
                  lambda index: (*index[:dim], *index[dim + 1 :]), same=True) for value in values]  # fmt: skip
    made = [Value.of(program, node, value.like.unsqueeze(dim)) for node, value in zip(added, values, strict=True)]
    return _cat(program, like, made, dim)


def _chunk(program: Program, like: Sequence[Tensor], value: Any, _chunks: int, dim: int) -> list[Node]:
    node, found, start = program.of(value), [], 0
    axis = dim % len(node.shape)
    for part in like:
        found.append(_part(program, part, node, axis, start, part.shape[axis]))
        start += part.shape[axis]
    return found


def _part(program: Program, like: Tensor, node: Node, axis: int, start: int, size: Size) -> Node:
    """Some elements of an axis."""
    shape = (*node.shape[:axis], size, *node.shape[axis + 1 :])

    def place(index: Index) -> Index:
        here = index[axis] if not start else str(start) if index[axis] == "0" else f"{inner(index[axis])} + {start}"
        return (*index[:axis], here, *index[axis + 1 :])

    return view(program, like, node, shape, place, same=shape == node.shape)


def _getitem(program: Program, like: Tensor, value: Any, places: Any) -> Node:
    """Slices, single places and new axes."""
    node = program.of(value)
    plan: list[tuple[str, str]] = []
    shape: list[Size] = []
    axis, same = 0, True
    for place in places if isinstance(places, tuple) else (places,):
        if place is None:
            plan.append(("new", ""))
            shape.append(1)
            continue
        size = node.shape[axis]
        if isinstance(place, int):
            end = str(size) if isinstance(size, int) else inner(size)
            plan.append(("one", str(place) if place >= 0 else folded(f"({end} - {-place})")))
            same &= size == 1
        else:
            start, stop = place.start or 0, place.stop
            length: Size = size
            if stop is not None or start:
                if isinstance(size, int):
                    length = len(range(*place.indices(size)))
                else:  # of an axis of steps: all but some, or the first of them
                    length = f"{inner(size)} - {start - (stop or 0)}" if stop is None or stop < 0 else stop - start
            plan.append(("some", str(start)))
            shape.append(length)
            same &= length == size
        axis += 1
    shape += node.shape[axis:]
    kept = len(node.shape) - axis

    def where(index: Index) -> Index:
        found, position = [], 0
        for kind, start in plan:
            if kind == "one":
                found.append(start)
                continue
            if kind == "some":
                here = index[position]
                found.append(here if start == "0" else f"{inner(here)} + {start}")
            position += 1
        return (*found, *(index[position : position + kept] if kept else ()))

    return view(program, like, node, shape, where, same=same)


def _flatten(program: Program, like: Tensor, value: Any, start: int = 0) -> Node:
    node = program.of(value)
    merged = node.shape[start:]
    size: Size = times(merged) if any(isinstance(part, str) for part in merged) else int(times(merged))
    return view(
        program,
        like,
        node,
        (*node.shape[:start], size),
        lambda index: (*index[:start], *apart(merged, index[-1])),
        same=True,
    )


def _unflatten(program: Program, like: Tensor, value: Any, dim: int, sizes: Sequence[int]) -> Node:
    node = program.of(value)
    whole, known = node.shape[dim], 1
    for size in sizes:
        known *= max(size, 1)
    rest: Size = whole // known if isinstance(whole, int) else f"{inner(whole)} / {known}"
    if isinstance(whole, str) and whole.endswith(f" * {known}"):
        rest = whole.removesuffix(f" * {known}")
    parts = tuple(rest if size == -1 else size for size in sizes)

    def place(index: Index) -> Index:
        return (*index[:dim], flat(parts, index[dim : dim + len(parts)]), *index[dim + len(parts) :])

    return view(program, like, node, (*node.shape[:dim], *parts, *node.shape[dim + 1 :]), place, same=True)


def apart(shape: Sequence[Size], place: str) -> Index:
    """The index of the element at a place among all of a shape; the reverse of `flat`."""
    found: list[str] = []
    for size in reversed(shape[1:]):
        if size == 1:
            found.insert(0, "0")
            continue
        found.insert(0, f"{inner(place)} % {inner(str(size))}")
        place = f"{inner(place)} / {inner(str(size))}"
    return (place, *found)


def _diff(program: Program, like: Tensor, value: Any, dim: int, prepend: Any) -> Node:
    """The change from each step to the next; of the first from ``prepend``."""
    node, before = program.of(value), program.of(prepend)

    def at(index: Index) -> str:
        start = (*index[:dim], "0", *index[dim + 1 :])
        if index[dim] == "0":
            return f"({node[index]} - {before[start]})"
        former = node[(*index[:dim], f"{inner(index[dim])} - 1", *index[dim + 1 :])]
        return f"({node[index]} - ({index[dim]} > 0 ? {former} : {before[start]}))"

    return program.node(like, node.shape, [node, before], at, cost=3)


WRITERS |= {
    "add": _add,
    "clamp": _clamp,
    "where": _where,
    "linear": _linear,
    "matmul": _matmul,
    "layer_norm": _layer_norm,
    "softmax": _softmax,
    "cummax": _cummax,
    "gather": _gather,
    "expand": _expand,
    "expand_as": _expand_as,
    "arange": _arange,
    "embedding": _embedding,
    "cat": _cat,
    "stack": _stack,
    "chunk": _chunk,
    "getitem": _getitem,
    "flatten": _flatten,
    "unflatten": _unflatten,
    "diff": _diff,
}
