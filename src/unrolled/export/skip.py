"""The way past the recurrence in ONNX; see `unrolled.nn.segments`."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from unrolled.export.graph import Graph
from unrolled.export.places import count_steps, numbers_up_to
from unrolled.export.recurrence import Steps
from unrolled.nn import SegmentMeans


def segment_means(graph: Graph, skip: SegmentMeans, values: str, steps: Steps) -> str:
    """The means of the parts, [T, B, F] → [B, S·F].

    Args:
        graph: what is written to.
        skip: how many parts.
        values: what the first layer reads.
        steps: which of them count.
    """
    count, numbers = skip.count, np.arange(skip.count)
    whole = graph.scalar(count, np.int64)
    lengths = graph.add("Unsqueeze", steps.lengths, graph.integers(1))  # [B, 1]
    starts = graph.add("Div", graph.add("Mul", lengths, graph.constant("parts", numbers)), whole)  # [B, S]
    ends = graph.add("Mul", lengths, graph.constant("next", numbers + 1))
    ends = graph.add("Div", graph.add("Add", ends, graph.scalar(count - 1, np.int64)), whole)
    places = numbers_up_to(graph, count_steps(graph, values))  # [T]
    begun = graph.add("GreaterOrEqual", places, graph.add("Unsqueeze", starts, graph.integers(2)))
    inside = graph.add("And", begun, graph.add("Less", places, graph.add("Unsqueeze", ends, graph.integers(2))))
    sizes = graph.add("Unsqueeze", graph.add("Sub", ends, starts), graph.integers(2))
    shares = graph.add("Div", *(graph.add("Cast", part, to=TensorProto.FLOAT) for part in (inside, sizes)))
    known = graph.add("Where", steps.valid, values, graph.scalar(0.0))
    means = graph.add("MatMul", shares, graph.add("Transpose", known, perm=[1, 0, 2]))  # [B, S, F]
    return graph.add("Flatten", means, axis=1)
