"""A small trained model as an application inside the test's process, and as a server in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from unrolled.config import ModelConfig, Recipe, TrainConfig
from unrolled.data.sequences import from_texts
from unrolled.runs.run import Run, train
from unrolled.serving.app import create_app
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings


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
        Recipe(name="words", model=ModelConfig(), train=TrainConfig()),
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


class Process:
    """`unrolled serve` as a user starts it; a thread takes what it says."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.popen = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.wait_for("serving on http://")
        self.port = int(re.findall(r"serving on http://[\d.]+:(\d+)/", self.log)[0])

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has said, to the last word where it has ended."""
        if self.popen.poll() is not None:
            self._reader.join(60)
        return "".join(self._lines)

    def wait_for(self, text: str) -> None:
        """Returns once it says so."""
        with self._said:
            self._said.wait_for(lambda: text in "".join(self._lines) or self.popen.poll() is not None, 60)
        assert text in self.log, self.log

    def end(self) -> None:
        """Stops it, where it has not ended by itself."""
        self.popen.terminate()
        self.popen.wait(30)
        self._reader.join(30)

    def _read(self) -> None:
        assert self.popen.stderr is not None
        with self.popen.stderr as said:
            for line in said:
                self._note(line)
        self.popen.wait()
        self._note("")

    def _note(self, line: str) -> None:
        with self._said:
            self._lines.append(line)
            self._said.notify_all()


Serve = Callable[..., Process]


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Starts servers; all are stopped at the end."""
    started: list[Process] = []
    program = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "serve", "--port", "0"]

    def start(*words: object, **environment: str) -> Process:
        started.append(Process([*program, *map(str, words)], {**os.environ, **environment}))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture(scope="session")
def server(serve: Serve, digits_run: Run, bits_run: Run) -> Process:
    """One server for the tests that leave it as it was; it must outlive them all."""
    return serve(
        f"digits={digits_run.folder.path}", f"bits={bits_run.folder.path}",
        "--max-body-bytes", 200_000, "--body-timeout-s", 1.5, "--stream-timeout-s", 2, "--queue-size", 16,
        "--max-steps", 5000,
    )  # fmt: skip
