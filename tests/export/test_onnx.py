"""A file is written only if it says what the model says; quantised files come with their accuracy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from closeness import PROMISED
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, ExportError, StorageError, UnsupportedError
from unrolled.export import network as exporting
from unrolled.export.check import trial_sequences
from unrolled.export.graph import Graph
from unrolled.export.onnx import export_onnx
from unrolled.export.running import open_session, predict_in_runtime
from unrolled.model.model import Model
from unrolled.nn.cells import CELLS
from unrolled.runs.run import Run

RANDOM = np.random.default_rng(0)
LABELLED = Sequences.from_list(
    [RANDOM.normal(size=(length, 2)) for length in RANDOM.integers(1, 9, 40)],
    ["no", "yes"] * 20,
    channels=["channel 0", "channel 1"],
)


def test_the_file_is_the_model(make_model: Any, tmp_path: Path) -> None:
    model = make_model()
    exported = export_onnx(model, tmp_path / "m.onnx")
    content = (tmp_path / "m.onnx").read_bytes()
    assert exported.size_bytes == len(content)
    assert 0 <= exported.check.difference <= 1e-5
    assert exported.inputs == {"sequences": ("batch", "time", "2"), "lengths": ("batch",)}
    labels, probabilities = predict_in_runtime(open_session(content), LABELLED)
    assert labels.tolist() == model.predict(LABELLED).tolist()
    np.testing.assert_allclose(probabilities, model.predict_proba(LABELLED), **PROMISED)


IN_8_BITS = [name for name, kind in CELLS.items() if kind.operator is None or kind.operator.name == "LSTM"]
"""Cells whose operator ONNX Runtime computes in 8 bits, and those that are products and sums."""


@pytest.mark.parametrize(
    ("channels", "facts", "options"),
    [
        (1, {"vocabulary": ("b", "a")}, {}),
        (1, {"vocabulary": ("yes", "no"), "tokens": "words", "max_length": 5, "keep_steps": "last"}, {}),
        (2, {}, {"missing": "mask"}),
        (2, {"max_length": 5}, {"normalisation": "sequence", "missing": "mean"}),
    ],
    ids=["characters", "words", "mask", "sequence"],
)
def test_the_check_knows_every_kind_of_sequence(
    channels: int, facts: dict[str, Any], options: dict[str, Any], make_model: Any, tmp_path: Path
) -> None:
    exported = export_onnx(make_model(channels, facts=facts, **options), tmp_path / "m.onnx")
    assert exported.check.difference <= 1e-5


@pytest.mark.parametrize("facts", [{"vocabulary": ("b", "a")}, {"vocabulary": ("yes", "no"), "tokens": "words"}])
def test_a_step_version_of_text_is_checked(facts: dict[str, Any], make_model: Any, tmp_path: Path) -> None:
    exported = export_onnx(make_model(1, facts=facts), tmp_path / "m.onnx", streaming=True)
    assert exported.inputs["tokens"] == ("batch", "time")
    assert exported.check.difference <= 1e-5


def test_the_trials_go_beyond_the_longest_example(digits_run: Run) -> None:
    sequences = trial_sequences(digits_run.model)
    assert {1, 2, 3, 8, 17} <= set(sequences.lengths.tolist())


@pytest.mark.parametrize("streaming", [False, True])
def test_an_export_that_differs_is_not_written(
    streaming: bool, make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = exporting._add_answers
    monkeypatch.setattr(exporting, "_add_answers", lambda graph, model, logits: honest(graph, model, 1.001 * logits))
    with pytest.raises(ExportError, match="differ"):
        export_onnx(make_model(), tmp_path / "m.onnx", streaming=streaming)
    assert not list(tmp_path.iterdir())


def test_an_export_with_other_labels_is_not_written(
    make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong_answers(graph: Graph, model: Model, logits: Any) -> None:
        names = graph.constant(np.array(model.classes, object))
        graph.add("Gather", names, graph.add("ArgMin", logits.node, axis=1, keepdims=0), name="labels")
        graph.add("Softmax", logits.node, name="probabilities", axis=1)

    monkeypatch.setattr(exporting, "_add_answers", wrong_answers)
    with pytest.raises(ExportError, match="the exported model predicts '"):
        export_onnx(make_model(), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cell", IN_8_BITS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_weights_of_8_bits_come_with_their_accuracy(
    cell: str, bidirectional: bool, make_model: Any, tmp_path: Path
) -> None:
    model = make_model(cell=cell, bidirectional=bidirectional, hidden_size=64)
    exported = export_onnx(model, tmp_path / "q.onnx", int8_data=LABELLED)
    assert exported.quantized is not None
    assert exported.size_bytes < 0.6 * exported.quantized.size_bytes
    truth = np.array(LABELLED.classes)[LABELLED.targets]
    labels, probabilities = predict_in_runtime(open_session((tmp_path / "q.onnx").read_bytes()), LABELLED)
    assert exported.quantized.original.count == (model.predict(LABELLED) == truth).sum()
    assert exported.quantized.int8.count == (labels == truth).sum()
    assert exported.quantized.agreement.count == (labels == model.predict(LABELLED)).sum()
    assert np.abs(probabilities - model.predict_proba(LABELLED)).max() < 0.1


@pytest.mark.parametrize("cell", [name for name in CELLS if name not in IN_8_BITS])
def test_cells_without_an_8_bit_operator_are_refused(cell: str, make_model: Any, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="has no 8-bit"):
        export_onnx(make_model(cell=cell), tmp_path / "q.onnx", int8_data=LABELLED)
    assert not list(tmp_path.iterdir())


def test_a_streaming_file_of_8_bits_is_refused(make_model: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="either"):
        export_onnx(make_model(), tmp_path / "q.onnx", streaming=True, int8_data=LABELLED)


def test_a_network_whose_numbers_overflow_is_still_exported(make_model: Any, tmp_path: Path) -> None:
    model = make_model(cell="rnn-relu", hidden_size=16)
    with torch.no_grad():
        model.network.layers[0].cells[0].U.mul_(50)
    export_onnx(model, tmp_path / "m.onnx")


def test_a_place_that_cannot_be_written_is_said(make_model: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        export_onnx(make_model(), tmp_path / "none" / "m.onnx")


def test_without_the_packages_the_extra_is_named(
    make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"onnxruntime is not installed.*unrolled\[export\]"):
        export_onnx(make_model(), tmp_path / "m.onnx")


def test_onnx_itself_reads_the_file(make_model: Any, tmp_path: Path) -> None:
    export_onnx(make_model(), tmp_path / "m.onnx")
    assert onnx.load(tmp_path / "m.onnx").producer_name == "unrolled"
