"""In ONNX Runtime every exported network says what the model says, for any batch, lengths and padding."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxruntime import InferenceSession

from closeness import PROMISED, closeness
from unrolled.config import CellName, MissingName, NormalisationName, PoolingName
from unrolled.errors import UnsupportedError
from unrolled.export import network as exporting
from unrolled.export.network import to_onnx
from unrolled.export.running import open_session, run_session
from unrolled.model.model import Model
from unrolled.nn.cells import CELLS

TRAINED_ON = 12
"""Steps of the longest sequence that a model of these sizes would have seen; the trials go beyond."""

LENGTHS = [[1], [2], [7], [1, 2], [3, 3], [5, 1, 3 * TRAINED_ON + 1, 2, 8]]

every_cell = pytest.mark.parametrize("cell", get_args(CellName))
every_pooling = pytest.mark.parametrize("pooling", get_args(PoolingName))
every_depth = pytest.mark.parametrize("layers", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
every_direction = pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both-directions"])


def starting_state(model: Model) -> dict[str, Any]:
    """The state of one stream before the first step, [1, ·]."""
    return {name: value.numpy() for name, value in model.network.initial_state(1).items()}


def opened(model: Model, **options: Any) -> InferenceSession:
    return open_session(to_onnx(model, **options).SerializeToString())


def drawn(lengths: list[int], seed: int = 0, channels: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, channels)).astype(np.float32) for length in lengths]


def padded(sequences: list[np.ndarray], extra: int = 0, padding: float = 0.0) -> dict[str, np.ndarray]:
    lengths = np.array([len(values) for values in sequences])
    array = np.full((len(sequences), lengths.max() + extra, sequences[0].shape[1]), padding, np.float32)
    for row, values in enumerate(sequences):
        array[row, : len(values)] = values
    return {"sequences": array, "lengths": lengths}


def assert_an_export_says_the_same(model: Any) -> None:
    """Of sequences of many lengths, whatever stands behind their ends."""
    session = opened(model)
    for lengths in LENGTHS:
        sequences = drawn(lengths)
        found = run_session(session, padded(sequences, extra=2, padding=math.nan))
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(sequences), **PROMISED)
        assert found["labels"].tolist() == model.predict(sequences).tolist()


@every_cell
@every_direction
@every_depth
@every_pooling
def test_an_exported_network_says_what_the_model_says(
    cell: str, bidirectional: bool, layers: int, pooling: str, make_model: Any
) -> None:
    model = make_model(cell=cell, bidirectional=bidirectional, num_layers=layers, pooling=pooling)
    assert_an_export_says_the_same(model)


@pytest.mark.parametrize("segments", [1, 3, 40])
@pytest.mark.parametrize("size", [1, 3])
@every_direction
def test_what_goes_past_the_recurrence_is_in_an_export(
    segments: int, size: int, bidirectional: bool, make_model: Any
) -> None:
    trained = make_model(bidirectional=bidirectional, pooling="statistics", frame_steps=size, skip_segments=segments)
    assert_an_export_says_the_same(trained)


@pytest.mark.parametrize("size", [1, 3])
def test_convolutions_beside_the_recurrence_are_in_an_export(size: int, make_model: Any) -> None:
    model = make_model(frame_steps=size, skip_convolutions=2)
    convolutions, generator = model.network.convolutions, torch.Generator().manual_seed(0)
    convolutions.learn(
        torch.randn(3, 8, size * convolutions.channels, generator=generator), torch.tensor([8, 4, 2]), generator
    )
    convolutions.weights.normal_(0, 0.01, generator=generator)
    assert_an_export_says_the_same(model)


@pytest.mark.parametrize("reach", [1, 4, 100])
@pytest.mark.parametrize("size", [1, 3])
@every_direction
def test_the_neighbours_of_each_step_are_in_an_export(
    reach: int, size: int, bidirectional: bool, make_model: Any
) -> None:
    trained = make_model(bidirectional=bidirectional, frame_steps=size, context_steps=reach, skip_segments=2)
    assert_an_export_says_the_same(trained)


@pytest.mark.parametrize("size", [2, 3, 7])
@every_direction
@every_pooling
def test_frames_of_steps_are_stacked_in_an_export(
    size: int, bidirectional: bool, pooling: str, make_model: Any
) -> None:
    trained = make_model(bidirectional=bidirectional, pooling=pooling, frame_steps=size)
    assert_an_export_says_the_same(trained)


@every_cell
@every_direction
@pytest.mark.parametrize("padding", [1e30, math.inf, math.nan])
def test_padding_does_not_matter_in_an_export(cell: str, bidirectional: bool, padding: float, make_model: Any) -> None:
    for pooling in get_args(PoolingName):
        session = opened(make_model(cell=cell, bidirectional=bidirectional, pooling=pooling))
        sequences = drawn([5, 1, 8])
        expected = run_session(session, padded(sequences))["probabilities"]
        found = run_session(session, padded(sequences, extra=3, padding=padding))["probabilities"]
        np.testing.assert_allclose(found, expected, **closeness(torch.float32, 12, steps=8))


@every_cell
@every_pooling
@pytest.mark.parametrize("layers", [1, 2])
def test_a_streaming_export_says_what_the_stream_says(cell: str, layers: int, pooling: str, make_model: Any) -> None:
    model = make_model(cell=cell, num_layers=layers, pooling=pooling)
    session, stream = opened(model, streaming=True), model.stream(count=3)
    state = {name: np.repeat(value, 3, 0) for name, value in starting_state(model).items()}
    steps = np.stack(drawn([11, 11, 11]))
    for low, high in ((0, 1), (1, 2), (2, 7), (7, 11)):
        found = run_session(session, {"steps": steps[:, low:high], **state})
        np.testing.assert_allclose(found["probabilities"], stream.push(steps[:, low:high]), **PROMISED)
        state = {name: found[f"{name}.next"] for name in state}
        for name, value in state.items():
            np.testing.assert_allclose(
                value, stream.state()[name], **closeness(torch.float32, 10, steps=11, layers=layers)
            )


def test_the_state_of_a_stream_goes_on_in_its_export(make_model: Any) -> None:
    model = make_model(pooling="attention")
    steps, stream = drawn([9])[0], model.stream()
    stream.push(steps[:4])
    state = {name: value for name, value in stream.state().items() if name not in ("model", "steps")}
    found = run_session(opened(model, streaming=True), {"steps": steps[None, 4:], **state})
    np.testing.assert_allclose(found["probabilities"][0], stream.push(steps[4:]), **PROMISED)


def gappy(lengths: list[int]) -> list[np.ndarray]:
    """Sequences of which a third of the values are missing, and in one all of a channel."""
    rng = np.random.default_rng(5)
    sequences = [np.where(rng.random(values.shape) < 1 / 3, np.nan, values) for values in drawn(lengths)]
    sequences[0][:, 0] = np.nan
    return [values.astype(np.float32) for values in sequences]


@pytest.mark.parametrize("missing", get_args(MissingName))
@pytest.mark.parametrize("normalisation", get_args(NormalisationName))
@every_direction
def test_what_prepares_the_values_is_inside(
    missing: str, normalisation: str, bidirectional: bool, make_model: Any
) -> None:
    model = make_model(missing=missing, normalisation=normalisation, bidirectional=bidirectional, pooling="mean")
    sequences = drawn([4, 6, 1]) if missing == "none" else gappy([4, 6, 1])
    found = run_session(opened(model), padded(sequences, extra=2, padding=math.nan))["probabilities"]
    np.testing.assert_allclose(found, model.predict_proba(sequences), **PROMISED)


@pytest.mark.parametrize("missing", get_args(MissingName))
@pytest.mark.parametrize("normalisation", ["channel", "overall", "none"])
def test_a_stream_carries_what_stands_for_missing_values(missing: str, normalisation: str, make_model: Any) -> None:
    model = make_model(missing=missing, normalisation=normalisation)
    session, stream = opened(model, streaming=True), model.stream()
    steps, state = (drawn([9]) if missing == "none" else gappy([9]))[0], starting_state(model)
    for low, high in ((0, 1), (1, 2), (2, 6), (6, 9)):
        found = run_session(session, {"steps": steps[None, low:high], **state})
        np.testing.assert_allclose(found["probabilities"][0], stream.push(steps[low:high]), **PROMISED)
        state = {name: found[f"{name}.next"] for name in state}


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(
    options=st.fixed_dictionaries(
        {
            "cell": st.sampled_from(get_args(CellName)),
            "bidirectional": st.booleans(),
            "num_layers": st.integers(1, 3),
            "pooling": st.sampled_from(get_args(PoolingName)),
            "frame_steps": st.sampled_from([1, 1, 2, 5]),
            "skip_segments": st.sampled_from([0, 0, 3]),
            "context_steps": st.sampled_from([0, 0, 1, 5]),
        }
    ),
    prepared=st.fixed_dictionaries(
        {
            "missing": st.sampled_from(get_args(MissingName)),
            "normalisation": st.sampled_from(get_args(NormalisationName)),
        }
    ),
    facts=st.fixed_dictionaries(
        {"temperature": st.sampled_from([1.0, 0.4, 2.5])},
        optional={"max_length": st.integers(1, 9), "keep_steps": st.sampled_from(["first", "last"])},
    ),
    text=st.booleans(),
    lengths=st.lists(st.integers(1, 3 * TRAINED_ON), min_size=1, max_size=5),
)
def test_everything_at_once(
    options: dict[str, Any],
    prepared: dict[str, Any],
    facts: dict[str, Any],
    text: bool,
    lengths: list[int],
    make_model: Any,
) -> None:
    """Cells, directions, depths, poolings, frames and all that prepares the values, in each other's company."""
    if text:
        model = make_model(channels=1, facts={**facts, "vocabulary": ("b", "a")}, **options)
        rng = np.random.default_rng(0)
        given_texts = [rng.choice(["a", "b", "x"], length).tolist() for length in lengths]
        tokens = np.full((len(lengths), max(lengths)), "?", object)
        for row, tokens_of_one in enumerate(given_texts):
            tokens[row, : len(tokens_of_one)] = tokens_of_one
        sequences: Any = given_texts
        inputs = {"tokens": tokens, "lengths": np.array(lengths)}
    else:
        model = make_model(facts=facts, **options, **prepared)
        sequences = drawn(lengths) if prepared["missing"] == "none" else gappy(lengths)
        inputs = padded(sequences, extra=1, padding=math.nan)
    found = run_session(opened(model), inputs)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(sequences), **PROMISED)
    assert found["labels"].tolist() == model.predict(sequences).tolist()


def test_a_constant_channel_is_only_shifted(make_model: Any) -> None:
    model = make_model(normalisation="sequence")
    sequences = [np.full((5, 2), 3.0, np.float32)]
    found = run_session(opened(model), padded(sequences))["probabilities"]
    np.testing.assert_allclose(found, model.predict_proba(sequences), **PROMISED)


@pytest.mark.parametrize("keep", ["first", "last"])
@every_direction
def test_sequences_are_cut_as_the_model_cuts_them(keep: str, bidirectional: bool, make_model: Any) -> None:
    facts = {"max_length": 4, "keep_steps": keep}
    model = make_model(facts=facts, bidirectional=bidirectional, missing="forward-fill", pooling="attention")
    for lengths in ([9, 2, 4], [3], [5, 6]):
        sequences = gappy(lengths)
        found = run_session(opened(model), padded(sequences, extra=1, padding=math.nan))["probabilities"]
        np.testing.assert_allclose(found, model.predict_proba(sequences), **PROMISED)


@every_direction
def test_text_goes_in_as_tokens(bidirectional: bool, make_model: Any) -> None:
    facts = {"vocabulary": ("b", "a", "é"), "tokens": "characters", "max_length": 6}
    model = make_model(channels=1, facts=facts, bidirectional=bidirectional)
    texts = ["abba", "b", "aéxéb", "abababab"]
    tokens = np.full((4, 9), "a", object)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = list(text)
    found = run_session(opened(model), {"tokens": tokens, "lengths": np.array([len(text) for text in texts])})
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(texts), **PROMISED)
    assert found["labels"].tolist() == model.predict(texts).tolist()


@pytest.mark.parametrize("cell", ["lstm", "gru", "lstm-layer-norm"])
def test_text_is_read_on_token_by_token(cell: str, make_model: Any) -> None:
    model = make_model(channels=1, facts={"vocabulary": ("b", "a"), "tokens": "characters"}, cell=cell)
    session, stream = opened(model, streaming=True), model.stream()
    tokens, state = np.array([list("abxba")], object), starting_state(model)
    for low, high in ((0, 1), (1, 3), (3, 5)):
        found = run_session(session, {"tokens": tokens[:, low:high], **state})
        expected = stream.push(tokens[0, low:high].tolist())
        np.testing.assert_allclose(found["probabilities"][0], expected, **PROMISED)
        state = {name: found[f"{name}.next"] for name in state}


@every_cell
@every_direction
@pytest.mark.parametrize("pooling", ["mean", "statistics"])
def test_the_hidden_state_goes_out_on_request(cell: str, bidirectional: bool, pooling: str, make_model: Any) -> None:
    model = make_model(cell=cell, bidirectional=bidirectional, num_layers=2, pooling=pooling, skip_segments=2)
    sequences = drawn([4, 1, 7])
    found = run_session(opened(model, hidden=True), padded(sequences, extra=2, padding=math.nan))
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(sequences), **PROMISED)
    for row, expected in zip(found["hidden"], model.hidden_steps(sequences), strict=True):
        np.testing.assert_allclose(row[: len(expected)], expected, **PROMISED)


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streaming"])
def test_the_temperature_is_inside(streaming: bool, make_model: Any) -> None:
    model = make_model(facts={"temperature": 2.7})
    sequences = drawn([6, 6])
    if streaming:
        state = {name: np.repeat(value, 2, 0) for name, value in starting_state(model).items()}
        found = run_session(opened(model, streaming=True), {"steps": np.stack(sequences), **state})
    else:
        found = run_session(opened(model), padded(sequences))
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(sequences), **PROMISED)
    assert np.abs(found["probabilities"] - make_model().predict_proba(sequences)).max() > 1e-3


@every_cell
@every_direction
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streaming"])
def test_the_checker_and_shape_inference_of_onnx_pass(
    cell: str, bidirectional: bool, streaming: bool, make_model: Any
) -> None:
    if streaming and bidirectional:
        pytest.skip("there is no such thing")
    for pooling in get_args(PoolingName):
        model = make_model(cell=cell, bidirectional=bidirectional, pooling=pooling)
        proto = onnx.load_from_string(to_onnx(model, streaming=streaming).SerializeToString())
        onnx.checker.check_model(proto, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True)
        kinds = {item.name: item.type.tensor_type for item in inferred.graph.value_info}
        assert all(kind.elem_type for kind in kinds.values())
        names = {output for node in inferred.graph.node for output in node.output}
        assert names <= set(kinds) | {item.name for item in inferred.graph.output}


def test_both_sizes_are_free_and_named(make_model: Any) -> None:
    session = opened(make_model())
    assert {value.name: (value.type, value.shape) for value in session.get_inputs()} == {
        "sequences": ("tensor(float)", ["batch", "time", 2]),
        "lengths": ("tensor(int64)", ["batch"]),
    }
    assert {value.name: (value.type, value.shape) for value in session.get_outputs()} == {
        "labels": ("tensor(string)", ["batch"]),
        "probabilities": ("tensor(float)", ["batch", 3]),
    }


def test_classes_and_channels_stand_in_the_metadata(make_model: Any) -> None:
    model = make_model(facts={"weights_sha256": "ab"}, pooling="max")
    found = {name: json.loads(text) for name, text in opened(model).get_modelmeta().custom_metadata_map.items()}
    assert found["classes"] == ["no", "yes", "não"]
    assert found["channels"] == ["channel 0", "channel 1"]
    assert found["weights_sha256"] == "ab"
    streamed = opened(model, streaming=True).get_modelmeta().custom_metadata_map
    start = {name: value[0].tolist() for name, value in starting_state(model).items()}
    assert json.loads(streamed["state"]) == start


def test_recurrent_operators_are_used_where_onnx_has_them(make_model: Any) -> None:
    for cell, kind in CELLS.items():
        proto = to_onnx(make_model(cell=cell, num_layers=2, bidirectional=True))
        kinds = [node.op_type for node in proto.graph.node if node.op_type in ("RNN", "GRU", "LSTM", "Scan")]
        assert kinds == ([kind.operator.name] * 2 if kind.operator else ["Scan"] * 4)
        assert {item.domain for item in proto.opset_import} == {""}


def test_the_same_model_gives_the_same_bytes(make_model: Any) -> None:
    first, second = (to_onnx(make_model()).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_a_step_version_of_a_model_that_reads_both_ways_is_refused(make_model: Any) -> None:
    with pytest.raises(UnsupportedError, match="--frame-steps 1"):
        to_onnx(make_model(frame_steps=2), streaming=True)
    with pytest.raises(UnsupportedError, match="both directions"):
        to_onnx(make_model(bidirectional=True), streaming=True)


def test_weights_beyond_one_file_are_refused(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "LARGEST", 500)
    with pytest.raises(UnsupportedError, match="an ONNX file holds up to"):
        to_onnx(make_model())


def test_wrong_lengths_are_refused_by_the_runtime(make_model: Any) -> None:
    inputs = padded(drawn([3, 2])) | {"lengths": np.array([9, 1])}
    with pytest.raises(Exception, match="sequence_lens"):
        run_session(opened(make_model()), inputs)
