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
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper, shape_inference
from onnx.helper import make_tensor_value_info as tensor_info
from torch import Tensor

from unrolled.errors import UnsupportedError
from unrolled.export import recurrence  # noqa: F401  # registers how a cell is carried over the steps
from unrolled.export.graph import BATCH, IR_VERSION, OPSETS, STEPS, TYPES, Graph
from unrolled.export.values import Value
from unrolled.model import check_streams_are_possible
from unrolled.nn import valid_steps
from unrolled.version import VERSION

if TYPE_CHECKING:
    from unrolled.model import Model

LARGEST = 2_000_000_000
"""Bytes of the weights at most; protobuf's limit for a file is 2 GiB."""


def to_onnx(model: Model, *, streaming: bool = False, hidden: bool = False) -> ModelProto:
    """The model as an ONNX graph, checked by ``onnx`` but not run yet.

    Args:
        model: the trained model.
        streaming: the step version, whose state is an input and an output (and holds the hidden state).
        hidden: for whole sequences, adds the last layer's outputs as an output.
    Raises:
        UnsupportedError: for a model that has no such form.
    """
    _check_it_can_be(model, streaming=streaming)
    network = model.network
    graph = Graph({id(tensor): name for name, tensor in [*network.named_parameters(), *network.named_buffers()]})
    state = network.initial_state(1) if streaming else {}
    with torch.no_grad():
        inputs, logits, carried = (
            _of_streams(graph, model, state) if streaming else _of_whole_sequences(graph, model, hidden)
        )
        _add_answers(graph, model, logits)
    answers = [
        tensor_info("labels", TensorProto.STRING, ["batch"]),
        tensor_info("probabilities", TensorProto.FLOAT, ["batch", len(model.classes)]),
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


Built = tuple[list[ValueInfoProto], Tensor, list[ValueInfoProto]]
"""The graph's inputs, the logits, and the outputs besides labels and probabilities."""


def _of_whole_sequences(graph: Graph, model: Model, hidden: bool) -> Built:
    network, facts = model.network, model.facts
    read, values = _network_input(graph, model, "sequences")
    lengths: Tensor = Value.of(graph, "lengths", torch.empty(BATCH, dtype=torch.int64, device="meta"))
    inputs = [read, tensor_info("lengths", TensorProto.INT64, ["batch"])]
    if facts.max_length is not None:
        values, lengths = _cut(values, lengths, facts.max_length, facts.keep_steps)
    values = values.where(valid_steps(lengths, values.shape[1])[:, :, None], 0)  # padding may hold anything, even NaN
    values, lengths = network.entering(values, lengths)
    if not hidden:
        return inputs, network.answer(values, lengths), []
    outputs = network.recur(values, lengths)
    logits = network.answer(values, lengths, outputs)
    return inputs, logits, [_output(graph, outputs, "hidden", ["batch", "frames", outputs.shape[-1]])]


def _of_streams(graph: Graph, model: Model, state: dict[str, Tensor]) -> Built:
    read, values = _network_input(graph, model, "steps")
    before = {name: Value.of(graph, name, value.to("meta").expand(BATCH, -1)) for name, value in state.items()}
    logits, after = model.network.advance(values, before)
    return (
        [read, *(tensor_info(n, TYPES[v.dtype], ["batch", v.shape[1]]) for n, v in state.items())],
        logits[:, -1],
        [_output(graph, after[name], f"{name}.next", ["batch", value.shape[1]]) for name, value in state.items()],
    )


def _network_input(graph: Graph, model: Model, name: str) -> tuple[ValueInfoProto, Tensor]:
    """The graph's first input, and the network's input made of it: values [B, T, F], or codes [B, T, 1]."""
    vocabulary, channels = model.facts.vocabulary, len(model.channels)
    like = torch.empty(BATCH, STEPS, channels, dtype=torch.float32, device="meta")
    if vocabulary is None and model.facts.offsets is not None:  # taken off in double precision
        offsets = graph.constant(np.array(model.facts.offsets, np.float64), "offsets")
        rest = graph.add("Cast", graph.add("Sub", name, offsets), to=TensorProto.FLOAT)
        return tensor_info(name, TensorProto.DOUBLE, ["batch", "time", channels]), Value.of(graph, rest, like)
    if vocabulary is None:
        return tensor_info(name, TensorProto.FLOAT, ["batch", "time", channels]), Value.of(graph, name, like)
    codes = graph.add(
        "LabelEncoder",
        "tokens",
        domain="ai.onnx.ml",
        keys_strings=list(vocabulary),
        values_int64s=list(range(1, len(vocabulary) + 1)),
        default_int64=0,  # what is not in the vocabulary
    )
    info = tensor_info("tokens", TensorProto.STRING, ["batch", "time"])
    return info, Value.of(graph, codes, torch.empty(BATCH, STEPS, dtype=torch.int64, device="meta"))[:, :, None]


def _cut(values: Tensor, lengths: Tensor, most: int, keep: str) -> tuple[Tensor, Tensor]:
    """The first or the last steps of longer sequences, [B, T, F], and the new lengths."""
    left = lengths.clamp(max=most)
    if keep == "first":
        return values[:, :most], left
    time: Any = values.shape[1]
    steps = torch.arange(torch.clamp(time, max=most))  # type: ignore[call-overload]
    places = ((lengths - left)[:, None] + steps).minimum(time - 1)
    return values.gather(1, places[:, :, None].expand(-1, -1, values.shape[-1])), left


def _output(graph: Graph, value: Tensor, name: str, sizes: list[str | int]) -> ValueInfoProto:
    """Makes a value an output of this name."""
    assert isinstance(value, Value)  # noqa: S101  # for the type checker
    graph.add("Identity", value.node, name=name)
    return tensor_info(name, TYPES[value.dtype], sizes)


def _add_answers(graph: Graph, model: Model, logits: Tensor) -> None:
    assert isinstance(logits, Value)  # noqa: S101  # for the type checker
    names = graph.constant(np.array(model.classes, object), "classes")
    graph.add("Gather", names, graph.add("ArgMax", logits.node, axis=1, keepdims=0), name="labels")
    divided: Any = logits if model.facts.temperature == 1.0 else logits / model.facts.temperature
    graph.add("Softmax", divided.node, name="probabilities", axis=1)


def _metadata(model: Model, state: dict[str, Tensor]) -> dict[str, str]:
    """Facts for programs, each value as JSON."""
    facts: dict[str, Any] = {
        "classes": model.classes,
        "channels": model.channels,
        "unrolled": VERSION,
        "weights_sha256": model.facts.weights_sha256,
    }
    if state:
        facts["state"] = {name: value[0].tolist() for name, value in state.items()}  # before the first step
    return {name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}


def _check_it_can_be(model: Model, *, streaming: bool) -> None:
    if streaming:
        check_streams_are_possible(model)
    if model.network.ngrams is not None and model.network.ngrams.weights.any():
        raise UnsupportedError(
            "the model counts runs of tokens in a table that ONNX has no operators for. Train without it "
            "(--skip-ngrams 0) to export."
        )
    size = sum(value.numel() * value.element_size() for value in model.network.parameters())
    if size > LARGEST:
        raise UnsupportedError(
            f"the weights take {size / 1e9:.1f} GB; an ONNX file holds up to {LARGEST / 1e9:.0f} GB. "
            "Train a smaller network (--hidden-size, --num-layers)."
        )
