"""The compiled kernel is its cells' equations, forward and backward, whatever the sizes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from closeness import closeness
from compiled_cases import NAMES, Case, compute, compute_by_steps, differentiate, draw, draw_cell
from unrolled.errors import LengthError, MismatchError
from unrolled.nn.cells.gru import GRU
from unrolled.nn.compiled.unrolling import carry
from unrolled.nn.kernels import choose_kernel

each_cell = pytest.mark.parametrize("name", NAMES)
CASES = st.builds(
    Case,
    batch=st.integers(1, 9) | st.sampled_from([33, 70]),
    steps=st.integers(1, 6) | st.just(13),
    inputs=st.integers(1, 9) | st.sampled_from([16, 17, 70]),
    units=st.integers(1, 40) | st.sampled_from([63, 64, 65, 130]),
    reverse=st.booleans(),
    reads=st.sampled_from(["outputs", "last", "mean"]),
    with_initial=st.booleans(),
    with_mask=st.booleans(),
    recompute=st.booleans(),
    seed=st.integers(0, 1000),
)
BUSY = Case(batch=35, steps=7, inputs=19, units=37, reverse=True, with_initial=True, with_mask=True)


def assert_near(found: dict[str, Tensor], expected: dict[str, Tensor], case: Case) -> None:
    """Gradients of weights are sums over all steps of all sequences; the others come back over the steps."""
    assert found.keys() == expected.keys()
    largest = max(1.0, *(float(value.detach().abs().max()) for value in expected.values()))
    near = closeness(torch.float32, case.inputs + case.units + case.batch, steps=2 * case.steps, magnitude=largest)
    for name, value in found.items():
        torch.testing.assert_close(
            value.double(), expected[name].double(), **near, msg=lambda text, at=name: f"{at}: {text}"
        )


def both_ways(case: Case, name: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """By the compiled library, and by the equations in float64."""
    cell = draw_cell(name, case.inputs, case.units, case.seed)
    exact = draw_cell(name, case.inputs, case.units, case.seed).double()
    drawn = draw(case, cell)
    ours, theirs = drawn.leaves(torch.float32), drawn.leaves(torch.float64)
    return (
        differentiate(case, cell, ours, compute(case, cell, ours)),
        differentiate(case, exact, theirs, compute_by_steps(case, exact, theirs)),
    )


@each_cell
@settings(derandomize=True, deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(case=CASES)
def test_it_equals_the_equations_in_float64_with_all_gradients(name, case) -> None:
    assert_near(*both_ways(case, name), case)


@each_cell
def test_every_level_of_the_processor_equals_the_equations(name, level) -> None:
    assert_near(*both_ways(BUSY, name), BUSY)


@each_cell
@settings(derandomize=True, deadline=None, max_examples=10)
@given(case=CASES)
def test_without_gradients_the_same_bits_come_out(name, case) -> None:
    cell = draw_cell(name, case.inputs, case.units)
    drawn = draw(case, cell)
    with_gradients = compute(case, cell, drawn.leaves(torch.float32))
    with torch.no_grad():
        without = compute(case, cell, drawn)
    with torch.inference_mode():
        inferred = compute(case, cell, drawn)
    for other in (without, inferred):
        assert torch.equal(with_gradients.read, other.read)
        assert all(map(torch.equal, with_gradients.state, other.state))


@each_cell
def test_gates_computed_again_give_the_same_bits(name) -> None:
    results = []
    for recompute in (False, True):
        case = Case(batch=35, steps=40, units=37, recompute=recompute, with_initial=True, with_mask=True)
        cell = draw_cell(name, case.inputs, case.units)
        drawn = draw(case, cell).leaves(torch.float32)
        results.append(differentiate(case, cell, drawn, compute(case, cell, drawn)))
    assert all(torch.equal(value, results[1][key]) for key, value in results[0].items())


PYTORCHS: dict[str, Any] = {
    "rnn": nn.RNN,
    "rnn-relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}


@pytest.mark.parametrize("name", list(PYTORCHS))
@pytest.mark.parametrize("units", [5, 64, 90])
def test_it_equals_pytorchs_layer_on_packed_sequences_with_gradients(name, units) -> None:
    case = Case(batch=12, steps=9, inputs=7, units=units)
    cell = draw_cell(name, case.inputs, units)
    drawn = draw(case, cell)
    module = PYTORCHS[name](case.inputs, units, batch_first=True)
    second = torch.zeros_like(cell.b)
    if isinstance(cell, GRU):
        second[2 * units :] = cell.b_u.detach()
    with torch.no_grad():
        for weight, value in zip(module.parameters(), (cell.W, cell.U, cell.b, second), strict=True):
            weight.copy_(value)
    x, their_x = drawn.inputs.clone().requires_grad_(), drawn.inputs.clone().requires_grad_()
    read = carry(cell, x, drawn.lengths).read
    packed = pack_padded_sequence(their_x, drawn.lengths, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(module(packed)[0], batch_first=True, total_length=case.steps)
    read.sin().sum().backward()
    expected.sin().sum().backward()
    ours = {"read": read, "x": x.grad, "W": cell.W.grad, "U": cell.U.grad, "b": cell.b.grad}
    theirs = [expected, their_x.grad, *(weight.grad for weight in list(module.parameters())[:3])]
    assert_near(ours, dict(zip(ours, theirs, strict=True)), case)


@each_cell
def test_what_stands_behind_the_end_does_not_matter(name) -> None:
    cell = draw_cell(name, BUSY.inputs, BUSY.units)
    drawn = draw(BUSY, cell)
    spoilt = draw(BUSY, cell)
    for row, length in enumerate(drawn.lengths):
        spoilt.inputs[row, length:] = torch.nan
    clean, other = drawn.leaves(torch.float32), spoilt.leaves(torch.float32)
    expected = differentiate(BUSY, cell, clean, compute(BUSY, cell, clean))
    found = differentiate(BUSY, cell, other, compute(BUSY, cell, other))
    assert all(torch.equal(value, found[key]) for key, value in expected.items())
    for row, length in enumerate(drawn.lengths):
        assert not found["read"][row, length:].any()
        assert not found["d x"][row, length:].any()


@each_cell
def test_neighbours_do_not_matter(name) -> None:
    cell = draw_cell(name, BUSY.inputs, BUSY.units)
    drawn = draw(BUSY, cell)
    with torch.no_grad():
        together = carry(cell, drawn.inputs, drawn.lengths, reads="last", reverse=True)
        for row in (0, 7, 34):
            alone = carry(cell, drawn.inputs[row : row + 1], drawn.lengths[row : row + 1], reads="last", reverse=True)
            torch.testing.assert_close(
                alone.read[0],
                together.read[row],
                **closeness(torch.float32, BUSY.inputs + BUSY.units, steps=BUSY.steps),
            )


@each_cell
def test_the_same_call_gives_the_same_bits_on_any_number_of_threads(name) -> None:
    cell = draw_cell(name, BUSY.inputs, BUSY.units)
    case = Case(batch=130, steps=6, inputs=19, units=37, with_initial=True)
    found, former = [], torch.get_num_threads()
    try:
        for threads in (1, 2, 4, 1):
            torch.set_num_threads(threads)
            drawn = draw(case, cell).leaves(torch.float32)
            found.append(differentiate(case, cell, drawn, compute(case, cell, drawn)))
    finally:
        torch.set_num_threads(former)
    for other in found[1:]:
        assert all(torch.equal(value, other[key]) for key, value in found[0].items())


@each_cell
@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_can_be_asked_for_twice(name, recompute) -> None:
    case = Case(batch=9, steps=30, recompute=recompute, reads="last")
    cell = draw_cell(name, case.inputs, case.units)
    drawn = draw(case, cell).leaves(torch.float32)
    carried = compute(case, cell, drawn)
    first = differentiate(case, cell, drawn, carried)
    differentiate(case, cell, drawn, carried, seed=2)
    alone = torch.autograd.grad(carried.state[0].sum(), cell.U, retain_graph=True)[0]
    assert alone.isfinite().all()
    again = differentiate(case, cell, drawn, carried)
    assert all(torch.equal(value, again[key]) for key, value in first.items())


@each_cell
@pytest.mark.parametrize(
    "spread",
    [
        pytest.param(lambda x: x.transpose(0, 1).contiguous().transpose(0, 1), id="time-first"),
        pytest.param(lambda x: x.transpose(1, 2).contiguous().transpose(1, 2), id="channels-first"),
        pytest.param(lambda x: torch.cat([x, x], 2)[:, :, x.shape[2] :], id="half"),
        pytest.param(lambda x: torch.cat([x.new_zeros(1), x.flatten()])[1:].view_as(x), id="odd-alignment"),
        pytest.param(lambda x: torch.stack([x, x], 3).flatten(2)[:, :, ::2], id="every-other"),
    ],
)
def test_inputs_may_lie_anywhere(name, spread) -> None:
    cell = draw_cell(name, 3, 17)
    drawn = draw(Case(), cell)
    values = spread(drawn.inputs)
    assert torch.equal(values, drawn.inputs)
    expected, found = drawn.inputs.clone().requires_grad_(), values.detach().requires_grad_()
    ours, theirs = (carry(cell, x, drawn.lengths).read for x in (found, expected))
    assert torch.equal(ours, theirs)
    weights = torch.stack([torch.rand_like(ours), torch.zeros_like(ours)], 3)
    for read in (ours, theirs):  # a gradient that is not contiguous either
        (torch.stack([read, read], 3) * weights).sum().backward()
    assert torch.equal(found.grad, expected.grad)


def test_one_bad_sequence_spoils_itself_alone() -> None:
    for name in NAMES:
        cell = draw_cell(name, 3, 17)
        drawn = draw(Case(batch=20), cell)
        spoilt = drawn.inputs.clone()
        spoilt[4, 0, 1] = torch.nan
        with torch.no_grad():
            clean, found = (carry(cell, x, drawn.lengths, reads="last").read for x in (drawn.inputs, spoilt))
        assert found[4].isnan().all(), name
        others = [row for row in range(20) if row != 4]
        assert torch.equal(found[others], clean[others])


@each_cell
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_very_large_inputs_saturate(name, size) -> None:
    case = Case(inputs=1)
    cell = draw_cell(name, 1, case.units)
    drawn = draw(case, cell)
    exact = draw_cell(name, 1, case.units).double()
    with torch.no_grad():
        found = carry(cell, size * drawn.inputs, drawn.lengths, reads="last").read
        expected = compute_by_steps(
            Case(inputs=1, reads="last"), exact, type(drawn)(size * drawn.inputs.double(), drawn.lengths, None, None)
        ).read
    assert found.isfinite().all()
    torch.testing.assert_close(found.double(), expected, **closeness(torch.float32, 1 + case.units, steps=case.steps))


@each_cell
def test_denormal_numbers_count_as_zero_and_only_meanwhile(name) -> None:
    tiny = torch.tensor([1e-40])
    cell = draw_cell(name, 3, 17)
    drawn = draw(Case(), cell)
    with torch.no_grad():
        nothing = carry(cell, torch.zeros_like(drawn.inputs), drawn.lengths).read
        almost = carry(cell, torch.full_like(drawn.inputs, 1e-40), drawn.lengths).read
    assert torch.equal(nothing, almost)
    assert (tiny * 1.0).item() == tiny.item() > 0, "the processor still flushes denormal numbers"


def test_shapes_that_the_library_would_read_past_are_refused() -> None:
    cell, lengths = draw_cell("lstm", 3, 4), torch.tensor([2, 1])
    x, h = torch.zeros(2, 2, 3), torch.zeros(2, 4)
    for inputs in (torch.zeros(2, 3), torch.zeros(2, 2, 4), torch.zeros(0, 2, 3)):
        with pytest.raises(MismatchError, match=r"inputs have the shape .*expected \[B, T, 3\]"):
            carry(cell, inputs, lengths)
    with pytest.raises(MismatchError, match=r"h has the shape \[2, 3\]; expected \[2, 4\]"):
        carry(cell, x, lengths, (h[:, :3], h))
    with pytest.raises(MismatchError, match="1 parts of a state; expected h, c"):
        carry(cell, x, lengths, (h,))
    with pytest.raises(MismatchError, match="mask has the shape"):
        carry(cell, x, lengths, mask=h[:1])
    with pytest.raises(MismatchError, match=r"float64 on cpu; expected torch\.float32 on the CPU"):
        carry(cell, x.double(), lengths)
    with pytest.raises(MismatchError, match=r"lengths have the shape \[1\]; expected \[2\]"):
        carry(cell, x, lengths[:1])
    for wrong in ([0, 1], [3, 1]):
        with pytest.raises(LengthError, match="sequence 0 has the length"):
            carry(cell, x, torch.tensor(wrong))
    with pytest.raises(LengthError):
        carry(cell, torch.zeros(2, 0, 3), torch.tensor([0, 0]))


@each_cell
def test_the_kernel_runs_on_where_it_stopped(name) -> None:
    cell = draw_cell(name, 3, 17)
    x = draw(Case(), cell).inputs
    run = choose_kernel(cell, requested="compiled").run
    with torch.no_grad():
        outputs, state = run(cell, x, None, None)
        first, middle = run(cell, x[:, :2], None, None)
        second, last = run(cell, x[:, 2:], middle, None)
    near = closeness(torch.float32, 20, steps=x.shape[1])
    torch.testing.assert_close(torch.cat([first, second], 1), outputs, **near)
    for ours, theirs in zip(last, state, strict=True):
        torch.testing.assert_close(ours, theirs, **near)
