"""A small trained model as an application inside the test's process, and as a server in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from unrolled.config import Recipe
from unrolled.data.coercion import from_texts
from unrolled.runs.run import Run, train
from unrolled.serving.app import create_app
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings


@pytest.fixture(scope="session")
def bits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run on strings of 6 bits."""
    return train(
        "count-ones", runs=tmp_path_factory.mktemp("runs"), length=6, train_size=40, max_epochs=3, hidden_size=4
    )


@pytest.fixture(scope="session")
def words_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network that reads words forward: which of two it saw last."""
    rng = np.random.default_rng(0)
    texts = [rng.choice(["left", "right", "then", "and"], rng.integers(2, 7)).tolist() for _ in range(80)]
    labels = [
        "left" if " ".join(["left", *text]).rfind("left") > " ".join(text).rfind("right") else "right" for text in texts
    ]
    data = replace(from_texts(texts, "words"), labels=None)
    data = replace(data, labels=np.array([label == "right" for label in labels], np.int64), classes=("left", "right"))
    return train(
        Recipe(name="words"),
        data=data,
        runs=tmp_path_factory.mktemp("runs"),
        hidden_size=8,
        max_epochs=30,
        batch_size=8,
    )


@pytest.fixture
def client(digits_run: Run, bits_run: Run) -> Iterator[TestClient]:
    """The application with two models and small limits."""
    settings = ServerSettings(max_sequences=20, max_steps=50, max_body_bytes=100_000, max_values=20_000)
    registry = Registry({"digits": digits_run.folder.path, "bits": bits_run.folder.path})
    with TestClient(create_app(registry, settings)) as client:
        yield client


@dataclass(frozen=True)
class Process:
    """`unrolled serve` as a user starts it."""

    popen: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, text: str) -> None:
        """Returns once its log says so."""
        wait_until(lambda: text in self.log.read_text() or self.popen.poll() is not None)
        assert text in self.log.read_text(), self.log.read_text()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Returns once a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


Serve = Callable[..., Process]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts servers; all are stopped at the end."""
    started: list[Process] = []

    def start(*words: object, **environment: str) -> Process:
        log = tmp_path_factory.mktemp("server") / "log"
        command = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "serve", "--port", "0"]
        with log.open("w") as file:
            popen = subprocess.Popen(
                [*command, *map(str, words)], stderr=file, text=True, env={**os.environ, **environment}
            )
        place: list[int] = []

        def says_where() -> bool:
            found = re.search(r"serving on http://[\d.]+:(\d+)/", log.read_text())
            place.extend([int(found[1])] if found else [])
            assert popen.poll() is None, log.read_text()
            return bool(found)

        wait_until(says_where)
        started.append(Process(popen, place[0], log))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.send_signal(signal.SIGTERM)
            process.popen.wait(30)


@pytest.fixture(scope="session")
def server(serve: Serve, digits_run: Run, bits_run: Run) -> Process:
    """One server for the tests that leave it as it was; it must outlive them all."""
    return serve(
        f"digits={digits_run.folder.path}", f"bits={bits_run.folder.path}",
        "--max-body-bytes", 200_000, "--body-timeout-s", 1.5, "--stream-timeout-s", 2, "--queue-size", 16,
        "--max-steps", 5000,
    )  # fmt: skip
