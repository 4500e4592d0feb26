"""Threads: as many as asked for, given back, and the same bits from any number of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from unrolled import SequenceClassifier
from unrolled.config import ModelConfig
from unrolled.network.network import Network
from unrolled.runtime.threads import current_threads, one_blas_thread, using_threads

Weights = dict[str, np.ndarray[Any, Any]]


def drawn(_number: int = 0) -> Weights:
    """A network's random start: as large as LAPACK needs to share out its work."""
    config = ModelConfig(hidden_size=160, num_layers=2, initializer="orthogonal")
    return {name: value.numpy() for name, value in Network(config, 3, 2, seed=0).state_dict().items()}


def fitted(_number: int = 0, **settings: Any) -> Weights:
    """A fitted classifier's weights."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = [rng.normal(label, 1, (rng.integers(20, 40), 2)) for label in y]
    classifier = SequenceClassifier(hidden_size=64, max_steps=3, random_state=0, **settings).fit(X, y)
    return {name: value.numpy() for name, value in classifier.model_.network.state_dict().items()}


def trained(number: int = 0) -> Weights:
    return fitted(number, method="trained")


def same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.fixture(params=["sleeping", "spinning"])
def openmp(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What idle threads of OpenMP do by the environment."""
    if request.param == "spinning":
        monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    else:
        monkeypatch.setenv("GOMP_SPINCOUNT", "0")
    return str(request.param)


def test_the_threads_are_those_asked_for_and_then_the_former_ones(openmp: str) -> None:
    before = torch.get_num_threads()
    found = []

    def look() -> None:
        here = torch.get_num_threads()
        with using_threads(3):
            found.append(current_threads())
            with using_threads(None):
                found.append(current_threads())
            with using_threads(2):
                found.append(current_threads())
            found.append(torch.get_num_threads())
        assert torch.get_num_threads() == here
        assert current_threads() == here

    look()
    other = threading.Thread(target=look)
    other.start()
    other.join()
    shared = 1 if openmp == "spinning" else 3
    assert found == [3, 3, 2, shared] * 2
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("work", [drawn, fitted, trained])
@pytest.mark.usefixtures("openmp")
def test_any_number_of_threads_gives_the_same_bits(work: Callable[[], Weights]) -> None:
    former = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            with threadpool_limits(threads, user_api="blas"):
                found.append(work())
    finally:
        torch.set_num_threads(former)
    assert same(found[0], found[1])
    assert same(found[0], found[2])


@pytest.mark.slow
def test_threads_of_a_program_get_the_same_bits() -> None:
    alone = [drawn(), fitted()]
    with ThreadPoolExecutor(3) as pool:
        assert all(same(one, alone[0]) for one in pool.map(drawn, range(6)))
        assert all(same(one, alone[1]) for one in pool.map(fitted, range(3)))


@pytest.mark.slow
def test_worker_processes_give_the_same_bits() -> None:
    several = joblib.Parallel(n_jobs=2)(joblib.delayed(work)(number) for work in (drawn, fitted) for number in range(2))
    for number, one in enumerate(several):
        assert same(one, (drawn, fitted)[number // 2]())


def test_an_orthogonal_start_is_that_of_pytorch() -> None:
    network = Network(ModelConfig(hidden_size=24, initializer="orthogonal"), 3, 2, seed=7)
    generator = torch.Generator().manual_seed(7)
    for block in network.cell.U.detach().chunk(4):
        expected = torch.nn.init.orthogonal_(torch.empty(24, 24), generator=generator)
        torch.testing.assert_close(block, expected, rtol=0, atol=1e-5)  # float32, of a random matrix


def test_blas_computes_on_one_thread() -> None:
    def counts() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread():
            with one_blas_thread():  # the thread that has it may take it again
                assert counts() == {1}
            assert counts() == {1}
        assert counts() == {2}
