"""ONNX's operators for PyTorch's functions, and for those of `unrolled.nn` that an export does in its own way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from onnx import helper
from torch import Tensor

from unrolled.export.graph import TYPES, Graph
from unrolled.export.values import OVERRIDES, WRITERS, Size, Value, Writer, named
from unrolled.nn import at_each_step, gather_last, running_count, running_max, running_min, running_sum

_END = np.iinfo(np.int64).max

_SAME_TYPE = {
    **{name: name.capitalize() for name in ("add", "sub", "mul", "div", "sigmoid", "tanh", "relu", "exp", "sqrt")},
    **{"abs": "Abs", "neg": "Neg", "maximum": "Max", "minimum": "Min", "truediv": "Div", "floor_divide": "Div"},
    **{"invert": "Not", "bitwise_not": "Not", "and": "And", "bitwise_and": "And"},
}
"""Functions of one or two values of the result's type."""

_COMPARING = {"lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual", "isnan": "IsNaN"}
"""Functions whose values are of a type of their own, and the result is true or false."""


def _writes(*names: str) -> Callable[[Writer], Writer]:
    def register(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(names, writer))
        return writer

    return register


def _same_type(operator: str) -> Writer:
    def write(graph: Graph, like: Tensor, *values: Any, **_: Any) -> str:
        return graph.add(operator, *(named(graph, value, like.dtype) for value in values))

    return write


def _comparing(operator: str) -> Writer:
    def write(graph: Graph, _like: Tensor, *values: Any) -> str:
        dtype = values[0].dtype if len(values) == 1 else torch.result_type(*map(_plain, values))
        return graph.add(operator, *(named(graph, value, dtype) for value in values))

    return write


def _plain(value: Any) -> Any:
    return value.like if isinstance(value, Value | Size) else value


WRITERS.update({name: _same_type(operator) for name, operator in _SAME_TYPE.items()})
WRITERS.update({name: _comparing(operator) for name, operator in _COMPARING.items()})


WRITERS["rsub"] = lambda graph, like, value, other: _same_type("Sub")(graph, like, other, value)
WRITERS["rdiv"] = lambda graph, like, value, other: _same_type("Div")(graph, like, other, value)


@_writes("zeros_like")
def _zeros_like(graph: Graph, _like: Tensor, value: Value) -> str:
    return graph.add("Sub", value.node, value.node)


@_writes("square")
def _square(graph: Graph, _like: Tensor, value: Value) -> str:
    return graph.add("Mul", value.node, value.node)


@_writes("log1p")
def _log1p(graph: Graph, like: Tensor, value: Value) -> str:
    return graph.add("Log", graph.add("Add", value.node, named(graph, 1.0, like.dtype)))


@_writes("clamp")
def _clamp(graph: Graph, like: Tensor, value: Value, min: Any = None, max: Any = None) -> str:  # noqa: A002  # PyTorch's
    found = value.node
    if min is not None:
        found = graph.add("Max", found, named(graph, min, like.dtype))
    return found if max is None else graph.add("Min", found, named(graph, max, like.dtype))


@_writes("where")
def _where(graph: Graph, like: Tensor, first: Any, second: Any, third: Any) -> str:
    # a method has the condition in the second place, a function in the first
    condition, yes, no = (first, second, third) if _plain(first).dtype == torch.bool else (second, first, third)
    return graph.add("Where", named(graph, condition, torch.bool), *(named(graph, v, like.dtype) for v in (yes, no)))


@_writes("to", "double", "float", "long", "int")
def _cast(graph: Graph, like: Tensor, value: Value, *_: Any) -> str:
    return named(graph, value, like.dtype)


@_writes("dropout", "clone", "contiguous")
def _unchanged(_graph: Graph, _like: Tensor, value: Value, *_: Any, **__: Any) -> str:
    return value.node


@_writes("sum")
def _sum(graph: Graph, like: Tensor, value: Value, dim: int, keepdim: bool = False, **_: Any) -> str:
    return graph.add("ReduceSum", named(graph, value, like.dtype), graph.integers(dim), keepdims=int(keepdim))


@_writes("amax")
def _amax(graph: Graph, _like: Tensor, value: Value, dim: int, keepdim: bool = False) -> str:
    return graph.add("ReduceMax", value.node, axes=[dim], keepdims=int(keepdim))


@_writes("amin")
def _amin(graph: Graph, _like: Tensor, value: Value, dim: int, keepdim: bool = False) -> str:
    return graph.add("ReduceMin", value.node, axes=[dim], keepdims=int(keepdim))


@_writes("softmax")
def _softmax(graph: Graph, _like: Tensor, value: Value, dim: int, *_: Any, **__: Any) -> str:
    return graph.add("Softmax", value.node, axis=dim)


@_writes("matmul")
def _matmul(graph: Graph, like: Tensor, one: Any, other: Any) -> str:
    return graph.add("MatMul", *(named(graph, value, like.dtype) for value in (one, other)))


@_writes("linear")
def _linear(graph: Graph, _like: Tensor, value: Value, weight: Tensor, bias: Tensor | None = None) -> str:
    name = f"{graph.names[id(weight)]}.T" if id(weight) in graph.names else ""
    product = graph.add("MatMul", value.node, graph.constant(weight.detach().T, name))
    return product if bias is None else graph.add("Add", product, graph.constant(bias))


@_writes("layer_norm")
def _layer_norm(
    graph: Graph,
    like: Tensor,
    value: Value,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> str:
    ones = torch.ones(*normalized_shape, dtype=like.dtype)
    scale, shift = (ones if weight is None else weight, ones * 0 if bias is None else bias)
    return graph.add("LayerNormalization", value.node, graph.constant(scale), graph.constant(shift), epsilon=eps)


@_writes("embedding")
def _embedding(graph: Graph, _like: Tensor, codes: Value, weight: Tensor, *_: Any, **__: Any) -> str:
    return graph.add("Gather", graph.constant(weight), codes.node)


@_writes("arange")
def _arange(graph: Graph, _like: Tensor, count: Size, **_: Any) -> str:
    zero, one = (graph.constant(np.int64(number)) for number in (0, 1))
    return graph.add("Range", zero, count.node, one)


@_writes("cat")
def _cat(graph: Graph, like: Tensor, values: Sequence[Any], dim: int = 0) -> str:
    return graph.add("Concat", *(named(graph, value, like.dtype) for value in values), axis=dim)


@_writes("stack")
def _stack(graph: Graph, like: Tensor, values: Sequence[Any], dim: int = 0) -> str:
    rows = [graph.add("Unsqueeze", named(graph, value, like.dtype), graph.integers(dim)) for value in values]
    return graph.add("Concat", *rows, axis=dim)


@_writes("chunk")
def _chunk(graph: Graph, like: Sequence[Tensor], value: Value, _chunks: int, dim: int = 0) -> Sequence[str]:
    sizes = graph.integers(*(part.shape[dim] for part in like))
    return graph.add_many("Split", [value.node, sizes], len(like), axis=dim)


@_writes("flatten")
def _flatten(graph: Graph, like: Tensor, value: Value, start_dim: int = 0) -> str:
    last = like.shape[-1] if start_dim else -1
    return graph.add("Reshape", value.node, graph.integers(*[0] * start_dim, last))


@_writes("unflatten")
def _unflatten(graph: Graph, _like: Tensor, value: Value, dim: int, sizes: Sequence[int]) -> str:
    behind = value.like.shape[dim + 1 :]
    return graph.add("Reshape", value.node, graph.integers(*[0] * dim, *sizes, *behind))


@_writes("expand")
def _expand(graph: Graph, _like: Tensor, value: Value, *sizes: int) -> str:
    return graph.add("Expand", value.node, graph.integers(*(1 if size == -1 else size for size in sizes)))


@_writes("gather")
def _gather(graph: Graph, _like: Tensor, value: Value, dim: int, index: Value) -> str:
    return graph.add("GatherElements", value.node, index.node, axis=dim)


@_writes("diff")
def _diff(graph: Graph, _like: Tensor, value: Value, *, dim: int, prepend: Value) -> str:
    earlier = _slice(graph, value.node, dim, None, -1)
    return graph.add("Sub", value.node, graph.add("Concat", prepend.node, earlier, axis=dim))


@_writes("getitem")
def _getitem(graph: Graph, _like: Tensor, value: Value, places: Any) -> str:
    """Slices, single places and new axes."""
    found, axis = value.node, 0
    gone: list[int] = []
    new: list[int] = []
    for place in places if isinstance(places, tuple) else (places,):
        if place is None:
            new.append(axis - len(gone) + len(new))
            continue
        if isinstance(place, int):
            found = _slice(graph, found, axis, place, None if place == -1 else place + 1)
            gone.append(axis)
        elif place != slice(None):
            found = _slice(graph, found, axis, place.start, place.stop)
        axis += 1
    if gone:
        found = graph.add("Squeeze", found, graph.integers(*gone))
    return graph.add("Unsqueeze", found, graph.integers(*new)) if new else found


def _slice(graph: Graph, name: str, axis: int, start: int | None, stop: int | None) -> str:
    ends = graph.integers(_END if stop is None else stop)
    return graph.add("Slice", name, graph.integers(start or 0), ends, graph.integers(axis))


@_writes("cummax")
def _cummax(graph: Graph, _like: Any, value: Value, dim: int) -> Any:
    first: Any = value[:, 0]

    def step(states: Sequence[Tensor], scanned: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        largest = torch.maximum(states[0], scanned[0])
        return [largest], [largest]

    assert dim == 1  # noqa: S101  # over the steps
    return SimpleNamespace(values=scan(graph, [first], [value], step)[1][0])


Step = Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[Sequence[Any], Sequence[Any]]]


def scan(
    graph: Graph, states: Sequence[Value], scanned: Sequence[Value], step: Step
) -> tuple[list[Value], list[Value]]:
    """A function carried over the steps.

    Args:
        graph: what is written to.
        states: before the first step, each [B, ·].
        scanned: what is read at each step, each [B, T, ·].
        step: from states and what is read, each [B, ·], to the next states and what comes out, each [B, ·].
    Returns:
        The last states, each [B, ·], and what came out of each step, each [B, T, ·].
    """
    inner = graph.inner("Scan")

    def info(name: str, like: Tensor) -> Any:
        return helper.make_tensor_value_info(f"{inner.scope}.{name}", TYPES[like.dtype], ["batch", like.shape[-1]])

    likes = [*(state.like for state in states), *(value.like[:, 0] for value in scanned)]
    inputs = [info(f"in.{index}", like) for index, like in enumerate(likes)]
    values = [Value.of(inner, item.name, like) for item, like in zip(inputs, likes, strict=True)]
    after, out = step(values[: len(states)], values[len(states) :])
    results = [info(f"out.{index}", value.like) for index, value in enumerate([*after, *out])]
    for item, value in zip(results, [*after, *out], strict=True):  # a body's outputs need names of their own
        inner.add("Identity", value.node, name=item.name)
    names = graph.add_many(
        "Scan",
        [value.node for value in [*states, *scanned]],
        len(results),
        body=inner.body(inputs, results),
        num_scan_inputs=len(scanned),
        scan_input_axes=[1] * len(scanned),
        scan_output_axes=[1] * len(out),
    )
    steps = scanned[0].like.shape[1]
    last = [Value.of(graph, name, value.like) for name, value in zip(names, after, strict=False)]
    every = [
        Value.of(graph, name, value.like[:, None].expand(-1, steps, -1))
        for name, value in zip(names[len(last) :], out, strict=True)
    ]
    return last, every


# Of a stream only the answer after its last new step is asked for: what runs over the steps is needed there alone.


def _running(reduce: Callable[[Value], Tensor]) -> Writer:
    return lambda values: reduce(values)[:, None]


def _double(size: Size) -> Any:
    return Value.of(size.graph, named(size.graph, size, torch.float64), size.like.double())


OVERRIDES[running_sum] = _running(lambda values: values.sum(1, dtype=torch.float64))
OVERRIDES[running_max] = _running(lambda values: values.amax(1))
OVERRIDES[running_min] = _running(lambda values: values.amin(1))
OVERRIDES[running_count] = lambda values: _double(values.shape[1])
OVERRIDES[at_each_step] = lambda values: values[:, -1:]


def _gather_last(outputs: Value, lengths: Value) -> Any:
    places = (lengths - 1)[:, None]
    name = outputs.graph.add("GatherND", outputs.node, places.node, batch_dims=1)  # type: ignore[attr-defined]
    return Value.of(outputs.graph, name, outputs.like[:, 0])


OVERRIDES[gather_last] = _gather_last
