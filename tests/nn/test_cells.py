"""Each cell is its docstring's equations, written here a second time in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from closeness import closeness
from unrolled.nn.cells import CELLS, Cell
from unrolled.nn.unroll import unroll

Array = np.ndarray[Any, np.dtype[np.float64]]
Gates = dict[str, Array]


class Weights:
    """W, U, b of each gate by letter, and what else a cell has, as NumPy arrays."""

    def __init__(self, cell: Cell, gates: str) -> None:
        everything = {name: value.detach().numpy() for name, value in cell.named_parameters()}
        self.W = dict(zip(gates, np.split(everything.pop("W"), len(gates)), strict=True))
        self.U = dict(zip(gates, np.split(everything.pop("U"), len(gates)), strict=True))
        self.b = dict(zip(gates, np.split(everything.pop("b"), len(gates)), strict=True))
        self.extra = everything


def sigma(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def layer_norm(a: Array, gamma: Array) -> Array:
    centred = a - a.mean(-1, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def rnn(w: Weights, x: Array, h: Array, m: Array) -> tuple[Array, ...]:
    return (np.tanh(x @ w.W["h"].T + (h * m) @ w.U["h"].T + w.b["h"]),)


def rnn_relu(w: Weights, x: Array, h: Array, m: Array) -> tuple[Array, ...]:
    return (np.maximum(0, x @ w.W["h"].T + (h * m) @ w.U["h"].T + w.b["h"]),)


def gru(w: Weights, x: Array, h: Array, m: Array) -> tuple[Array, ...]:
    r = sigma(x @ w.W["r"].T + (h * m) @ w.U["r"].T + w.b["r"])
    z = sigma(x @ w.W["z"].T + (h * m) @ w.U["z"].T + w.b["z"])
    n = np.tanh(x @ w.W["n"].T + w.b["n"] + r * ((h * m) @ w.U["n"].T + w.extra["b_u"]))
    return ((1 - z) * n + z * h,)


def gru_reset_before(w: Weights, x: Array, h: Array, m: Array) -> tuple[Array, ...]:
    r = sigma(x @ w.W["r"].T + (h * m) @ w.U["r"].T + w.b["r"])
    z = sigma(x @ w.W["z"].T + (h * m) @ w.U["z"].T + w.b["z"])
    n = np.tanh(x @ w.W["n"].T + (r * (h * m)) @ w.U["n"].T + w.b["n"])
    return ((1 - z) * n + z * h,)


def lstm(w: Weights, x: Array, h: Array, c: Array, m: Array) -> tuple[Array, ...]:
    a = {gate: x @ w.W[gate].T + (h * m) @ w.U[gate].T + w.b[gate] for gate in "ifgo"}
    c_next = sigma(a["f"]) * c + sigma(a["i"]) * np.tanh(a["g"])
    return sigma(a["o"]) * np.tanh(c_next), c_next


def lstm_peephole(w: Weights, x: Array, h: Array, c: Array, m: Array) -> tuple[Array, ...]:
    a = {gate: x @ w.W[gate].T + (h * m) @ w.U[gate].T + w.b[gate] for gate in "ifgo"}
    p_i, p_f, p_o = w.extra["p"]
    c_next = sigma(a["f"] + p_f * c) * c + sigma(a["i"] + p_i * c) * np.tanh(a["g"])
    return sigma(a["o"] + p_o * c_next) * np.tanh(c_next), c_next


def lstm_layer_norm(w: Weights, x: Array, h: Array, c: Array, m: Array) -> tuple[Array, ...]:
    of_x = layer_norm(np.concatenate([x @ w.W[gate].T for gate in "ifgo"], -1), w.extra["gamma_x"])
    of_h = layer_norm(np.concatenate([(h * m) @ w.U[gate].T for gate in "ifgo"], -1), w.extra["gamma_h"])
    i, f, g, o = np.split(of_x + of_h + np.concatenate([w.b[gate] for gate in "ifgo"]), 4, -1)
    c_next = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(layer_norm(c_next, w.extra["gamma_c"]) + w.extra["beta_c"]), c_next


def lstm_coupled(w: Weights, x: Array, h: Array, c: Array, m: Array) -> tuple[Array, ...]:
    a = {gate: x @ w.W[gate].T + (h * m) @ w.U[gate].T + w.b[gate] for gate in "fgo"}
    keep = sigma(a["f"])
    c_next = keep * c + (1 - keep) * np.tanh(a["g"])
    return sigma(a["o"]) * np.tanh(c_next), c_next


EQUATIONS: dict[str, tuple[str, int, Callable[..., tuple[Array, ...]]]] = {  # gates, parts of the state, equations
    "rnn": ("h", 1, rnn),
    "rnn-relu": ("h", 1, rnn_relu),
    "gru": ("rzn", 1, gru),
    "gru-reset-before": ("rzn", 1, gru_reset_before),
    "lstm": ("ifgo", 2, lstm),
    "lstm-peephole": ("ifgo", 2, lstm_peephole),
    "lstm-coupled": ("fgo", 2, lstm_coupled),
    "lstm-layer-norm": ("ifgo", 2, lstm_layer_norm),
}
every_cell = pytest.mark.parametrize("name", list(CELLS))


def random_state(parts: int, batch: int, hidden: int, uniform: Callable[..., Tensor]) -> tuple[Tensor, ...]:
    return tuple(2 * uniform(batch, hidden, seed=10 + part) for part in range(parts))


def test_every_cell_has_its_equations_here() -> None:
    assert set(EQUATIONS) == set(CELLS)


@every_cell
@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
def test_one_step_equals_the_equations(name, masked, make_cell, uniform) -> None:
    gates, parts, equations = EQUATIONS[name]
    cell = make_cell(name, 3, 5)
    assert cell.gates == gates
    x, state = uniform(4, 3, seed=1), random_state(parts, 4, 5, uniform)
    mask = 1 + uniform(4, 5, seed=2) if masked else None
    found = cell.step(cell.project(x), state, mask)
    factors = np.ones((4, 5)) if mask is None else mask.numpy()
    expected = equations(Weights(cell, gates), x.numpy(), *(part.numpy() for part in state), factors)
    assert len(found) == len(expected) == len(cell.state_names) == parts
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, **closeness(torch.float64, 8))


@every_cell
@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
@pytest.mark.parametrize(("inputs", "hidden"), [(3, 5), (1, 1)])
def test_many_steps_equal_the_equations(name, masked, inputs, hidden, make_cell, uniform) -> None:
    gates, parts, equations = EQUATIONS[name]
    cell = make_cell(name, inputs, hidden, seed=3)
    x, state = 3 * uniform(2, 7, inputs, seed=4), random_state(parts, 2, hidden, uniform)
    mask = 1 + uniform(2, hidden, seed=5) if masked else None
    outputs, last = unroll(cell, x, state, mask)
    factors = np.ones((2, hidden)) if mask is None else mask.numpy()
    expected = tuple(part.numpy() for part in state)
    for step in range(7):
        expected = equations(Weights(cell, gates), x[:, step].numpy(), *expected, factors)
        np.testing.assert_allclose(
            outputs[:, step].detach().numpy(), expected[0], **closeness(torch.float64, 8, steps=7)
        )
    for ours, theirs in zip(last, expected, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, **closeness(torch.float64, 8, steps=7))


@every_cell
def test_gradients_pass_gradcheck(name, make_cell, uniform) -> None:
    cell = make_cell(name, 2, 3, seed=6)
    parts = EQUATIONS[name][1]
    x = uniform(2, 3, 2, seed=7).requires_grad_()
    state = tuple(part.requires_grad_() for part in random_state(parts, 2, 3, uniform))

    def run(inputs: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        outputs, last = unroll(cell, inputs, others[:parts])
        return outputs, *last

    assert torch.autograd.gradcheck(run, (x, *state, *cell.parameters()))


@every_cell
def test_gradients_reach_every_weight(name, make_cell, uniform) -> None:
    cell = make_cell(name, 2, 3, seed=8)
    unroll(cell, uniform(2, 4, 2))[0].square().sum().backward()
    for label, weight in cell.named_parameters():
        assert weight.grad is not None, label
        assert weight.grad.abs().max() > 0, label


@every_cell
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_initial_state_is_zeros_of_the_inputs_type(name, dtype, make_cell, uniform) -> None:
    cell = make_cell(name, 2, 3, dtype=dtype)
    state = cell.initial_state(uniform(1, dtype=dtype), 5)
    assert [part.shape for part in state] == [(5, 3)] * EQUATIONS[name][1]
    assert all(part.dtype == dtype and not part.any() for part in state)


@every_cell
def test_the_input_is_projected_alike_at_every_step(name, make_cell, uniform) -> None:
    cell, x = make_cell(name, 3, 4), uniform(2, 5, 3)
    together = cell.project(x)
    for step in range(5):
        torch.testing.assert_close(together[:, step], cell.project(x[:, step]), **closeness(torch.float64, 3))


def test_a_cell_prints_its_sizes(make_cell) -> None:
    assert "input_size=3, hidden_size=4" in repr(make_cell("lstm", 3, 4))


def test_the_layer_norm_of_a_scaled_input_is_the_same(make_cell, uniform) -> None:
    cell, x = make_cell("lstm-layer-norm", 3, 4), 100 * uniform(2, 3)
    torch.testing.assert_close(cell.project(x), cell.project(10 * x), rtol=1e-6, atol=1e-6)
