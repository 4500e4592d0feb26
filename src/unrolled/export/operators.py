"""ONNX's operators for PyTorch's functions, and for the functions of `unrolled.nn` that an export overrides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from onnx import helper
from torch import Tensor

from unrolled.export.graph import OVERRIDES, TYPES, WRITERS, Graph
from unrolled.export.values import Size, Value, Writer
from unrolled.nn import at_each_step, gather_last, in_chunks, running_count, running_max, running_min, running_sum

_END = np.iinfo(np.int64).max


def named(graph: Graph, value: Any, dtype: torch.dtype) -> str:
    """The name of a value, tensor or number as a node's input of this type."""
    if isinstance(value, Value | Size):
        found = value.node
        return found if value.like.dtype == dtype else graph.add("Cast", found, to=TYPES[dtype])
    if isinstance(value, Tensor):
        return graph.constant(value if value.dtype == dtype else value.to(dtype))
    return graph.constant(
        torch.tensor(value, dtype=dtype, device="cpu"), f"{str(dtype).removeprefix('torch.')}({value:g})"
    )


def _of_one_type(operator: str, *, turned: bool = False) -> Writer:
    """A writer of an operator whose inputs have the result's type."""

    def write(graph: Graph, like: Tensor, *values: Any, **_: Any) -> str:
        names = [named(graph, value, like.dtype) for value in values]
        return graph.add(operator, *(reversed(names) if turned else names))

    return write


def _comparing(operator: str) -> Writer:
    """A writer of an operator that gives true or false, and whose inputs have one type."""

    def write(graph: Graph, _like: Tensor, *values: Any) -> str:
        dtype = torch.result_type(*map(_plain, values)) if len(values) > 1 else values[0].dtype
        return graph.add(operator, *(named(graph, value, dtype) for value in values))

    return write


def _plain(value: Any) -> Any:
    return value.like if isinstance(value, Value | Size) else value


def _reducing(operator: str) -> Writer:
    def write(graph: Graph, _like: Tensor, value: Value, dim: int) -> str:
        return graph.add(operator, value.node, axes=[dim], keepdims=0)

    return write


for _name in ("add", "sub", "mul", "div", "sigmoid", "tanh", "relu", "exp", "sqrt", "abs"):
    WRITERS[_name] = _of_one_type(_name.capitalize())
WRITERS |= {
    "maximum": _of_one_type("Max"),
    "minimum": _of_one_type("Min"),
    "truediv": _of_one_type("Div"),
    "floor_divide": _of_one_type("Div"),  # of sizes
    "rsub": _of_one_type("Sub", turned=True),
    "rdiv": _of_one_type("Div", turned=True),
    "invert": _of_one_type("Not"),
    "and": _of_one_type("And"),
    "matmul": _of_one_type("MatMul"),
    "lt": _comparing("Less"),
    "gt": _comparing("Greater"),
    "ge": _comparing("GreaterOrEqual"),
    "isnan": _comparing("IsNaN"),
    "amax": _reducing("ReduceMax"),
    "amin": _reducing("ReduceMin"),
    "square": lambda graph, _, x: graph.add("Mul", x.node, x.node),
    "zeros_like": lambda graph, _, x: graph.add("Sub", x.node, x.node),
    "log1p": lambda graph, like, x: graph.add("Log", graph.add("Add", x.node, named(graph, 1.0, like.dtype))),
    "softmax": lambda graph, _, x, dim: graph.add("Softmax", x.node, axis=dim),
    "dropout": lambda _graph, _, x, **_options: x.node,
    "embedding": lambda graph, _, codes, V, **_options: graph.add("Gather", graph.constant(V), codes.node),
    "gather": lambda graph, _, x, dim, index: graph.add("GatherElements", x.node, index.node, axis=dim),
    "expand": lambda graph, _, x, *sizes: graph.add("Expand", x.node, graph.integers(*(abs(size) for size in sizes))),
    "expand_as": lambda graph, _, x, other: graph.add("Expand", x.node, graph.add("Shape", other.node)),
    "arange": lambda graph, _, count, **_options: graph.add(
        "Range", graph.constant(np.int64(0)), count.node, graph.constant(np.int64(1))
    ),
    "sum": lambda graph, like, x, dim, keepdim=False, **_options: graph.add(
        "ReduceSum", named(graph, x, like.dtype), graph.integers(dim), keepdims=int(keepdim)
    ),
    "cat": lambda graph, like, values, dim: graph.add(
        "Concat", *(named(graph, value, like.dtype) for value in values), axis=dim
    ),
    "stack": lambda graph, _, values, dim: graph.add(
        "Concat", *(graph.add("Unsqueeze", value.node, graph.integers(dim)) for value in values), axis=dim
    ),
    "chunk": lambda graph, like, x, _chunks, dim: graph.add_many(
        "Split", [x.node, graph.integers(*(part.shape[dim] for part in like))], len(like), axis=dim
    ),
    "flatten": lambda graph, like, x, start=0, end=-1: graph.add(
        "Reshape",
        x.node,
        graph.integers(
            *[0] * start, *([like.shape[-1] if start else -1] if end == -1 else [-1, *like.shape[start + 1 :]])
        ),
    ),
    "unflatten": lambda graph, like, x, dim, sizes: graph.add(
        "Reshape", x.node, graph.integers(*[0] * dim, *sizes, *like.shape[dim + len(sizes) :])
    ),
    "diff": lambda graph, _, x, dim, prepend: graph.add(
        "Sub", x.node, graph.add("Concat", prepend.node, _slice(graph, x.node, dim, 0, -1), axis=dim)
    ),
    **dict.fromkeys(("to", "double"), lambda graph, like, x, *_: named(graph, x, like.dtype)),
    **dict.fromkeys(("long", "int"), lambda graph, like, x: named(graph, x, like.dtype)),
}


def _clamp(graph: Graph, like: Tensor, value: Value, min: Any = None, max: Any = None) -> str:  # noqa: A002  # PyTorch's
    found: str = value.node
    for operator, bound in (("Max", min), ("Min", max)):
        if bound is not None:
            found = graph.add(operator, found, named(graph, bound, like.dtype))
    return found


def _where(graph: Graph, like: Tensor, first: Any, second: Any, third: Any) -> str:
    # a method has the condition in the second place, a function in the first
    condition, yes, no = (first, second, third) if _plain(first).dtype == torch.bool else (second, first, third)
    return graph.add("Where", condition.node, *(named(graph, value, like.dtype) for value in (yes, no)))


def _linear(graph: Graph, _like: Tensor, value: Value, weight: Tensor, bias: Tensor | None = None) -> str:
    product = graph.add("MatMul", value.node, graph.constant(weight.T, graph.name_of(weight, ".T")))
    return product if bias is None else graph.add("Add", product, graph.constant(bias))


def _layer_norm(
    graph: Graph, _like: Tensor, value: Value, shape: Sequence[int], weight: Tensor, bias: Tensor | None, eps: float
) -> str:
    shift = np.zeros(tuple(shape), np.float32) if bias is None else bias
    return graph.add("LayerNormalization", value.node, graph.constant(weight), graph.constant(shift), epsilon=eps)


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


def _cummax(graph: Graph, _like: Any, value: Value, dim: int) -> Any:
    assert dim == 1  # noqa: S101  # over the steps

    def step(state: Sequence[Tensor], read: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        largest = torch.maximum(state[0], read[0])
        return [largest], [largest]

    first: Any = value[:, 0]
    return SimpleNamespace(values=scan(graph, [first], [value], step)[1][0])


WRITERS |= {"clamp": _clamp, "where": _where, "linear": _linear, "layer_norm": _layer_norm}
WRITERS |= {"getitem": _getitem, "cummax": _cummax}

Step = Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[Sequence[Any], Sequence[Any]]]


def scan(
    graph: Graph, states: Sequence[Value], scanned: Sequence[Value], step: Step
) -> tuple[list[Value], list[Value]]:
    """Carries a function over the steps.

    Args:
        graph: the graph.
        states: before the first step, each [B, ·].
        scanned: inputs of all steps, each [B, T, ·].
        step: from the states and inputs of a step, each [B, ·], to the next states and the outputs, each [B, ·].
    Returns:
        The last states, each [B, ·], and the outputs of all steps, each [B, T, ·].
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
    found = [Value.of(graph, name, value.like) for name, value in zip(names, [*after, *out], strict=True)]
    steps = scanned[0].like.shape[1]
    every = [Value.of(graph, value.node, value.like[:, None].expand(-1, steps, -1)) for value in found[len(after) :]]
    return found[: len(after)], every


def _gather_last(outputs: Value, lengths: Value) -> Any:
    places: Any = (lengths - 1)[:, None]
    return Value.of(
        outputs.graph, outputs.graph.add("GatherND", outputs.node, places.node, batch_dims=1), outputs.like[:, 0]
    )


def _running_count(values: Value) -> Any:
    count = values.shape[1]
    return Value.of(values.graph, named(values.graph, count, torch.float64), count.like.double())


# A stream's probabilities are needed after its last new step only, and so are running sums and maxima.
OVERRIDES |= {
    running_sum: lambda values: values.sum(1, dtype=torch.float64)[:, None],
    running_max: lambda values: values.amax(1)[:, None],
    running_min: lambda values: values.amin(1)[:, None],
    running_count: _running_count,
    at_each_step: lambda values: values[:, -1:],
    gather_last: _gather_last,
    in_chunks: lambda values, lengths: [(values, lengths)],
}
