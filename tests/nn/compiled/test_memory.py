"""What the compiled kernel keeps between calls, and what it must not."""

from __future__ import annotations

import copy
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from compiled_cases import NAMES, Case, compute, differentiate, draw, draw_cell
from unrolled.nn.compiled import workspace
from unrolled.nn.compiled.unrolling import carry

each_cell = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """Nothing is freed but what nobody holds any more."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("reads", ["outputs", "last", "mean"])
def test_a_step_of_training_holds_on_to_nothing(reads) -> None:
    case = Case(reads=reads, with_initial=True)
    cell = draw_cell("lstm", case.inputs, case.units)
    drawn = draw(case, cell).leaves(torch.float32)
    carried = compute(case, cell, drawn)
    alive = [weakref.ref(value) for value in (carried.read, *carried.state)]
    differentiate(case, cell, drawn, carried)
    del carried
    assert [value() for value in alive] == [None] * 3


@pytest.mark.usefixtures("_no_collector")
def test_the_workspace_is_used_again(monkeypatch) -> None:
    monkeypatch.setattr(workspace, "_free", [])
    workspace._dropped.clear()
    cell = draw_cell("lstm", 3, 17)
    inputs, lengths = torch.rand(9, 5, 3), torch.full((9,), 5)
    used = []
    for _ in range(3):
        carry(cell, inputs, lengths, reads="last").read.sum().backward()
        used.append({buffer.data_ptr() for buffer in (*workspace._free, *workspace._dropped)})
    assert used[0]
    assert used[0] == used[1] == used[2]


@each_cell
def test_lengths_may_be_overwritten_before_the_gradients_are_asked_for(name) -> None:
    case = Case()
    cell = draw_cell(name, case.inputs, case.units)
    found = []
    for overwritten in (False, True):
        drawn = draw(case, cell).leaves(torch.float32)
        carried = compute(case, cell, drawn)
        if overwritten:
            drawn.lengths.fill_(10**6)
        found.append(differentiate(case, cell, drawn, carried))
    assert all(torch.equal(value, found[1][key]) for key, value in found[0].items())


@each_cell
def test_changed_weights_are_noticed_in_prediction(name) -> None:
    cell = draw_cell(name, 3, 17)
    inputs, lengths = torch.rand(9, 5, 3), torch.full((9,), 5)

    def read() -> torch.Tensor:
        with torch.no_grad():
            return carry(cell, inputs, lengths, reads="last").read

    former = read()
    for weight in cell.parameters():
        with torch.no_grad():
            weight.view(-1)[-1] += 0.5
        changed = read()
        assert not torch.equal(changed, former)
        fresh = copy.deepcopy(cell)  # nothing is packed for it yet
        with torch.no_grad():
            assert torch.equal(carry(fresh, inputs, lengths, reads="last").read, changed)
        former = changed


def test_a_fused_optimizers_step_is_noticed_in_prediction() -> None:
    cell = draw_cell("gru", 3, 17)
    inputs, lengths = torch.rand(9, 5, 3), torch.full((9,), 5)
    optimizer = torch.optim.Adam(cell.parameters(), 0.1, fused=True)
    with torch.no_grad():
        before = carry(cell, inputs, lengths).read
    carry(cell, inputs, lengths).read.sum().backward()
    optimizer.step()
    with torch.no_grad():
        after = carry(cell, inputs, lengths).read
    assert not torch.equal(before, after)
    assert torch.equal(after, carry(cell, inputs, lengths).read)


@each_cell
@pytest.mark.parametrize("default", [torch.float64, torch.float16])
def test_the_default_type_of_new_tensors_changes_nothing(name, default) -> None:
    case, cell = Case(), draw_cell(name, 3, 17)
    found = []
    for dtype in (torch.float32, default):
        drawn = draw(case, cell).leaves(torch.float32)
        torch.set_default_dtype(dtype)
        try:
            read = compute(case, cell, drawn).read
            gradients = torch.autograd.grad(read.square().sum(), [drawn.inputs, *cell.parameters()])
            with torch.no_grad():
                predicted = compute(case, copy.deepcopy(cell), drawn).read
        finally:
            torch.set_default_dtype(torch.float32)
        found.append([read, predicted, *gradients])
    for ours, theirs in zip(*found, strict=True):
        assert ours.dtype == theirs.dtype == torch.float32
        assert ours.equal(theirs)


def test_a_lease_may_be_dropped_while_another_is_taken() -> None:
    """As a garbage collection in the middle of it does, in the same thread."""

    def drop() -> None:
        lease = workspace.Lease(8)
        with workspace._lock:
            del lease

    thread = threading.Thread(target=drop, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_collection_at_any_moment_drops_leases_and_no_taken_buffer_is_too_small() -> None:
    former = gc.get_threshold()
    try:
        for round_ in range(300):
            gc.set_threshold(1 + round_ % 7)
            for size in (64, 8, 32, 16):
                cycle: list[Any] = [workspace.Lease(size)]  # only the collector frees it
                cycle.append(cycle)
                del cycle
                taken = workspace.Lease(size)
                assert len(taken.buffer) >= size
    finally:
        gc.set_threshold(*former)
