"""A model of text is asked in texts: whole, step by step, over a WebSocket, and as an ONNX file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from unrolled.export.running import open_session
from unrolled.runs.run import Run
from unrolled.serving.app import create_app
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings

TEXTS = ["left then right", "right and  left\tand unheard-of", "left"]


@pytest.fixture
def client(words_run: Run) -> Iterator[TestClient]:
    registry = Registry({"words": words_run.folder.path})
    with TestClient(create_app(registry, ServerSettings(max_steps=50))) as client:
        yield client


def ask(client: TestClient, sequences: Any, path: str = "/v1/predict") -> Any:
    answer = client.post(path, json={"sequences": sequences})
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


@pytest.mark.parametrize("given", [TEXTS, [text.split() for text in TEXTS]], ids=["texts", "tokens"])
def test_texts_and_lists_of_tokens_are_read_as_the_model_reads_them(
    client: TestClient, words_run: Run, given: list[Any]
) -> None:
    expected = words_run.model.predict_proba(TEXTS)
    for found, row in zip(ask(client, given), expected, strict=True):
        assert list(found["probabilities"].values()) == pytest.approx(row.tolist(), abs=1e-6)


def test_each_word_is_a_step(client: TestClient, words_run: Run) -> None:
    found = ask(client, TEXTS, "/v1/predict/steps")
    for reading, belief in zip(found, words_run.model.predict_steps(TEXTS), strict=True):
        np.testing.assert_allclose(reading["steps"]["probabilities"], belief, atol=1e-6)
        assert np.shape(reading["steps"]["hidden"]) == (len(belief), 8)


def test_a_stream_takes_words_as_they_come(client: TestClient, words_run: Run) -> None:
    belief = words_run.model.predict_steps(["left then right"])[0]
    with client.websocket_connect("/v1/stream") as socket:
        for steps, read in (("left then", 2), (["right"], 3)):
            socket.send_json({"steps": steps})
            answer = socket.receive_json()
            assert answer["step"] == read
            assert list(answer["probabilities"].values()) == pytest.approx(belief[read - 1].tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("sequence", "code", "text"),
    [
        (7, "wrong_shape", "sequence 0 is a number"),
        ({"a": 1}, "wrong_shape", "is an object"),
        ([[1, 2]], "not_a_token", "step 0 is a list"),
        (["left", None], "not_a_token", "step 1 is null"),
        (["left", ""], "not_a_token", "step 1 is an empty text"),
        ("", "empty_sequence", "has no steps"),
        (" \t", "empty_sequence", "has no steps"),
        ([], "empty_sequence", "has no steps"),
        ("left " * 51, "too_many_steps", "51 steps; at most 50 (limit max_steps)"),
    ],
)
def test_what_is_no_text_is_refused(client: TestClient, sequence: Any, code: str, text: str) -> None:
    answer = client.post("/v1/predict", json={"sequences": [sequence]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert text in answer.json()["error"]["message"]


def test_texts_to_a_model_of_numbers_are_refused(digits_run: Run) -> None:
    with TestClient(create_app(Registry({"digits": digits_run.folder.path}))) as client:
        answer = client.post("/v1/predict", json={"sequences": ["left"]})
    assert answer.json()["error"]["message"].startswith("sequence 0 is a text; expected a list of steps")


def test_the_description_says_that_it_reads_words(client: TestClient, words_run: Run) -> None:
    found = client.get("/v1/model").json()
    assert (found["kind"], found["tokens"]) == ("text", "words")
    assert tuple(found["vocabulary"]) == words_run.model.facts.vocabulary
    examples = client.get("/v1/examples").json()["examples"]
    assert set(examples[0]["sequence"]) <= set(found["vocabulary"])
    body = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    assert client.post(
        "/v1/predict", json=next(iter(body["application/json"]["examples"].values()))["value"]
    ).is_success


def test_the_model_goes_out_as_an_onnx_file_with_its_hidden_state(client: TestClient, words_run: Run) -> None:
    answer = client.get("/v1/model.onnx")
    assert answer.headers["content-type"] == "application/octet-stream"
    tokens = np.array([["left", "then", "right"]], object)
    _, probabilities, hidden = open_session(answer.content).run(None, {"tokens": tokens, "lengths": np.array([3])})
    np.testing.assert_allclose(probabilities, words_run.model.predict_proba(["left then right"]), atol=1e-5)
    np.testing.assert_allclose(hidden[0], words_run.model.hidden_steps(["left then right"])[0], atol=1e-5)
