"""The neighbours of each step in ONNX; see `unrolled.nn.context`."""

from __future__ import annotations

import numpy as np

from unrolled.export.graph import Graph
from unrolled.export.recurrence import Steps
from unrolled.nn.context import Context


def with_neighbours(graph: Graph, context: Context, values: str, steps: Steps, width: int) -> str:
    """Each step with its neighbours, [T, B, F] → [T, B, K·F].

    Args:
        graph: what is written to.
        context: where the neighbours stand.
        values: what is read.
        steps: which of them count.
        width: F.
    """
    offsets = context.offsets
    time = graph.add("Gather", graph.add("Shape", values), graph.scalar(0, np.int64))
    numbers = graph.add("Range", graph.scalar(0, np.int64), time, graph.scalar(1, np.int64))  # [T]
    numbers = graph.add("Unsqueeze", numbers, graph.integers(1))
    places = graph.add("Add", numbers, graph.constant("offsets", np.array(offsets)))  # [T, K]
    places = graph.add("Reshape", graph.add("Max", places, graph.scalar(0, np.int64)), graph.integers(-1))
    last = graph.add("Sub", steps.lengths, graph.scalar(1, np.int64))
    last = graph.add("Unsqueeze", last, graph.integers(1))  # [B, 1]
    source = graph.add("Unsqueeze", graph.add("Min", places, last), graph.integers(2))  # [B, T · K, 1]
    picked = graph.add("GatherND", graph.add("Transpose", values, perm=[1, 0, 2]), source, batch_dims=1)
    beside = graph.add("Reshape", picked, graph.integers(0, -1, len(offsets) * width))
    return graph.add("Transpose", beside, perm=[1, 0, 2])
