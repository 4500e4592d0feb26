"""The neighbours of each step in ONNX; see `unrolled.nn.context`."""

from __future__ import annotations

import numpy as np

from unrolled.export.graph import Graph
from unrolled.export.places import count_steps, numbers_up_to, take_beside
from unrolled.export.recurrence import Steps
from unrolled.nn import Context


def with_neighbours(graph: Graph, context: Context, values: str, steps: Steps, width: int) -> str:
    """Each step with its neighbours, [T, B, F] → [T, B, K·F].

    Args:
        graph: what is written to.
        context: where the neighbours stand.
        values: what is read.
        steps: which of them count.
        width: F.
    """
    numbers = graph.add("Unsqueeze", numbers_up_to(graph, count_steps(graph, values)), graph.integers(1))
    places = graph.add("Add", numbers, graph.constant("offsets", np.array(context.offsets)))  # [T, K]
    places = graph.add("Reshape", places, graph.integers(-1))
    return take_beside(graph, values, places, steps, len(context.offsets) * width)
