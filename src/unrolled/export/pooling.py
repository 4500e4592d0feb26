"""The poolings in ONNX, for whole padded sequences and for streams; see `unrolled.nn.pooling`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from unrolled.export.graph import Graph
from unrolled.export.recurrence import Steps
from unrolled.nn.pooling import (
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
        mean = _mean(graph, valid, steps)
        distances = graph.add("Where", steps.valid, graph.add("Sub", valid, mean), nothing)
        variance = _mean(graph, graph.add("Mul", distances, distances), steps)
        deviation = graph.add("Sqrt", graph.add("Add", variance, graph.scalar(LEAST_VARIANCE)))
        return graph.add("Concat", mean, _largest(graph, outputs, steps), deviation, last, axis=1)
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
        largest = graph.add("Max", state[0], graph.add("ReduceMax", outputs, axes=[0], keepdims=0))
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
        added = graph.add("ReduceSum", graph.add("Mul", values, values), graph.integers(0), keepdims=0)
        squares = graph.add("Add", state[2], added)
        spread = graph.add("Sub", graph.add("Div", squares, count), graph.add("Mul", average, average))
        least = graph.scalar(LEAST_VARIANCE, np.float64)
        variance = graph.add("Add", graph.add("Max", spread, graph.scalar(0.0, np.float64)), least)
        deviation = graph.add("Cast", graph.add("Sqrt", variance), to=TensorProto.FLOAT)
        largest = graph.add("Max", state[3], graph.add("ReduceMax", outputs, axes=[0], keepdims=0))
        pooled = graph.add("Concat", mean, largest, deviation, last, axis=1)
        return pooled, [count, total, squares, largest]
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
    return graph.add("ReduceMax", graph.add("Where", steps.valid, outputs, graph.scalar(LOWEST)), axes=[0], keepdims=0)


def _scores(graph: Graph, pooling: Pooling, outputs: str) -> str:
    """e of `AttentionPooling`, [T, B, 1]."""
    assert isinstance(pooling, AttentionPooling)  # noqa: S101  # the others have been dealt with
    product = graph.add("MatMul", outputs, graph.constant("A", pooling.A.weight.T))
    hidden = graph.add("Tanh", graph.add("Add", product, graph.constant("a", pooling.A.bias)))
    return graph.add("MatMul", hidden, graph.constant("v", pooling.v.weight.T))
