"""A cell over time, and the places where sequences of different lengths begin and end."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closeness import closeness
from unrolled.errors import LengthError
from unrolled.nn.cells import CELLS
from unrolled.nn.unroll import check_lengths, gather_last, reverse_sequences, unroll, valid_steps

every_cell = pytest.mark.parametrize("name", list(CELLS))
small = st.integers(1, 5)
some = settings(derandomize=True, deadline=None, max_examples=25)
exactly = closeness(torch.float64, 10, steps=8)


@every_cell
@some
@given(batch=small, steps=small, inputs=small, hidden=small, seed=st.integers(0, 99), given_state=st.booleans())
def test_unroll_equals_a_plain_loop(name, make_cell, uniform, batch, steps, inputs, hidden, seed, given_state) -> None:
    cell, x = make_cell(name, inputs, hidden, seed), uniform(batch, steps, inputs, seed=seed + 1)
    state = cell.initial_state(x, batch)
    if given_state:
        state = tuple(uniform(batch, hidden, seed=seed + 2 + part) for part in range(len(state)))
    outputs, last = unroll(cell, x, state if given_state else None)
    assert outputs.shape == (batch, steps, hidden)
    for step in range(steps):
        state = cell.step(cell.project(x[:, step]), state)
        torch.testing.assert_close(outputs[:, step], state[0], **exactly)
    assert len(last) == len(state)
    for found, expected in zip(last, state, strict=True):
        torch.testing.assert_close(found, expected, **exactly)


@every_cell
def test_unroll_goes_on_from_a_given_state(name, make_cell, uniform) -> None:
    cell, x = make_cell(name, 2, 3), uniform(2, 7, 2)
    whole, end = unroll(cell, x)
    first, middle = unroll(cell, x[:, :3])
    second, last = unroll(cell, x[:, 3:], middle)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, **exactly)
    for found, expected in zip(last, end, strict=True):
        torch.testing.assert_close(found, expected, **exactly)


@every_cell
def test_no_output_depends_on_a_later_step(name, make_cell, uniform) -> None:
    cell, x = make_cell(name, 2, 3), uniform(2, 6, 2).requires_grad_()
    outputs, _ = unroll(cell, x)
    for step in range(6):
        (gradient,) = torch.autograd.grad(outputs[:, step].sum(), x, retain_graph=True)
        assert not gradient[:, step + 1 :].any()
        assert gradient[:, step].any() or name == "rnn-relu"  # a rectifier may be shut


@every_cell
def test_a_mask_of_ones_changes_nothing(name, make_cell, uniform) -> None:
    cell, x = make_cell(name, 2, 3), uniform(2, 6, 2)
    torch.testing.assert_close(unroll(cell, x, None, torch.ones(2, 3, dtype=x.dtype)), unroll(cell, x), rtol=0, atol=0)


@every_cell
def test_a_mask_of_zeros_cuts_the_state_off_the_products(name, make_cell, uniform) -> None:
    """What is left is the cell with U = 0; the state is still carried on."""
    cell, x = make_cell(name, 2, 3), uniform(2, 6, 2)
    masked, _ = unroll(cell, x, None, torch.zeros(2, 3, dtype=x.dtype))
    with torch.no_grad():
        cell.U.zero_()
    torch.testing.assert_close(masked, unroll(cell, x)[0], **exactly)


ragged = st.lists(small, min_size=1, max_size=5).flatmap(
    lambda lengths: st.tuples(st.just(lengths), st.integers(0, 3), small)
)


@some
@given(ragged)
def test_reversing_equals_python_slices(uniform, case) -> None:
    lengths, padding, width = case
    values = uniform(len(lengths), max(lengths) + padding, width)
    found = reverse_sequences(values, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        assert found[row, :length].tolist() == values[row, :length].tolist()[::-1]
        assert found[row, length:].equal(values[row, length:])


@some
@given(ragged)
def test_reversing_twice_is_the_identity(uniform, case) -> None:
    lengths, padding, width = case
    values = uniform(len(lengths), max(lengths) + padding, width)
    sizes = torch.tensor(lengths)
    assert reverse_sequences(reverse_sequences(values, sizes), sizes).equal(values)


@some
@given(ragged)
def test_the_last_output_is_each_sequences_own(uniform, case) -> None:
    lengths, padding, width = case
    values = uniform(len(lengths), max(lengths) + padding, width)
    found = gather_last(values, torch.tensor(lengths))
    assert found.shape == (len(lengths), width)
    for row, length in enumerate(lengths):
        assert found[row].tolist() == values[row].tolist()[length - 1]


@some
@given(ragged)
def test_the_valid_steps_are_the_first(case) -> None:
    lengths, padding, _ = case
    steps = max(lengths) + padding
    found = valid_steps(torch.tensor(lengths), steps)
    assert found.tolist() == [[True] * length + [False] * (steps - length) for length in lengths]


def test_gradients_of_the_last_output_stay_off_the_padding(uniform) -> None:
    values = uniform(2, 4, 3).requires_grad_()
    gather_last(values, torch.tensor([2, 4])).sum().backward()
    assert values.grad is not None
    assert values.grad.sum(2).tolist() == [[0, 3, 0, 0], [0, 0, 0, 3]]


@pytest.mark.parametrize(("lengths", "index", "found"), [([3, 0, 0], 1, 0), ([5, 1, 6], 2, 6), ([-1], 0, -1)])
def test_lengths_outside_the_steps_are_refused_by_index(lengths: list[int], index: int, found: int) -> None:
    with pytest.raises(LengthError, match=rf"sequence {index} has the length {found}; expected 1 to 5 steps"):
        check_lengths(torch.tensor(lengths), 5)


def test_lengths_within_the_steps_are_accepted() -> None:
    check_lengths(torch.tensor([1, 5, 3]), 5)
