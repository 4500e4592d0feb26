"""What each address answers, and how it refuses."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sklearn.datasets import load_digits
from starlette.testclient import WebSocketDenialResponse

from unrolled.config import ModelConfig
from unrolled.model.model import Model, ModelFacts, load
from unrolled.network.network import Network
from unrolled.runs.run import Run
from unrolled.serving.app import create_app
from unrolled.serving.browser import NEEDED, find_runtime
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings


def pictures(count: int = 3) -> list[list[list[float]]]:
    return (load_digits().images[:count] / 16).tolist()


def refusal(answer: Any) -> dict[str, Any]:
    return answer.json()["error"]


def test_predictions_are_the_models(client: TestClient, digits_run: Run) -> None:
    sequences = pictures(5)
    sequences[1] = sequences[1][:3]  # ragged
    answer = client.post("/v1/predict", json={"sequences": sequences}).json()
    for sequence, found in zip(sequences, answer["predictions"], strict=True):
        expected = digits_run.model.predict_proba([np.array(sequence)])[0]
        assert list(found["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-6)
        assert found["label"] == digits_run.model.classes[expected.argmax()]
        assert found["probability"] == pytest.approx(expected.max(), abs=1e-6)


def test_steps_are_the_models_belief_and_state(client: TestClient, digits_run: Run) -> None:
    sequence = pictures(1)[0]
    found = client.post("/v1/predict/steps", json={"sequences": [sequence]}).json()["predictions"][0]
    belief = digits_run.model.predict_steps([np.array(sequence)])[0]
    np.testing.assert_allclose(found["steps"]["probabilities"], belief, atol=1e-6)
    assert np.shape(found["steps"]["hidden"]) == (8, 16)
    labels = [digits_run.model.classes[index] for index in belief.argmax(1)]
    assert found["steps"]["labels"] == labels
    final = found["final_from_step"]
    assert set(labels[final - 1 :]) == {labels[-1]}
    assert final == 1 or labels[final - 2] != labels[-1]
    without = client.post("/v1/predict/steps?hidden=false", json={"sequences": [sequence]}).json()["predictions"][0]
    assert "hidden" not in without["steps"]


def test_what_is_unlike_the_training_data_is_told(client: TestClient, digits_run: Run) -> None:
    body = {"sequences": [*pictures(1), np.full((8, 8), 9.0).tolist()]}
    expected = digits_run.model.familiarity([np.array(one) for one in body["sequences"]])
    for path in ("/v1/predict?novelty=true", "/v1/predict/steps"):
        found = client.post(path, json=body).json()["predictions"]
        assert [one["familiarity"] for one in found] == pytest.approx(expected.tolist(), abs=1e-6)
    assert "familiarity" not in client.post("/v1/predict", json=body).json()["predictions"][0]
    assert client.get("/v1/model").json()["novelty_rate"] == 0.05
    assert expected[1] < 0.05 < expected[0]
    assert client.post("/v1/predict?novelty=perhaps", json=body).status_code == 422


def test_models_are_told_apart_by_name(client: TestClient, bits_run: Run) -> None:
    assert client.get("/v1/models").json() == {"models": ["digits", "bits"]}
    answer = client.post("/v1/predict?model=bits", json={"sequences": [[0, 1, 1, 0, 0, 1], [[1], [0]]]}).json()
    assert answer["model"] == "bits"
    expected = bits_run.model.predict([np.array([0.0, 1, 1, 0, 0, 1]), np.array([1.0, 0])])
    assert [found["label"] for found in answer["predictions"]] == expected.tolist()


def test_a_model_says_what_it_takes(client: TestClient, digits_run: Run) -> None:
    found = client.get("/v1/model").json()
    assert found["kind"] == "picture"
    assert found["length"] == 8
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert found["method"] == "trained"
    assert found["weights_sha256"] == load(digits_run.folder.path).facts.weights_sha256
    assert found["limits"]["max_steps"] == 50
    assert client.get("/v1/model?model=bits").json()["kind"] == "bits"


def test_examples_are_the_models(client: TestClient, digits_run: Run) -> None:
    found = client.get("/v1/examples").json()["examples"]
    assert found[4] == {"label": "4", "part": "held out", "sequence": digits_run.model.examples[4].sequence}
    assert client.post("/v1/predict", json={"sequences": [found[4]["sequence"]]}).status_code == 200


BAD = {
    "not JSON": ('{"sequences": [', 400, "malformed_json", "line 1"),
    "NaN": ('{"sequences": [[[NaN]]]}', 400, "malformed_json", "NaN and infinity"),
    "infinity": ('{"sequences": [[[1e999]]]}', 400, "malformed_json", "infin"),
    "empty body": ("", 400, "malformed_json", "not JSON"),
    "deep": ('{"sequences": ' + "[" * 3000 + "]" * 3000 + "}", 400, "too_deep", "limit nesting"),
    "deeper than sequences": ('{"sequences": [[[[1]]]]}', 422, "too_deep", "4 deep; at most 3"),
    "a list": ("[1, 2]", 422, "wrong_shape", "found a list"),
    "a number": ("7", 422, "wrong_shape", "found a number"),
    "another field": ('{"sequences": [[[0]]], "labels": 1}', 422, "unknown_field", "'labels'"),
    "no sequences": ('{"sequences": []}', 422, "no_sequences", "at least one"),
    "no steps": ('{"sequences": [[]]}', 422, "empty_sequence", "sequence 0 has no steps"),
    "other channels": ('{"sequences": [[[1, 2]]]}', 422, "wrong_shape", "sequence 0, step 0 has 2 numbers"),
    "flat": ('{"sequences": [[1, 2]]}', 422, "wrong_shape", "step 0 is a number"),
    "ragged step": (
        '{"sequences": [[[0,0,0,0,0,0,0,0],[1]]]}', 422, "wrong_shape", "sequence 0, step 1 has 1 numbers",
    ),
    "text": ('{"sequences": [[["1",0,0,0,0,0,0,0]]]}', 422, "not_a_number", "channel 0 is a text"),
    "truth": ('{"sequences": [[[true,0,0,0,0,0,0,0]]]}', 422, "not_a_number", "is true"),
    "null": ('{"sequences": [[[0,null,0,0,0,0,0,0]]]}', 422, "not_a_number", "takes no missing values"),
    "beyond float32": ('{"sequences": [[[0,0,1e39,0,0,0,0,0]]]}', 422, "out_of_range", "channel 2"),
    "many steps": (json.dumps({"sequences": [[[0] * 8] * 51]}), 422, "too_many_steps", "51 steps; at most 50 (limit"),
    "many sequences": (json.dumps({"sequences": [[[0] * 8]] * 21}), 422, "too_many_sequences", "limit max_sequences"),
    "huge": (json.dumps({"sequences": [[0] * 200_000]}), 413, "body_too_large", "limit max_body_bytes"),
    "object": ('{"sequences": {"0": 1}}', 422, "wrong_shape", "found an object"),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict/steps"])
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_what_and_where(client: TestClient, name: str, path: str) -> None:
    body, status, code, text = BAD[name]
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, refusal(answer)["code"]) == (status, code)
    assert text in refusal(answer)["message"]
    assert client.post("/v1/predict", json={"sequences": pictures(1)}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict/steps"])
def test_values_that_make_the_arithmetic_overflow_are_refused_and_spoil_nobody_else(
    client: TestClient, path: str
) -> None:
    """Signs and sizes that single precision holds, whose differences and products it does not."""
    huge = [[3.3e38 * (-1) ** index for index in range(8)]] * 3
    answer = client.post(path, json={"sequences": [pictures(1)[0], huge]})
    if answer.status_code == 200:  # the gates were saturated, and nothing overflowed
        values = [value for found in answer.json()["predictions"] for value in found["probabilities"].values()]
        assert np.isfinite(np.array(values, float)).all()
    else:
        assert refusal(answer)["code"] == "overflow"
        assert "sequence 1" in refusal(answer)["message"]
    assert client.post(path, json={"sequences": pictures(1)}).status_code == 200


def test_ten_million_steps_are_refused_by_the_bytes_or_by_the_steps(client: TestClient, bits_run: Run) -> None:
    body = b'{"sequences": [[' + b"0," * 9_999_999 + b"0]]}"
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/predict?model=bits", content=body, headers=headers)
    assert (answer.status_code, refusal(answer)["limit"]) == (413, "max_body_bytes")
    roomy = create_app(Registry({"bits": bits_run.folder.path}), ServerSettings(max_body_bytes=30_000_000))
    with TestClient(roomy) as other:
        answer = other.post("/v1/predict", content=body, headers=headers)
    assert refusal(answer)["limit"] == "max_steps"
    assert "10,000,000 steps; at most 10,000" in refusal(answer)["message"]


def test_other_types_addresses_methods_and_models_are_refused(client: TestClient) -> None:
    answer = client.post("/v1/predict", content="a=1", headers={"content-type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, refusal(answer)["code"]) == (415, "not_json")
    assert client.get("/v1/predict").status_code == 405
    assert refusal(client.get("/nowhere"))["code"] == "not_found"
    answer = client.post("/v1/predict?model=nobody", json={"sequences": pictures(1)})
    assert answer.status_code == 404
    assert "this server has digits, bits" in refusal(answer)["message"]
    assert client.post("/v1/predict/steps?hidden=maybe", json={"sequences": pictures(1)}).status_code == 422
    assert client.get("/v1/model?model=nobody").status_code == 404


def test_readings_beyond_measure_are_refused(client: TestClient) -> None:
    answer = client.post("/v1/predict/steps", json={"sequences": [[[0] * 8] * 50] * 20})
    assert refusal(answer)["limit"] == "max_values"


@pytest.mark.parametrize(
    "options",
    [
        {"bidirectional": True},
        {"context_steps": 2},
        {"skip_segments": 2},
        {"frame_steps": 2},
        {"normalisation": "sequence"},
    ],
)
def test_a_network_that_begins_anew_after_each_step_is_bounded_by_what_it_reads(options: Any, tmp_path: Path) -> None:
    for name, settings in (("anew", options), ("forward", {})):
        config = ModelConfig(hidden_size=2, **settings)
        facts = ModelFacts(classes=("a", "b"), channels=("x",), model=config)
        Model(Network(config, 1, 2).eval(), facts).save(tmp_path / name)
    registry = Registry({name: tmp_path / name for name in ("anew", "forward")})
    with TestClient(create_app(registry, ServerSettings(max_values=5_000))) as client:
        sequences = {"sequences": [[[0.0]] * 150]}
        answer = client.post("/v1/predict/steps?model=anew", json=sequences)
        assert refusal(answer)["limit"] == "max_values"
        assert "the network would read 11,325 steps" in refusal(answer)["message"]
        assert client.post("/v1/predict/steps?model=forward", json=sequences).status_code == 200
        assert client.post("/v1/predict?model=anew", json=sequences).status_code == 200


def test_a_token_is_asked_for_where_there_is_one(digits_run: Run) -> None:
    app = create_app(Registry({"digits": digits_run.folder.path}), token="sesame")  # noqa: S106
    with TestClient(app) as client:
        for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic sesame"}):
            answer = client.get("/v1/model", headers=header)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert client.post("/v1/predict", json={"sequences": pictures(1)}, headers=header).status_code == 401
        right = {"authorization": "Bearer sesame"}
        assert client.get("/v1/model", headers=right).status_code == 200
        assert client.get("/metrics").status_code == 401
        assert client.get("/healthz").status_code == client.get("/").status_code == 200


@pytest.mark.parametrize(("host", "status"), [("localhost:8000", 200), ("[::1]:80", 200), ("evil.example", 403)])
def test_a_page_whose_name_points_to_this_machine_reads_nothing(digits_run: Run, host: str, status: int) -> None:
    names = {"localhost", "[::1]"}
    with TestClient(create_app(Registry({"digits": digits_run.folder.path}), hosts=names)) as client:
        assert client.get("/v1/examples", headers={"host": host}).status_code == status
        asked = client.post("/v1/predict", json={"sequences": pictures(1)}, headers={"host": host})
        assert asked.status_code == status


def test_only_allowed_origins_are_told_that_they_may_read(digits_run: Run) -> None:
    settings = ServerSettings(origins=("https://good.example",))
    with TestClient(create_app(Registry({"digits": digits_run.folder.path}), settings)) as client:
        good = client.get("/v1/model", headers={"origin": "https://good.example"})
        assert good.headers["access-control-allow-origin"] == "https://good.example"
        bad = client.get("/v1/model", headers={"origin": "https://bad.example"})
        assert "access-control-allow-origin" not in bad.headers


def test_figures_count_requests_and_batches_and_hold_no_strangers_paths(client: TestClient) -> None:
    client.post("/v1/predict", json={"sequences": pictures(2)})
    client.get("/secret-path")
    text = client.get("/metrics").text
    assert 'unrolled_requests_total{endpoint="/v1/predict",status="200"} 1.0' in text
    assert "unrolled_batch_sequences_sum 2.0" in text
    assert "unrolled_queue_requests 0.0" in text
    assert "secret-path" not in text


def test_the_logs_hold_nothing_of_the_data(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "unrolled.serving"):
        client.post("/v1/predict", json={"sequences": [[[0.123456] * 8]]})
    record = caplog.records[-1]
    assert record.getMessage() == "request"
    assert record.facts["status"] == 200  # type: ignore[attr-defined]
    assert "0.123456" not in str(record.__dict__)


def test_neighbours_in_a_batch_change_nothing(digits_run: Run) -> None:
    """Many clients at once, lengths mixed: everyone gets the answer of a model that is asked alone."""
    images = load_digits().images / 16
    rng = np.random.default_rng(0)
    sequences = [images[i][: rng.integers(1, 9)].tolist() for i in range(60)]
    app = create_app(Registry({"digits": digits_run.folder.path}))
    with TestClient(app) as client, ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda s: client.post("/v1/predict", json={"sequences": [s]}).json(), sequences)
        for sequence, answer in zip(sequences, answers, strict=True):
            alone = digits_run.model.predict_proba([np.array(sequence)])[0]
            found = list(answer["predictions"][0]["probabilities"].values())
            assert found == pytest.approx(alone.tolist(), abs=1e-5)
        assert "unrolled_batch_sequences_count" in client.get("/metrics").text


def test_the_openapi_document_describes_the_answers(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    body = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]
    example = body["examples"]["one sequence"]["value"]
    assert client.post("/v1/predict", json=example).status_code == 200
    assert {"/v1/model", "/v1/predict/steps", "/healthz", "/readyz", "/metrics"} <= set(document["paths"])


def test_a_stream_says_what_predicting_the_prefix_says(client: TestClient, digits_run: Run) -> None:
    sequence = pictures(1)[0]
    belief = digits_run.model.predict_steps([np.array(sequence)])[0]
    with client.websocket_connect("/v1/stream") as socket:
        for first, last in ((0, 1), (1, 4), (4, 8)):
            socket.send_json({"steps": sequence[first:last]})
            answer = socket.receive_json()
            assert answer["step"] == last
            assert list(answer["probabilities"].values()) == pytest.approx(belief[last - 1].tolist(), abs=1e-6)
        socket.send_json({"reset": True})
        assert socket.receive_json() == {"step": 0}
        socket.send_json({"steps": sequence[:1]})
        assert socket.receive_json()["step"] == 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "malformed_json"),
        ("[]", "wrong_shape"),
        ('{"step": 1}', "wrong_shape"),
        ('{"steps": [[1]]}', "wrong_shape"),
        ('{"steps": []}', "empty_sequence"),
        ('{"steps": [[NaN]]}', "malformed_json"),
        ('{"steps": [[true, 0, 0, 0, 0, 0, 0, 0]]}', "not_a_number"),
    ],
)
def test_a_stream_refuses_in_words(client: TestClient, message: str, code: str) -> None:
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_text(message)
        assert socket.receive_json()["error"]["code"] == code
        assert socket.receive()["code"] == 1008


def test_a_stream_refuses_bytes(client: TestClient) -> None:
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_bytes(b"\x00")
        assert socket.receive_json()["error"]["code"] == "not_text"


def test_a_stream_to_an_unknown_model_is_refused(client: TestClient) -> None:
    with client.websocket_connect("/v1/stream?model=nobody") as socket:
        assert socket.receive_json()["error"]["code"] == "unknown_model"


@pytest.mark.slow
def test_a_stream_needs_a_forward_network(tmp_path_factory: pytest.TempPathFactory) -> None:
    from unrolled.runs.run import train

    run = train(
        "digits", runs=tmp_path_factory.mktemp("runs"), max_epochs=1, hidden_size=4, bidirectional=True, report=False
    )
    with TestClient(create_app(Registry({"digits": run.folder.path}))) as client:
        with client.websocket_connect("/v1/stream") as socket:
            assert socket.receive_json()["error"]["code"] == "no_stream"
        found = client.post("/v1/predict/steps", json={"sequences": pictures(1)}).json()["predictions"][0]
        assert np.shape(found["steps"]["hidden"]) == (8, 8)


def test_streams_are_guarded_as_requests_are(digits_run: Run) -> None:
    app = create_app(Registry({"digits": digits_run.folder.path}), token="sesame")  # noqa: S106
    with TestClient(app) as client:
        with pytest.raises(WebSocketDenialResponse) as denied:
            client.websocket_connect("/v1/stream").__enter__()
        assert denied.value.status_code == 401
        with client.websocket_connect("/v1/stream", headers={"authorization": "Bearer sesame"}) as socket:
            socket.send_json({"reset": True})
            assert socket.receive_json() == {"step": 0}
        with client.websocket_connect("/v1/stream", subprotocols=["unrolled", "bearer.sesame"]) as socket:
            assert socket.accepted_subprotocol == "unrolled"


def test_streams_from_other_sites_are_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as denied:
        client.websocket_connect("/v1/stream", headers={"origin": "https://bad.example"}).__enter__()
    assert denied.value.status_code == 403
    with client.websocket_connect("/v1/stream", headers={"origin": "http://testserver"}) as socket:
        socket.send_json({"reset": True})
        assert socket.receive_json() == {"step": 0}


def test_a_full_queue_says_when_to_come_again_and_late_answers_are_504(digits_run: Run) -> None:
    settings = ServerSettings(queue_size=1, deadline_ms=300)
    app = create_app(Registry({"digits": digits_run.folder.path}), settings)
    body = {"sequences": pictures(1)}
    release = threading.Event()
    with TestClient(app) as client, ThreadPoolExecutor(4) as pool:
        app.state.service.queue._worker.submit(release.wait)  # the worker is busy
        statuses = sorted(
            answer.status_code for answer in pool.map(lambda _: client.post("/v1/predict", json=body), range(4))
        )
        release.set()
        assert set(statuses) == {429, 504}
        while app.state.service.queue._waiting:  # the late one leaves the queue when the worker comes to it
            assert client.get("/healthz").status_code == 200
        assert client.post("/v1/predict", json=body).status_code == 200


def test_a_full_queue_refuses_before_it_reads_the_body(digits_run: Run) -> None:
    app = create_app(Registry({"digits": digits_run.folder.path}), ServerSettings(queue_size=1))
    release = threading.Event()
    with TestClient(app) as client, ThreadPoolExecutor(2) as pool:
        queue = app.state.service.queue
        queue._worker.submit(release.wait)  # the worker is busy: the first goes to it, the second waits
        taken = [pool.submit(client.post, "/v1/predict", json={"sequences": pictures(1)}) for _ in range(2)]
        while not queue._waiting:
            assert client.get("/healthz").status_code == 200
        answer = client.post("/v1/predict", content="{", headers={"content-type": "application/json"})
        release.set()
        assert answer.status_code == 429
        assert [future.result().status_code for future in taken] == [200, 200]


def test_a_model_goes_out_as_an_onnx_file_and_is_made_once(digits_run: Run, client: TestClient) -> None:
    made = []

    def export(model: Model) -> bytes:
        made.append(model)
        return b"onnx"

    client.app.state.service.files._export = export  # type: ignore[attr-defined]
    assert [client.get(f"/v1/model.onnx{query}").content for query in ("", "?model=digits", "?model=bits")] == 3 * [
        b"onnx"
    ]
    assert [model.classes for model in made] == [digits_run.model.classes, tuple(str(n) for n in range(7))]
    assert client.get("/v1/model.onnx?model=nobody").status_code == 404


def test_without_the_packages_of_the_export_the_answer_says_what_to_install(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    answer = client.get("/v1/model.onnx")
    assert (answer.status_code, refusal(answer)["code"]) == (404, "no_onnx")
    assert "unrolled[export]" in refusal(answer)["message"]


def test_the_runtime_is_handed_out_where_it_was_named_and_nothing_else_of_its_folder(
    digits_run: Run, tmp_path: Path
) -> None:
    registry = Registry({"digits": digits_run.folder.path})
    for name in (*NEEDED, "secret.txt"):
        (tmp_path / name).write_text(name)
    with TestClient(create_app(registry, runtime=find_runtime(tmp_path))) as client:
        assert client.get("/v1/model").json()["runtime"] == "onnxruntime-web/ort.wasm.min.mjs"
        assert client.get(f"/onnxruntime-web/{NEEDED[0]}").headers["content-type"].startswith("text/javascript")
        assert client.get(f"/onnxruntime-web/{NEEDED[2]}").headers["content-type"] == "application/wasm"
        assert client.get("/onnxruntime-web/secret.txt").status_code == 404
        assert client.get("/onnxruntime-web/..%2Fsecret.txt").status_code == 404
        assert "'wasm-unsafe-eval'" in client.get("/").headers["content-security-policy"]
    with TestClient(create_app(registry)) as client:
        assert client.get("/v1/model").json()["runtime"] is None
        assert client.get(f"/onnxruntime-web/{NEEDED[0]}").status_code == 404
        assert "unsafe" not in client.get("/").headers["content-security-policy"]


def small(folder: Path, **options: Any) -> Path:
    """A model of one channel that nobody has trained."""
    config = ModelConfig.model_validate({"hidden_size": 2, **options})
    Model(Network(config, 1, 2).eval(), ModelFacts(classes=("a", "b"), channels=("x",), model=config)).save(folder)
    return folder


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict/steps"])
def test_a_request_is_bounded_by_what_the_model_computes_for_it(path: str, tmp_path: Path) -> None:
    paths = {"slow": small(tmp_path / "slow", hidden_size=1024, cell="rnn"), "quick": small(tmp_path / "quick")}
    with TestClient(create_app(Registry(paths), ServerSettings(max_gflop=1))) as client:
        sequences = {"sequences": [[[0.0]] * 300] * 2}  # 600 steps of 2 MFLOP
        refused = client.post(f"{path}?model=slow", json=sequences)
        assert (refused.status_code, refusal(refused)["limit"]) == (422, "max_gflop")
        assert client.post(f"{path}?model=quick", json=sequences).status_code == 200
        with client.websocket_connect("/v1/stream?model=slow") as socket:
            socket.send_json({"steps": [[0.0]] * 600})
            assert socket.receive_json()["error"]["limit"] == "max_gflop"


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}])
def test_a_computation_ends_at_the_deadline(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches, or prefixes, that are still to come are not computed."""
    registry = Registry({"m": small(tmp_path / "m", **options)})
    app = create_app(registry, ServerSettings(deadline_ms=200))
    network, late, computed = registry.get().model.network, threading.Event(), []
    forward = network.forward

    def slow(*arguments: Any) -> Any:
        computed.append(arguments)
        late.wait(30)
        return forward(*arguments)

    monkeypatch.setattr(network, "forward", slow)
    path, steps = ("/v1/predict/steps", 40) if options else ("/v1/predict", 10_000)
    with TestClient(app) as client:
        answer = client.post(path, json={"sequences": [[[0.0]] * steps] * 20})
        assert answer.status_code == 504
        late.set()
        assert client.post("/v1/predict", json={"sequences": [[[0.0]]]}).status_code == 200
    assert len(computed) == 2  # the one that was under way, and that of the second request


def test_large_messages_are_parsed_beside_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unrolled.serving import parsing

    threads: list[threading.Thread] = []
    original = parsing.parse_json
    monkeypatch.setattr(
        parsing, "parse_json", lambda text: threads.append(threading.current_thread()) or original(text)
    )
    with TestClient(create_app(Registry({"m": small(tmp_path / "m")}))) as client:
        with client.websocket_connect("/v1/stream") as socket:
            for count in (1, 9_000):
                socket.send_json({"steps": [[0.25125]] * count})
                socket.receive_json()
        for count in (1, 9_000):
            client.post("/v1/predict", json={"sequences": [[[0.25125]] * count]})
    assert [thread is threads[0] for thread in threads] == [True, False, True, False]


def test_a_reload_survives_a_bad_folder_of_any_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry({name: small(tmp_path / name) for name in ("first", "second", "third")})
    before = {name: registry.get(name).model for name in registry.names}
    former = Model.load

    def load(path: Path) -> Model:
        if path.name == "first":
            raise KeyError("of no kind that anybody expected")
        return former(path)

    monkeypatch.setattr("unrolled.serving.registry.load", load)
    (tmp_path / "second" / "model.json").write_text("[" * 100_000)
    found = registry.reload()
    assert [problem is None for problem in found.values()] == [False, False, True]
    assert [registry.get(name).model is before[name] for name in registry.names] == [True, True, False]


def test_a_failed_export_is_remembered_until_the_model_is_loaded_again(tmp_path: Path) -> None:
    registry = Registry({"m": small(tmp_path / "m")})
    app = create_app(registry)
    tries = []

    def export(model: Model) -> bytes:
        tries.append(model)
        raise RuntimeError("no such operator")

    app.state.service.files._export = export
    with TestClient(app) as client:
        answers = [client.get("/v1/model.onnx") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert "no such operator" in refusal(answers[2])["message"]
        assert len(tries) == 1
        registry.reload()
        client.get("/v1/model.onnx")
        assert len(tries) == 2
