"""The compiled kernel among threads and processes, and inside what PyTorch does with a network."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.nn.functional import cross_entropy

from compiled_cases import NAMES, Case, compute, differentiate, draw, draw_cell
from unrolled.config import ModelConfig
from unrolled.network.network import Network

LENGTHS = torch.tensor([5, 2, 4, 5, 1, 3, 5, 2, 4])


def make_network(**config: object) -> Network:
    return Network(ModelConfig.model_validate({"hidden_size": 17, **config}), 3, 4, seed=1)


def gradients(network: Network) -> list[torch.Tensor]:
    inputs = torch.rand(9, 5, 3, generator=torch.Generator().manual_seed(0))
    network.zero_grad()
    cross_entropy(network(inputs, LENGTHS), LENGTHS % 4).backward()
    return [weight.grad for weight in network.parameters() if weight.grad is not None]


@pytest.mark.parametrize("name", NAMES)
def test_several_threads_may_compute_at_once(name) -> None:
    case = Case(batch=40, steps=6, units=33, with_initial=True)
    cell = draw_cell(name, case.inputs, case.units)

    def once(_: int) -> dict[str, torch.Tensor]:
        drawn = draw(case, cell).leaves(torch.float32)
        return differentiate(case, cell, drawn, compute(case, cell, drawn))

    expected = once(0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(once, range(12)):
            assert all(torch.equal(value, found[key]) for key, value in expected.items())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_computes_on() -> None:
    case = Case(batch=40, units=33)
    cell = draw_cell("lstm", case.inputs, case.units)

    def once() -> dict[str, torch.Tensor]:
        drawn = draw(case, cell).leaves(torch.float32)
        return differentiate(case, cell, drawn, compute(case, cell, drawn))

    expected = once()  # helpers are running by now, and a child has none of them
    child = os.fork()
    if child == 0:  # no test's machinery may run in here
        signal.alarm(60)
        found = once()
        os._exit(0 if all(torch.equal(value, found[key]) for key, value in expected.items()) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_copied_network_learns_on_its_own(name) -> None:
    network = make_network(cell=name, num_layers=2, bidirectional=True)
    expected = gradients(network)
    twin = copy.deepcopy(network)
    assert all(map(torch.equal, gradients(twin), expected))
    with torch.no_grad():
        for weight in twin.parameters():
            weight.mul_(0.5)
        network.eval(), twin.eval()
        inputs = torch.rand(9, 5, 3)
        assert not torch.equal(network(inputs, LENGTHS), twin(inputs, LENGTHS))
    assert all(map(torch.equal, gradients(network.train()), expected))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_recomputed_gates_do_not_change_a_networks_gradients(name, pooling) -> None:
    options = {"cell": name, "num_layers": 2, "bidirectional": True, "pooling": pooling}
    plain, again = make_network(**options), make_network(**options, recompute_gates=True)
    assert all(map(torch.equal, gradients(plain), gradients(again)))


def test_other_kernels_take_no_notice_of_recomputed_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    for kernel in ("torch", "reference"):
        monkeypatch.setenv("UNROLLED_KERNEL", kernel)
        assert all(map(torch.equal, gradients(make_network()), gradients(make_network(recompute_gates=True))))


def test_a_network_in_float64_passes_gradcheck() -> None:
    network = make_network(hidden_size=3, bidirectional=True, pooling="mean").double()
    inputs = torch.rand(3, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: network(x, torch.tensor([4, 1, 2])), inputs)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None and shutil.which("g++") is None, reason="there is no compiler")
@pytest.mark.filterwarnings("ignore")  # what torch.compile has to say is PyTorch's
def test_torch_compile_breaks_its_graph_around_the_kernel() -> None:
    network = make_network()
    expected = gradients(network)
    compiled = torch.compile(network, backend="aot_eager")
    inputs = torch.rand(9, 5, 3, generator=torch.Generator().manual_seed(0))
    network.zero_grad()
    cross_entropy(compiled(inputs, LENGTHS), LENGTHS % 4).backward()
    for weight, known in zip(network.parameters(), expected, strict=True):
        assert weight.grad is not None
        torch.testing.assert_close(weight.grad, known)


def test_the_kernel_does_not_import_what_only_torch_compile_needs() -> None:
    code = "import sys, unrolled.nn.compiled.unrolling; assert 'torch._dynamo' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
