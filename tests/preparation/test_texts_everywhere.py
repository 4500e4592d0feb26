"""One text has one answer, wherever it comes from: list, file, estimator, server, stream, pipe, ONNX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import unrolled
from closeness import PROMISED
from unrolled.cli.main import app
from unrolled.config import DataConfig, ModelConfig
from unrolled.export.onnx import export_onnx
from unrolled.export.running import open_session, run_session
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.serving.app import create_app
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings

SPACED = ("a", " ", "b", "c")
"""The vocabulary of a model that learned the space."""
BITS = ("0", "1")
"""That of one that did not."""

CASES = [
    (SPACED, "ab c", list("ab c")),
    (SPACED, " \u3000ab c  ", list("ab c")),
    (SPACED, "a  x", list("a  x")),
    (BITS, "0110", list("0110")),
    (BITS, " 01 10\u3000", list("0110")),
    (BITS, "0\u30001x", list("01x")),
]


def made(folder: Path, vocabulary: tuple[str, ...]) -> Path:
    config = ModelConfig(cell="gru", hidden_size=4, pooling="mean")
    network = Network(config, 1, 2, seed=3, symbols=len(vocabulary) + 1).eval()
    torch.nn.init.normal_(network.output.weight, std=2.0, generator=torch.Generator().manual_seed(0))
    facts = ModelFacts(classes=("n", "y"), channels=("text",), vocabulary=vocabulary, model=config)
    return Model(network, facts).save(folder / "model")


def by_list(folder: Path, text: str) -> Any:
    return unrolled.load(folder).predict_proba([text])[0]


def by_file(folder: Path, text: str) -> Any:
    path = folder / "texts.txt"
    path.write_text(f"y\t{text}\nn\tother\n", encoding="utf-8")
    return unrolled.load(folder).predict_proba(unrolled.read(path, DataConfig(tokens="characters")))[0]


def by_estimator(folder: Path, text: str) -> Any:
    return unrolled.SequenceClassifier.load(folder).predict_proba(np.array([text, "a"]))[0]


def by_server(folder: Path, text: str) -> Any:
    with TestClient(create_app(Registry({"m": folder}), ServerSettings())) as client:
        answer = client.post("/v1/predict", json={"sequences": [text]})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["predictions"][0]["probabilities"].values())


def by_command_line(folder: Path, text: str) -> Any:
    found = CliRunner().invoke(app, ["predict", str(folder), "--sequence", text])
    return last_row(found.stdout)


def last_row(text: str) -> list[float]:
    row = list(csv.DictReader(io.StringIO(text)))[-1]
    return [float(row["p(n)"]), float(row["p(y)"])]


@pytest.mark.parametrize(("vocabulary", "text", "tokens"), CASES)
@pytest.mark.parametrize("way", [by_list, by_file, by_estimator, by_server, by_command_line])
def test_a_whole_text_is_cut_alike(
    way: Callable[[Path, str], Any], vocabulary: tuple[str, ...], text: str, tokens: list[str], tmp_path: Path
) -> None:
    folder = made(tmp_path, vocabulary)
    expected = unrolled.load(folder).predict_proba([tokens])[0]
    np.testing.assert_allclose(way(folder, text), expected, **PROMISED)


@pytest.mark.parametrize("vocabulary", [SPACED, BITS])
def test_onnx_is_given_the_tokens(vocabulary: tuple[str, ...], tmp_path: Path) -> None:
    model = unrolled.load(made(tmp_path, vocabulary))
    session = open_session(export_onnx(model, tmp_path / "model.onnx").path.read_bytes())
    text = " 0a1 b "
    tokens = model.preprocessor.cut(text)
    assert tokens == (list("0a1 b") if " " in vocabulary else list("0a1b"))
    inputs = {"tokens": np.array([tokens], object), "lengths": np.array([len(tokens)])}
    found = run_session(session, inputs)["probabilities"]
    np.testing.assert_allclose(found, model.predict_proba([text]), **PROMISED)


PIECES = [(SPACED, ["ab", " c"], list("ab c")), (SPACED, ["ab ", "c"], list("ab c")), (BITS, ["01 ", " 10"], "0110")]


@pytest.mark.parametrize(("vocabulary", "pieces", "tokens"), PIECES)
def test_a_stream_reads_pieces_of_a_text(
    vocabulary: tuple[str, ...], pieces: list[str], tokens: list[str], tmp_path: Path
) -> None:
    """Whitespace at the ends of a piece stands inside the text."""
    folder = made(tmp_path, vocabulary)
    model = unrolled.load(folder)
    expected = model.predict_proba([list(tokens)])[0]
    stream = model.stream()
    found = [stream.push(piece) for piece in pieces][-1]
    np.testing.assert_allclose(found, expected, **PROMISED)
    piped = CliRunner().invoke(app, ["predict", str(folder), "--stream"], input="\n".join(pieces))
    np.testing.assert_allclose(last_row(piped.stdout), expected, **PROMISED)
    application = create_app(Registry({"m": folder}), ServerSettings())
    with TestClient(application) as client, client.websocket_connect("/v1/stream") as socket:
        for piece in pieces:
            socket.send_json({"steps": piece})
            answer = socket.receive_json()
    np.testing.assert_allclose(list(answer["probabilities"].values()), expected, **PROMISED)
