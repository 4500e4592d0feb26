"""Steps by their places in ONNX; see `unrolled.nn.frames.take_steps`."""

from __future__ import annotations

import numpy as np

from unrolled.export.graph import Graph
from unrolled.export.recurrence import Steps


def count_steps(graph: Graph, values: str) -> str:
    """T of values [T, B, F]."""
    return graph.add("Gather", graph.add("Shape", values), graph.scalar(0, np.int64))


def numbers_up_to(graph: Graph, count: str) -> str:
    """0 … count − 1."""
    return graph.add("Range", graph.scalar(0, np.int64), count, graph.scalar(1, np.int64))


def take_beside(graph: Graph, values: str, places: str, steps: Steps, width: int) -> str:
    """The steps at these places, none before the first or behind the last, so many of them beside each other.

    Args:
        graph: what is written to.
        values: [T, B, F].
        places: [P].
        steps: which of them count.
        width: values of those that stand beside each other, K·F.
    Returns:
        [P / K, B, K·F].
    """
    last = graph.add("Sub", steps.lengths, graph.scalar(1, np.int64))
    within = graph.add("Max", places, graph.scalar(0, np.int64))
    source = graph.add("Min", within, graph.add("Unsqueeze", last, graph.integers(1)))  # [B, P]
    source = graph.add("Unsqueeze", source, graph.integers(2))
    picked = graph.add("GatherND", graph.add("Transpose", values, perm=[1, 0, 2]), source, batch_dims=1)
    return graph.add("Transpose", graph.add("Reshape", picked, graph.integers(0, -1, width)), perm=[1, 0, 2])
