"""What stands before the recurrence, in ONNX: see `unrolled.preparation`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from unrolled.export.graph import Graph
from unrolled.export.recurrence import Steps
from unrolled.preparation import Embedding, Filling, Preparation


def look_up(graph: Graph, embedding: Embedding, tokens: str, vocabulary: Sequence[str]) -> str:
    """Tokens as strings, [B, T] → the vectors of their codes, [B, T, E]; code 0 is what is not in the vocabulary."""
    codes = graph.add(
        "LabelEncoder",
        tokens,
        domain="ai.onnx.ml",
        keys_strings=list(vocabulary),
        values_int64s=list(range(1, len(vocabulary) + 1)),
        default_int64=0,
    )
    return graph.add("Gather", graph.constant("V", embedding.V), codes)


def cut(graph: Graph, values: str, lengths: str, max_length: int, keep: str) -> tuple[str, str]:
    """The first or the last ``max_length`` steps of longer sequences.

    Args:
        graph: what is written to.
        values: [B, T, F].
        lengths: [B].
        max_length: steps that are kept.
        keep: ``first`` or ``last``.
    Returns:
        The values that are left, and their lengths.
    """
    left = graph.add("Min", lengths, graph.integers(max_length), name="lengths.left")
    if keep == "first":
        return graph.add("Slice", values, graph.integers(0), graph.integers(max_length), graph.integers(1)), left
    time = graph.add("Gather", graph.add("Shape", values), graph.scalar(1, np.int64))
    most = graph.add("Min", time, graph.scalar(max_length, np.int64))
    steps = graph.add("Range", graph.scalar(0, np.int64), most, graph.scalar(1, np.int64))
    skipped = graph.add("Unsqueeze", graph.add("Sub", lengths, left), graph.integers(1))  # [B, 1]
    last = graph.add("Sub", time, graph.scalar(1, np.int64))
    places = graph.add("Min", graph.add("Add", skipped, steps), last)  # [B, T]
    return graph.add("GatherND", values, graph.add("Unsqueeze", places, graph.integers(2)), batch_dims=1), left


def prepare(
    graph: Graph, preparation: Preparation, values: str, steps: Steps | None, state: Sequence[str]
) -> tuple[str, list[str]]:
    """Numbers as the recurrence reads them.

    Args:
        graph: what is written to.
        preparation: the network's.
        values: [T, B, F].
        steps: which of them count; None where all do.
        state: what `Preparation.advance` carries, by the same names and in the same order; before the
            first step where empty.
    Returns:
        [T, B, F], or [T, B, 3·F] with the mask, and what is carried on.
    """
    if preparation.normalisation == "sequence":
        assert steps is not None  # noqa: S101  # such a model is not streamed
        values = _standardised(graph, values, steps)
    elif preparation.normalisation != "none":
        normaliser = preparation.normaliser
        shifted = graph.add("Sub", values, graph.constant("shift", normaliser.shift))
        values = graph.add("Mul", shifted, graph.constant("factor", normaliser.factor))
    return _filled(graph, preparation.filling, values, state)


def _standardised(graph: Graph, values: str, steps: Steps) -> str:
    """Each sequence by its own mean and deviation, which missing values do not change; sums in float64."""
    nothing = graph.scalar(0.0, np.float64)
    one = graph.scalar(1.0, np.float64)
    wide = graph.add("Cast", values, to=TensorProto.DOUBLE)
    observed = graph.add("Not", graph.add("IsNaN", values))
    counted = graph.add("And", steps.valid, observed)  # [T, B, F]
    count = graph.add("Max", _sum(graph, graph.add("Cast", counted, to=TensorProto.DOUBLE)), one)
    mean = graph.add("Div", _sum(graph, graph.add("Where", counted, wide, nothing)), count)  # [1, B, F]
    centred = graph.add("Sub", wide, mean)
    squares = graph.add("Where", counted, graph.add("Mul", centred, centred), nothing)
    deviation = graph.add("Sqrt", graph.add("Div", _sum(graph, squares), count))
    share = graph.add("Mul", graph.add("Abs", mean), graph.scalar(1e-6, np.float64))
    smallest = graph.add("Max", share, graph.scalar(1e-30, np.float64))
    varies = graph.add("Greater", deviation, smallest)  # a constant is only shifted
    divisor = graph.add("Where", varies, deviation, one)
    return graph.add("Cast", graph.add("Div", centred, divisor), to=TensorProto.FLOAT)


def _filled(graph: Graph, filling: Filling, values: str, state: Sequence[str]) -> tuple[str, list[str]]:
    """As `Filling.advance`."""
    if filling.missing == "none":
        return values, []
    mean = graph.constant("mean", filling.mean)
    missing = graph.add("IsNaN", values)
    if filling.missing == "mean":
        return graph.add("Where", missing, mean, values), []
    masked = filling.missing == "mask"
    before = list(state) or _start(graph, values, mean, masked=masked)
    count = len(before)
    names = [f"{graph.scope}.{name}" for name in ("last", "since", "filled", "waited")]
    outputs = graph.add_many(
        "Scan",
        [*before, values],
        [f"{name}.out" for name in (names if masked else (names[0], names[2]))],
        body=_fill_step(graph.inner("step"), filling.mean.numel(), masked=masked),
        num_scan_inputs=1,
    )
    if not masked:
        return outputs[1], list(outputs[:count])
    seen = graph.add("Cast", graph.add("Not", missing), to=TensorProto.FLOAT)
    waited = graph.add("Log", graph.add("Add", outputs[3], graph.scalar(1.0)))
    return graph.add("Concat", outputs[2], seen, waited, axis=2), list(outputs[:count])


def _fill_step(graph: Graph, channels: int, *, masked: bool) -> GraphProto:
    """One step: (last, since, x) → (last', since', last', since), all [B, F]."""

    def value(name: str) -> ValueInfoProto:
        return helper.make_tensor_value_info(f"{graph.scope}.{name}", TensorProto.FLOAT, ["batch", channels])

    def named(name: str, found: str) -> ValueInfoProto:  # a body's outputs need names of their own
        graph.add("Identity", found, name=f"{graph.scope}.{name}")
        return value(name)

    inputs = [value(name) for name in (("last", "since", "x") if masked else ("last", "x"))]
    missing = graph.add("IsNaN", inputs[-1].name)
    last = graph.add("Where", missing, inputs[0].name, inputs[-1].name)
    if not masked:
        return graph.body(inputs, [named("last.next", last), named("filled", last)])
    since = inputs[1].name
    waiting = graph.add("Where", missing, since, graph.scalar(0.0))
    later = graph.add("Add", waiting, graph.scalar(1.0))
    found = {"last.next": last, "since.next": later, "filled": last, "waited": since}
    return graph.body(inputs, [named(name, item) for name, item in found.items()])


def _start(graph: Graph, values: str, mean: str, *, masked: bool) -> list[str]:
    """What is carried before the first step of values [T, B, F]: the mean, and no time since it."""
    shape = graph.add("Slice", graph.add("Shape", values), graph.integers(1), graph.integers(3))  # [B, F]
    last = graph.add("Expand", mean, shape)
    return [last, graph.add("Sub", last, last)] if masked else [last]


def _sum(graph: Graph, values: str) -> str:
    """Over the steps, [T, B, F] → [1, B, F]."""
    return graph.add("ReduceSum", values, graph.integers(0), keepdims=1)
