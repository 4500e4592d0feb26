"""The process: signals, hostile clients, damaged models; whatever happens, it goes on serving."""

from __future__ import annotations

import contextlib
import gc
import json
import shutil
import signal
import socket
import subprocess
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from sklearn.datasets import load_digits
from urllib3.util import Retry
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from commands import call
from unrolled.model.model import load
from unrolled.runs.run import Run, train
from unrolled.serving.serve import serve as serve_models
from unrolled.serving.server import settle_memory

Serve = Callable[..., Any]
PICTURE = (load_digits().images[0] / 16).tolist()
BODY = json.dumps({"sequences": [PICTURE]})


def predict(url: str, **options: Any) -> requests.Response:
    """One request; a client that is told to come again in a second does so."""
    again = Retry(5, status_forcelist=[429], allowed_methods=["POST"], raise_on_status=False)
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=again))
        return session.post(f"{url}/v1/predict", json={"sequences": [PICTURE]}, timeout=30, **options)


@contextlib.contextmanager
def wire(server: Any, head: str) -> Iterator[socket.socket]:
    """A connection by hand, after the head of a prediction's request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(
            f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\r\n\r\n".encode()
        )
        yield raw


def received(raw: socket.socket) -> str:
    """All that comes until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := raw.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def test_requests_and_curl_are_answered(server: Any, digits_run: Run) -> None:
    answer = predict(server.url)
    expected = digits_run.model.predict([load_digits().images[0] / 16])[0]
    assert answer.json()["predictions"][0]["label"] == expected
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl")
    said = subprocess.run(
        [curl, "-s", f"{server.url}/v1/predict", "-H", "content-type: application/json", "-d", BODY],
        capture_output=True,
        check=True,
    )
    assert json.loads(said.stdout)["predictions"][0]["label"] == expected


def test_a_body_sent_slowly_is_not_waited_for(server: Any) -> None:
    with wire(server, "Content-Length: 1000") as raw:
        raw.sendall(b'{"sequences"')
        assert "408" in (answer := received(raw))
        assert "body_too_slow" in answer
    assert predict(server.url).status_code == 200


@pytest.mark.parametrize("head", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_a_huge_body_is_refused_while_it_comes(server: Any, head: str) -> None:
    chunk = b"[" * 50_000
    framed = chunk if "Length" in head else b"%x\r\n%s\r\n" % (len(chunk), chunk)
    with wire(server, head) as raw:
        for _ in range(20):
            raw.sendall(framed)
        if "chunked" in head:
            raw.sendall(b"0\r\n\r\n")
        answer = received(raw)
    assert " 413 " in answer
    assert "max_body_bytes" in answer
    assert predict(server.url).status_code == 200


def test_clients_that_go_away_in_the_middle_are_forgotten(server: Any) -> None:
    for _ in range(20):
        with wire(server, "Content-Length: 5000") as raw:
            raw.sendall(b'{"sequences": [')
        with wire(server, f"Content-Length: {len(BODY)}") as raw:
            raw.sendall(BODY.encode())
    assert predict(server.url).status_code == 200


def test_what_is_no_http_is_no_trouble(server: Any) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(b"\x00\xff\x16\x03 nonsense\r\n\r\n")
        received(raw)
    assert predict(server.url).status_code == 200


def _send_for_ever(raw: socket.socket, message: bytes) -> None:
    while True:
        raw.sendall(message)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system keeps such a connection")
def test_a_stream_that_is_never_read_is_closed_and_nothing_grows(server: Any) -> None:
    """Steps are sent and answers never taken: sooner or later the server stops reading, then closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(
            b"GET /v1/stream?model=bits HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        text = b'{"steps": [[1]]}'
        frame = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text  # masked by zeros, as a client must
        with pytest.raises(ConnectionError):  # not a TimeoutError: it is the server who ends it
            _send_for_ever(raw, frame * 100)
    assert predict(server.url).status_code == 200


def test_a_silent_stream_is_closed(server: Any) -> None:
    with (
        connect(f"ws://127.0.0.1:{server.port}/v1/stream") as silent,
        pytest.raises(ConnectionClosed, match="stream_timeout_s"),
    ):
        silent.recv()


def test_a_port_in_use_is_said(server: Any, digits_run: Run) -> None:
    answer = call("serve", digits_run.folder.path, "--port", server.port)
    assert answer.code == 1
    assert f"port {server.port}" in answer.one_line()
    assert "--port" in answer.one_line()


def test_wrong_options_and_missing_models_are_said(digits_run: Run, tmp_path: Path) -> None:
    assert "--max-batch 0" in call("serve", digits_run.folder.path, "--max-batch", 0).one_line()
    assert "no such folder" in call("serve", tmp_path / "nothing", "--port", 0).one_line()
    assert "named 'digits'" in call("serve", digits_run.folder.path, digits_run.folder.path).one_line()
    (tmp_path / "token").write_text("\n")
    assert "no token" in call("serve", digits_run.folder.path, "--token-file", tmp_path / "token").one_line()
    answer = call("serve", digits_run.folder.path, "--onnxruntime-web", tmp_path, "--port", 0)
    assert "no ort.wasm.min.mjs" in answer.one_line()
    assert "npm install onnxruntime-web" in answer.one_line()
    damaged = digits_run.model.save(tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"no weights")
    assert "damaged" in call("serve", damaged, "--port", 0).one_line()
    assert call("serve").code == 2


def test_hangup_reads_models_anew_and_keeps_the_old_where_the_new_is_damaged(
    serve: Serve, digits_run: Run, tmp_path: Path
) -> None:
    folder = digits_run.model.save(tmp_path / "model")
    server = serve(folder)
    weights = (folder / "model.safetensors").read_bytes()
    first = requests.get(f"{server.url}/v1/model", timeout=30).json()["weights_sha256"]
    (folder / "model.safetensors").write_bytes(weights[:-9])  # damaged while it is served
    server.popen.send_signal(signal.SIGHUP)
    server.wait_for('"result":"refused"')
    assert predict(server.url).status_code == 200
    other = train("digits", runs=tmp_path, max_epochs=1, hidden_size=8, report=False).model
    other.save(folder)
    server.popen.send_signal(signal.SIGHUP)
    server.wait_for('"result":"ok"')
    second = requests.get(f"{server.url}/v1/model", timeout=30).json()
    assert second["hidden_size"] == 8
    assert second["weights_sha256"] != first
    assert predict(server.url).status_code == 200


@pytest.mark.slow
def test_what_is_there_to_stay_is_kept_from_the_collector_and_former_models_go(digits_run: Run) -> None:
    """Otherwise every few thousand requests wait for a fifth of a second."""
    frozen = gc.get_freeze_count()
    try:
        settle_memory()
        assert gc.get_freeze_count() > 100_000
        former = load(digits_run.folder.path)
        loop: list[Any] = [former]
        loop.append(loop)
        gone = weakref.ref(former.network)
        settle_memory()
        del former, loop
        assert gone() is not None  # frozen in a circle
        settle_memory()
        assert gone() is None
    finally:
        gc.unfreeze()
        if frozen:
            gc.freeze()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_end_finishes_what_was_accepted(serve: Serve, bits_run: Run, number: int, code: int) -> None:
    server = serve(bits_run.folder.path, "--max-steps", 100_000)
    body = json.dumps({"sequences": [[[1]] * 20_000]}).encode()
    with wire(server, f"Content-Length: {len(body)}\r\nConnection: close") as raw:
        raw.sendall(body[:-1])
        requests.get(f"{server.url}/healthz", timeout=30)  # by now the other has been accepted
        raw.sendall(body[-1:])
        server.wait_for("/healthz")
        server.popen.send_signal(number)
        answer = received(raw)
    assert " 200 " in answer.splitlines()[0]
    assert '"label"' in answer
    assert server.popen.wait(60) == code
    assert '"event":"stopped"' in server.log
    assert "Traceback" not in server.log


@pytest.mark.slow
def test_a_server_that_others_can_reach_warns_where_there_is_no_token(
    digits_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unrolled.serving.server._run", lambda *arguments: 0)
    paths = {"digits": digits_run.folder.path}
    everywhere = "0.0.0.0"  # noqa: S104
    for host, token, warned in ((everywhere, None, True), (everywhere, "x", False), ("127.0.0.1", None, False)):
        lines: list[str] = []
        serve_models(paths, host=host, port=0, token=token, say=lines.append)
        assert any(line.startswith("warning") for line in lines) is warned


def test_a_token_comes_from_the_environment_or_a_file(serve: Serve, digits_run: Run, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame\n")
    server = serve(digits_run.folder.path, "--token-file", tmp_path / "token")
    assert predict(server.url).status_code == 401
    assert predict(server.url, headers={"authorization": "Bearer sesame"}).status_code == 200
    assert "sesame" not in server.log
