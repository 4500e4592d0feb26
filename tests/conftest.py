"""What all tests share: quiet threads, real data where they are, a small trained run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path
from types import CodeType, FunctionType

os.environ.setdefault("GOMP_SPINCOUNT", "0")  # before torch is imported: idle threads sleep, see docs/speed.md

import pytest
from hypothesis import settings

from random_networks import make_cell, make_network, uniform  # noqa: F401  # fixtures
from unrolled.runs.run import Run, train

settings.register_profile("unrolled", deadline=None)  # no test depends on speed
settings.load_profile("unrolled")

SLOW_FIXTURES = {"browser", "serve", "process", "node_folder"}
"""A browser, a server or a command in a process of its own, what npm installs."""


MANY = 12
"""Combinations of a test's parameters from which on the fast tier runs every pair of values instead."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow what starts something, and combinations beyond every pair of values.

    What needs real files is skipped, saying so, where there are none.
    """
    skip = pytest.mark.skip(reason="UNROLLED_DATA names no folder with the real files")
    for item in items:
        if isinstance(item, pytest.Function) and (
            SLOW_FIXTURES & set(item.fixturenames) or _starts_a_process(item.function)
        ):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("data") and not os.environ.get("UNROLLED_DATA"):
            item.add_marker(skip)  # not by `item.keywords`, which holds the names of folders, too

    for combined in _combinations(items):
        for item in _beyond_every_pair(combined):
            item.add_marker(pytest.mark.slow)


def _combinations(items: Iterable[pytest.Item]) -> Iterator[list[pytest.Function]]:
    """The many combinations of a test of three parameters or more, without those that are slow anyway."""
    tests = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and len(_values(item)) > 2 and not item.get_closest_marker("slow"):
            tests[item.nodeid.partition("[")[0]].append(item)
    return (combined for combined in tests.values() if len(combined) > MANY)


def _beyond_every_pair(combined: list[pytest.Function]) -> list[pytest.Function]:
    """The combinations that hold no new pair of two parameters' values, after those with the most of them.

    Most faults that need a combination need one of two values (Kuhn, Wallace and Gallo, 2004).
    """
    pairs = {item: set(combinations(_values(item), 2)) for item in combined}
    left = list(combined)
    while left and pairs[best := max(left, key=lambda item: len(pairs[item]))]:
        left.remove(best)
        covered = pairs[best].copy()
        for item in left:
            pairs[item] -= covered
    return left


def _values(item: pytest.Function) -> list[tuple[str, str]]:
    """Each parameter of a test with its value in words."""
    return [(name, repr(value)) for name, value in item.callspec.params.items()] if hasattr(item, "callspec") else []


def _starts_a_process(test: Callable[..., object]) -> bool:
    """Whether a test, or a function of its module that it calls, speaks of `subprocess`."""
    names = set(_names(test.__code__))
    called = [test.__globals__.get(name) for name in names]
    return "subprocess" in names.union(*(_names(one.__code__) for one in called if isinstance(one, FunctionType)))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:  # comprehensions, lambdas, functions in it
        if isinstance(inner, CodeType):
            yield from _names(inner)


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel that a user gets, whatever the environment says."""
    monkeypatch.delenv("UNROLLED_KERNEL", raising=False)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run on the digits, shared: tests only read its folder."""
    return train("digits", runs=tmp_path_factory.mktemp("runs"), max_epochs=4, hidden_size=16)


@pytest.fixture(scope="session")
def bits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run on strings of 6 bits, read forward, shared in the same way."""
    return train(
        "count-ones", runs=tmp_path_factory.mktemp("runs"), length=6, train_size=40, max_epochs=3, hidden_size=4
    )


ONNXRUNTIME_WEB = "onnxruntime-web@1.30.0"


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with onnxruntime-web, installed by npm, and with the example that uses it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no node, or no npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", ONNXRUNTIME_WEB]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install onnxruntime-web: {done.stderr.strip()[-200:]}")
    for path in ("examples/onnx_predict.mjs", "src/unrolled/serving/static/classify.mjs"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).parents[1] / path, folder / path)
    return folder


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
