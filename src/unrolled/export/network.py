"""A model as one ONNX file that reads sequences of any lengths, built from the recurrent operators.

Whole sequences:

    sequences      float32 [batch, time, F]    padded on the right with whatever there is
                                               (a missing value is NaN where the model takes any)
    lengths        int64 [batch]               steps of each, 1 to time
    →  labels         string [batch]           the most probable class
    →  probabilities  float32 [batch, C]       in the order of the classes

A model of text has ``tokens``, string [batch, time], in the place of ``sequences`` or ``steps``: characters or words.
With ``hidden=True`` there is one output more:

    →  hidden         float32 [batch, frames, ·]  the last layer's outputs after each frame of steps

Streams (``streaming=True``) read further steps and hand their state from call to call:

    steps          float32 [batch, time, F]    all of them count
    <state>        [batch, ·]                  what `Stream.state` holds, by the same names
    →  labels, probabilities                   after the last of the steps
    →  <state>.next                            goes in as <state> with the next call
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper, shape_inference
from torch import Tensor

from unrolled.errors import UnsupportedError
from unrolled.export.context import with_neighbours
from unrolled.export.graph import IR_VERSION, OPSETS, Graph
from unrolled.export.places import count_steps, numbers_up_to, take_beside
from unrolled.export.pooling import pool, pool_on
from unrolled.export.preparation import cut, look_up, prepare
from unrolled.export.recurrence import Steps, add_layer
from unrolled.export.skip import segment_means
from unrolled.model import check_streams_are_possible
from unrolled.network import Layer, Network
from unrolled.nn import Cell
from unrolled.preparation import Embedding, Preparation
from unrolled.version import VERSION

if TYPE_CHECKING:
    from unrolled.model import Model

LARGEST = 2_000_000_000
"""Bytes that the weights may take: protobuf's limit for one file is 2 GiB."""

_TYPES = {torch.float32: TensorProto.FLOAT, torch.float64: TensorProto.DOUBLE}


def to_onnx(model: Model, *, streaming: bool = False, hidden: bool = False) -> ModelProto:
    """The model as an ONNX graph; checked by ``onnx``, not yet by running it.

    Args:
        model: the trained model.
        streaming: the step version, whose state goes in and out (and holds the hidden state).
        hidden: of whole sequences, the last layer's outputs as an output.
    Raises:
        UnsupportedError: for a model that does not exist in the asked form.
    """
    _check_it_can_be(model, streaming=streaming)
    network, graph = model.network, Graph()
    state = network.initial_state(1) if streaming else {}
    with torch.no_grad():
        inputs, logits, carried = (
            _of_streams(graph, model, state) if streaming else _of_whole_sequences(graph, model, hidden)
        )
        _add_answers(graph, model, logits)
    answers = [
        helper.make_tensor_value_info("labels", TensorProto.STRING, ["batch"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(model.classes)]),
    ]
    proto = helper.make_model(
        graph.whole("unrolled", inputs, [*answers, *carried]),
        opset_imports=[helper.make_opsetid(domain, OPSETS[domain]) for domain in sorted(graph.domains)],
        ir_version=IR_VERSION,
        producer_name="unrolled",
        producer_version=VERSION,
        doc_string=__doc__.partition("\n")[2].strip(),
    )
    helper.set_model_props(proto, _metadata(model, state))
    checker.check_model(proto, full_check=True)
    shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    return proto


def starting_state(model: Model) -> dict[str, npt.NDArray[Any]]:
    """What a stream's inputs hold before the first step, for one stream, [1, ·]."""
    return {name: value.cpu().numpy() for name, value in model.network.initial_state(1).items()}


Built = tuple[list[ValueInfoProto], str, list[ValueInfoProto]]
"""The graph's inputs, the value that holds the logits, and the outputs besides the answers."""


def _of_whole_sequences(graph: Graph, model: Model, hidden: bool) -> Built:
    network, facts = model.network, model.facts
    preparation, part = network.preparation, graph.part("preparation")
    what, values = _what_is_read(part, model, "sequences")
    lengths = "lengths"
    if facts.max_length is not None:
        values, lengths = cut(part, values, lengths, facts.max_length, facts.keep_steps)
    values = graph.add("Transpose", values, perm=[1, 0, 2])  # [T, B, F]
    steps = _steps(graph, values, lengths)
    values = graph.add("Where", steps.valid, values, graph.scalar(0.0))  # padding may hold anything, even NaN
    if isinstance(preparation, Preparation):
        values, _ = prepare(part, preparation, values, steps, [])
    if network.frame_steps > 1:
        values, steps = _frames(graph.part("frames"), network, values, steps)
    entering, last = values, ""
    if network.context is not None:
        width = network.preparation.width * network.frame_steps
        values = with_neighbours(graph.part("context"), network.context, values, steps, width)
    for name, layer in _layers(network):
        values, (last, *_) = add_layer(graph.part(name), _cells(layer), values, steps)
    pooled = pool(graph.part("pooling"), network.pooling, values, last, steps)
    if network.skip is not None:
        pooled = graph.add("Concat", pooled, segment_means(graph.part("skip"), network.skip, entering, steps), axis=1)
    inputs = [what, helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"])]
    more = []
    if hidden:
        graph.add("Transpose", values, perm=[1, 0, 2], name="hidden")
        more = [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["batch", "frames", _width(network)])]
    return inputs, _logits(graph, network, pooled), more


def _of_streams(graph: Graph, model: Model, state: dict[str, Tensor]) -> Built:
    network = model.network
    preparation, part, last = network.preparation, graph.part("preparation"), ""
    steps, values = _what_is_read(part, model, "steps")
    values = graph.add("Transpose", values, perm=[1, 0, 2])
    carried: dict[str, str] = {}
    if isinstance(preparation, Preparation):
        before = [f"preparation.{name}" for name in preparation.state_names]
        values, after = prepare(part, preparation, values, None, before)
        carried = dict(zip(before, after, strict=True))
    for name, layer in _layers(network):
        before = [f"{name}.{part}" for part in layer.state_names]
        values, after = add_layer(graph.part(name), _cells(layer), values, None, before)
        carried |= dict(zip(before, after, strict=True))
        last = after[0]
    before = [f"pooling.{part}" for part in network.pooling.state_names]
    pooled, after = pool_on(graph.part("pooling"), network.pooling, values, last, before)
    carried |= dict(zip(before, after, strict=True))
    for name, value in carried.items():
        graph.add("Identity", value, name=f"{name}.next")
    return (
        [steps, *(_state_info(name, value) for name, value in state.items())],
        _logits(graph, network, pooled),
        [_state_info(f"{name}.next", value) for name, value in state.items()],
    )


def _what_is_read(graph: Graph, model: Model, name: str) -> tuple[ValueInfoProto, str]:
    """The graph's first input, and what of it is prepared further, [B, T, F]."""
    preparation = model.network.preparation
    if isinstance(preparation, Embedding):
        tokens = helper.make_tensor_value_info("tokens", TensorProto.STRING, ["batch", "time"])
        return tokens, look_up(graph, preparation, "tokens", model.facts.vocabulary or ())
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time", len(model.channels)]), name


def _steps(graph: Graph, values: str, lengths: str) -> Steps:
    """Which steps of ``values``, [T, B, F], stand before the end of their sequence."""
    numbers = numbers_up_to(graph, count_steps(graph, values))  # [T]
    inside = graph.add("Less", graph.add("Unsqueeze", numbers, graph.integers(1)), lengths)  # [T, B]
    return Steps(
        lengths, graph.add("Cast", lengths, to=TensorProto.INT32), graph.add("Unsqueeze", inside, graph.integers(2))
    )


def _frames(graph: Graph, network: Network, values: str, steps: Steps) -> tuple[str, Steps]:
    """As `stack_frames`: [T, B, F] → [⌈T / K⌉, B, K·F], and which of the frames count."""
    many, up = graph.scalar(network.frame_steps, np.int64), graph.scalar(network.frame_steps - 1, np.int64)
    full = graph.add("Add", count_steps(graph, values), up)
    places = numbers_up_to(graph, graph.add("Mul", graph.add("Div", full, many), many))  # ⌈T / K⌉ · K
    frames = take_beside(graph, values, places, steps, network.frame_steps * network.preparation.width)
    lengths = graph.add("Div", graph.add("Add", steps.lengths, up), many)
    return frames, _steps(graph, frames, lengths)


def _width(network: Network) -> int:
    """Values of the last layer's outputs."""
    return network.pooling.width


def _logits(graph: Graph, network: Network, pooled: str) -> str:
    weights = graph.constant("output.weight", network.output.weight.T)
    return graph.add("Add", graph.add("MatMul", pooled, weights), graph.constant("output.bias", network.output.bias))


def _add_answers(graph: Graph, model: Model, logits: str) -> None:
    names = graph.constant("classes", np.array(model.classes, object))
    graph.add("Gather", names, graph.add("ArgMax", logits, axis=1, keepdims=0), name="labels")
    if model.facts.temperature != 1.0:
        logits = graph.add("Div", logits, graph.constant("temperature", np.float32(model.facts.temperature)))
    graph.add("Softmax", logits, name="probabilities", axis=1)


def _metadata(model: Model, state: dict[str, Tensor]) -> dict[str, str]:
    """What a program may want to know, each value as JSON."""
    facts: dict[str, Any] = {
        "classes": model.classes,
        "channels": model.channels,
        "unrolled": VERSION,
        "weights_sha256": model.facts.weights_sha256,
    }
    if state:
        facts["state"] = {name: value[0].tolist() for name, value in state.items()}  # before the first step
    return {name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}


def _state_info(name: str, value: Tensor) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, _TYPES[value.dtype], ["batch", value.shape[1]])


def _layers(network: Network) -> Iterator[tuple[str, Layer]]:
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, Layer)  # noqa: S101  # for the type checker: a ModuleList forgets
        yield f"layers.{index}", layer


def _cells(layer: Layer) -> list[Cell]:
    return [cell for cell in layer.cells if isinstance(cell, Cell)]


def _check_it_can_be(model: Model, *, streaming: bool) -> None:
    if streaming:
        check_streams_are_possible(model)
    size = sum(value.numel() * value.element_size() for value in model.network.parameters())
    if size > LARGEST:
        raise UnsupportedError(
            f"the weights take {size / 1e9:.1f} GB; an ONNX file holds up to {LARGEST / 1e9:.0f} GB. "
            "Train a smaller network (--hidden-size, --num-layers)."
        )
