"""The poolings in ONNX, for whole padded sequences and for streams; see `unrolled.nn.pooling`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from unrolled.export.graph import Graph
from unrolled.export.recurrence import Steps
from unrolled.nn import (
    LEAST_VARIANCE,
    AttentionPooling,
    LastPooling,
    MaxPooling,
    MeanPooling,
    Pooling,
    StatisticsPooling,
)

LOWEST = float(np.finfo(np.float32).min)


def pool(graph: Graph, pooling: Pooling, outputs: str, last: str, steps: Steps) -> str:
    """Whole sequences.

    Args:
        graph: what is written to.
        pooling: which, with its weights.
        outputs: of all steps, [T, B, H].
        last: the state h after each sequence's end, [B, H].
        steps: which of them count.
    Returns:
        [B, H].
    """
    if isinstance(pooling, LastPooling):
        return last
    nothing = graph.scalar(0.0)
    if isinstance(pooling, MaxPooling):
        return _largest(graph, outputs, steps)
    valid = graph.add("Where", steps.valid, outputs, nothing)
    if isinstance(pooling, MeanPooling):
        return _mean(graph, valid, steps)
    if isinstance(pooling, StatisticsPooling):
        first = graph.add("Slice", outputs, graph.integers(0), graph.integers(1), graph.integers(0))
        changes = graph.add("Where", steps.valid, _changes(graph, outputs, first), nothing)
        mean = _mean(graph, valid, steps)
        distances = graph.add("Where", steps.valid, graph.add("Sub", valid, mean), nothing)
        parts = [
            mean,
            _largest(graph, outputs, steps),
            _root_mean_square(graph, distances, steps),
            last,
            _reduced(graph, "Min", graph.add("Where", steps.valid, outputs, graph.scalar(-LOWEST))),
            _reduced(graph, "Max", changes),
            _reduced(graph, "Min", changes),
            _root_mean_square(graph, changes, steps),
        ]
        return graph.add("Concat", *parts, axis=1)
    scores = graph.add("Where", steps.valid, _scores(graph, pooling, valid), graph.scalar(LOWEST))
    weighted = graph.add("Mul", graph.add("Softmax", scores, axis=0), valid)
    return graph.add("ReduceSum", weighted, graph.integers(0), keepdims=0)


def pool_on(graph: Graph, pooling: Pooling, outputs: str, last: str, state: Sequence[str]) -> tuple[str, list[str]]:
    """Further steps of streams.

    Args:
        state: what `Pooling.advance` carries, by the same names and in the same order.
    Returns:
        What is pooled after the last of the steps, [B, H], and what is carried on.
    """
    if isinstance(pooling, LastPooling):
        return last, []
    if isinstance(pooling, MaxPooling):
        largest = graph.add("Max", state[0], _reduced(graph, "Max", outputs))
        return largest, [largest]
    values = graph.add("Cast", outputs, to=TensorProto.DOUBLE)  # [T, B, H]
    if isinstance(pooling, MeanPooling | StatisticsPooling):
        new = graph.add(
            "Cast", graph.add("Gather", graph.add("Shape", outputs), graph.integers(0)), to=TensorProto.DOUBLE
        )
        count = graph.add("Add", state[0], new)
        total = graph.add("Add", state[1], graph.add("ReduceSum", values, graph.integers(0), keepdims=0))
        average = graph.add("Div", total, count)
        mean = graph.add("Cast", average, to=TensorProto.FLOAT)
        if isinstance(pooling, MeanPooling):
            return mean, [count, total]
        begun = graph.add("Greater", state[0], graph.scalar(0.0, np.float64))
        first = graph.add("Slice", outputs, graph.integers(0), graph.integers(1), graph.integers(0))  # [1, B, H]
        changes = _changes(graph, outputs, graph.add("Where", begun, state[5], first))
        squares = graph.add("Add", state[2], _squares(graph, values))
        moves = graph.add("Add", state[6], _squares(graph, graph.add("Cast", changes, to=TensorProto.DOUBLE)))
        spread = graph.add("Sub", graph.add("Div", squares, count), graph.add("Mul", average, average))
        largest = graph.add("Max", state[3], _reduced(graph, "Max", outputs))
        lowest = graph.add("Min", state[4], _reduced(graph, "Min", outputs))
        rise = graph.add("Max", state[7], _reduced(graph, "Max", changes))
        fall = graph.add("Min", state[8], _reduced(graph, "Min", changes))
        deviation = _root(graph, graph.add("Max", spread, graph.scalar(0.0, np.float64)))
        movement = _root(graph, graph.add("Div", moves, count))
        pooled = graph.add("Concat", mean, largest, deviation, last, lowest, rise, fall, movement, axis=1)
        return pooled, [count, total, squares, largest, lowest, last, moves, rise, fall]
    peak, weight, total = state
    scores = graph.add("Cast", _scores(graph, pooling, outputs), to=TensorProto.DOUBLE)  # [T, B, 1]
    highest = graph.add("Max", peak, graph.add("ReduceMax", scores, axes=[0], keepdims=0))  # [B, 1]
    shrink = graph.add("Exp", graph.add("Sub", peak, highest))
    weights = graph.add("Exp", graph.add("Sub", scores, highest))
    more = graph.add("ReduceSum", weights, graph.integers(0), keepdims=0)
    weight = graph.add("Add", graph.add("Mul", shrink, weight), more)
    added = graph.add("ReduceSum", graph.add("Mul", weights, values), graph.integers(0), keepdims=0)
    total = graph.add("Add", graph.add("Mul", shrink, total), added)
    return graph.add("Cast", graph.add("Div", total, weight), to=TensorProto.FLOAT), [highest, weight, total]


def _mean(graph: Graph, valid: str, steps: Steps) -> str:
    """Over each sequence's steps, [T, B, H], zero where there are none → [B, H]."""
    total = graph.add("ReduceSum", valid, graph.integers(0), keepdims=0)
    counts = graph.add("Cast", steps.lengths, to=TensorProto.FLOAT)
    return graph.add("Div", total, graph.add("Unsqueeze", counts, graph.integers(1)))


def _largest(graph: Graph, outputs: str, steps: Steps) -> str:
    """Over each sequence's steps, [T, B, H] → [B, H]."""
    return _reduced(graph, "Max", graph.add("Where", steps.valid, outputs, graph.scalar(LOWEST)))


def _reduced(graph: Graph, what: str, values: str) -> str:
    """The largest or the least over the steps, [T, B, H] → [B, H]."""
    return graph.add(f"Reduce{what}", values, axes=[0], keepdims=0)


def _changes(graph: Graph, outputs: str, before: str) -> str:
    """Of each step against the one before, [T, B, H]; the first against ``before``, [1, B, H]."""
    earlier = graph.add("Slice", outputs, graph.integers(0), graph.integers(-1), graph.integers(0))
    return graph.add("Sub", outputs, graph.add("Concat", before, earlier, axis=0))


def _root_mean_square(graph: Graph, values: str, steps: Steps) -> str:
    """Over each sequence's steps, [T, B, H], zero where there are none → [B, H]; never 0."""
    variance = _mean(graph, graph.add("Mul", values, values), steps)
    return graph.add("Sqrt", graph.add("Add", variance, graph.scalar(LEAST_VARIANCE)))


def _squares(graph: Graph, values: str) -> str:
    """Their sum over the steps, [T, B, H] → [B, H]."""
    return graph.add("ReduceSum", graph.add("Mul", values, values), graph.integers(0), keepdims=0)


def _root(graph: Graph, variance: str) -> str:
    """Of a mean square in float64, as float32; never 0."""
    least = graph.scalar(LEAST_VARIANCE, np.float64)
    return graph.add("Cast", graph.add("Sqrt", graph.add("Add", variance, least)), to=TensorProto.FLOAT)


def _scores(graph: Graph, pooling: Pooling, outputs: str) -> str:
    """e of `AttentionPooling`, [T, B, 1]."""
    assert isinstance(pooling, AttentionPooling)  # noqa: S101  # the others have been dealt with
    product = graph.add("MatMul", outputs, graph.constant("A", pooling.A.weight.T))
    hidden = graph.add("Tanh", graph.add("Add", product, graph.constant("a", pooling.A.bias)))
    return graph.add("MatMul", hidden, graph.constant("v", pooling.v.weight.T))
