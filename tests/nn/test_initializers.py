"""How the weights start: their distributions, their seeds, and the forget bias in its place."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Generator, Tensor, nn

from closeness import closeness
from unrolled.config import ModelConfig
from unrolled.network.network import Network
from unrolled.nn.cells import CELLS, Cell
from unrolled.nn.initializers import initialize_cell, initialize_output
from unrolled.parts import INITIALIZERS, OUTPUT_INITIALIZERS

every_cell = pytest.mark.parametrize("name", list(CELLS))
every_initializer = pytest.mark.parametrize("initializer", list(INITIALIZERS))
every_output = pytest.mark.parametrize("initializer", [name for name in OUTPUT_INITIALIZERS if name != "ridge"])
INPUTS, HIDDEN = 30, 40


def drawn(name: str, initializer: str, seed: int = 0, forget_bias: float = 1.0) -> Cell:
    cell = CELLS[name](INPUTS, HIDDEN)
    initialize_cell(cell, initializer, forget_bias, Generator().manual_seed(seed))
    return cell


def drawn_output(initializer: str, seed: int = 0) -> nn.Linear:
    layer = nn.Linear(120, 50)
    initialize_output(layer, initializer, Generator().manual_seed(seed))
    return layer


def looks_uniform(weights: Tensor, bound: float) -> bool:
    """Whether all are within the bound, reach near it, and pass a test that a sound draw fails 1 time in 1,000."""
    values = weights.detach().numpy().ravel().astype(np.float64)
    fits = scipy.stats.kstest(values, scipy.stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3
    return bool(np.abs(values).max() <= bound * (1 + 1e-6) and np.abs(values).max() > 0.98 * bound and fits)


@every_cell
def test_each_gates_recurrent_block_starts_orthogonal(name) -> None:
    cell = drawn(name, "orthogonal")
    for block in cell.U.split(HIDDEN):
        torch.testing.assert_close(block @ block.T, torch.eye(HIDDEN), **closeness(torch.float32, HIDDEN))


@every_cell
def test_the_orthogonal_blocks_differ_and_their_inputs_are_glorot_by_gate(name) -> None:
    cell = drawn(name, "orthogonal")
    blocks = cell.U.split(HIDDEN)
    assert not any(blocks[0].allclose(block) for block in blocks[1:])
    for block in cell.W.split(HIDDEN):
        assert looks_uniform(block, math.sqrt(6 / (INPUTS + HIDDEN)))


def filtered(name: str, hidden_size: int, channels: int, offsets: tuple[int, ...]) -> tuple[Cell, Tensor]:
    """A cell whose input holds steps at these offsets, and its W, [G, H, K, F]."""
    cell = CELLS[name](channels * len(offsets), hidden_size)
    initialize_cell(cell, "filters", 1.0, Generator().manual_seed(1), None, offsets)
    return cell, cell.W.detach().reshape(len(cell.gates), hidden_size, len(offsets), channels)


@every_cell
def test_filters_read_a_step_and_neighbours_at_one_distance_and_its_double(name) -> None:
    offsets = (-8, -4, -2, -1, 0, 1, 2, 4, 8)
    cell, weights = filtered(name, 400, 3, offsets)
    found = []
    for unit in range(400):
        gates = {tuple(o for o, w in zip(offsets, gate, strict=True) if w.any()) for gate in weights[:, unit]}
        assert len(gates) == 1  # all gates of a unit read the same steps
        found.append(gates.pop())
    assert found[:100] == [(0,)] * 100
    assert set(found[100:]) == {(-2 * d, -d, 0, d, 2 * d) for d in (1, 2, 4)}
    assert min(found[100:].count((-2 * d, -d, 0, d, 2 * d)) for d in (1, 2, 4)) > 70
    torch.testing.assert_close(
        weights[:, 100:].sum(2), torch.zeros_like(weights[:, 100:, 0]), **closeness(torch.float32, 400)
    )
    for block in cell.U.split(400):
        torch.testing.assert_close(block @ block.T, torch.eye(400), **closeness(torch.float32, 400))


@pytest.mark.parametrize(("offsets", "taps"), [((0,), 1), ((-1, 0, 1), 3), ((-2, -1, 0, 1, 2), 5)])
def test_filters_make_do_with_the_neighbours_there_are(offsets, taps) -> None:
    _, weights = filtered("lstm", 8, 2, offsets)
    assert (weights[:, 2:] != 0).sum(2).unique().tolist() == [taps]
    assert torch.isfinite(weights).all()


def test_the_norms_of_filters_are_half_normal() -> None:
    _, weights = filtered("lstm", 500, 3, (-2, -1, 0, 1, 2))
    norms = weights.flatten(0, 1).flatten(1).norm(dim=1).numpy()
    assert scipy.stats.kstest(norms, scipy.stats.halfnorm(scale=0.2).cdf).pvalue > 1e-3


@every_cell
def test_glorot_joint_draws_input_and_state_weights_as_one_matrix(name) -> None:
    """TensorFlow 1 draws one kernel of F + H rows and G·H columns, within ±sqrt(6 / (rows + columns))."""
    cell = drawn(name, "glorot-joint")
    bound = math.sqrt(6 / (INPUTS + HIDDEN + len(cell.gates) * HIDDEN))
    assert looks_uniform(cell.W, bound)
    assert looks_uniform(cell.U, bound)
    assert looks_uniform(torch.cat([cell.W, cell.U], 1), bound)
    same = scipy.stats.ks_2samp(cell.W.detach().numpy().ravel(), cell.U.detach().numpy().ravel())
    assert same.pvalue > 1e-3


def test_the_joint_bound_of_an_lstm_is_tensorflows() -> None:
    cell = drawn("lstm", "glorot-joint")
    bound = math.sqrt(6 / (INPUTS + HIDDEN + 4 * HIDDEN))
    assert bound * 0.99 < torch.cat([cell.W, cell.U], 1).abs().max() <= bound


@every_cell
def test_uniform_is_within_one_over_the_root_of_the_hidden_size(name) -> None:
    cell = drawn(name, "uniform")
    assert looks_uniform(cell.W, 1 / math.sqrt(HIDDEN))
    assert looks_uniform(cell.U, 1 / math.sqrt(HIDDEN))


@every_cell
@every_initializer
def test_the_forget_bias_stands_in_the_forget_gate_alone(name, initializer) -> None:
    cell = drawn(name, initializer, forget_bias=2.5)
    for gate, bias in zip(cell.gates, cell.b.split(HIDDEN), strict=True):
        assert (bias == (2.5 if gate == "f" else 0.0)).all(), gate


@every_cell
@every_initializer
def test_what_is_not_drawn_keeps_its_start(name, initializer) -> None:
    cell, start = drawn(name, initializer), dict(CELLS[name](INPUTS, HIDDEN).named_parameters())
    for label, weight in cell.named_parameters():
        if label not in ("W", "U", "b"):
            assert weight.equal(start[label]), label


@every_cell
@every_initializer
def test_the_same_seed_gives_the_same_weights_and_another_others(name, initializer) -> None:
    first, second, other = drawn(name, initializer, 1), drawn(name, initializer, 1), drawn(name, initializer, 2)
    assert all(first.get_parameter(label).equal(weight) for label, weight in second.named_parameters())
    assert not first.W.equal(other.W)
    assert not first.U.equal(other.U)


@every_cell
@every_initializer
def test_what_was_drawn_can_be_learned(name, initializer) -> None:
    assert all(weight.requires_grad and weight.is_leaf for weight in drawn(name, initializer).parameters())


def test_glorot_output_is_within_its_bound() -> None:
    layer = drawn_output("glorot")
    assert looks_uniform(layer.weight, math.sqrt(6 / (120 + 50)))
    assert not layer.bias.any()


def test_uniform_output_is_within_one_over_the_root_of_its_inputs() -> None:
    layer = drawn_output("uniform")
    assert looks_uniform(layer.weight, 1 / math.sqrt(120))
    assert layer.bias.abs().max() <= 1 / math.sqrt(120)
    assert layer.bias.unique().numel() == 50


def test_normal_output_has_deviation_one_in_weights_and_bias() -> None:
    layer = drawn_output("normal")
    assert scipy.stats.kstest(layer.weight.detach().numpy().ravel(), "norm").pvalue > 1e-3
    assert scipy.stats.kstest(layer.bias.detach().numpy(), "norm").pvalue > 1e-3
    assert layer.weight.abs().max() > 2.5  # not cut


def test_truncated_normal_output_is_cut_at_two_deviations_with_bias_a_tenth() -> None:
    layer = drawn_output("truncated-normal")
    values = layer.weight.detach().numpy().ravel().astype(np.float64)
    assert 1.95 < np.abs(values).max() <= 2
    assert scipy.stats.kstest(values, scipy.stats.truncnorm(-2, 2).cdf).pvalue > 1e-3
    assert values.std() == pytest.approx(scipy.stats.truncnorm(-2, 2).std(), rel=0.03)  # 0.88, as TensorFlow's
    assert (layer.bias == 0.1).all()


@every_output
def test_the_same_seed_gives_the_same_output_layer(initializer) -> None:
    first, second, other = drawn_output(initializer, 1), drawn_output(initializer, 1), drawn_output(initializer, 2)
    assert first.weight.equal(second.weight)
    assert first.bias.equal(second.bias)
    assert not first.weight.equal(other.weight)


@every_cell
@every_initializer
def test_a_networks_weights_are_a_function_of_its_seed_alone(name, initializer) -> None:
    config = ModelConfig(cell=name, hidden_size=4, num_layers=2, bidirectional=True, initializer=initializer)
    networks = []
    for before, seed in ((1, 5), (2, 5), (1, 6)):
        torch.manual_seed(before)
        networks.append(Network(config, 3, 2, seed=seed))
    first, second, other = (network.state_dict() for network in networks)
    assert all(first[label].equal(second[label]) for label in first)
    assert not any(first[label].equal(other[label]) for label in first if label.endswith((".W", ".U")))
    assert not first["output.weight"].equal(other["output.weight"])


@every_initializer
def test_layers_and_directions_start_differently(initializer) -> None:
    config = ModelConfig(hidden_size=4, num_layers=3, bidirectional=True, initializer=initializer)
    weights = [module.U for module in Network(config, 3, 2).modules() if isinstance(module, Cell)]
    assert len(weights) == 6
    assert not any(a.equal(b) for place, a in enumerate(weights) for b in weights[:place])


@pytest.mark.parametrize(
    ("name", "gate"), [(name, gate) for name, kind in CELLS.items() for gate in "fz" if gate in kind.gates]
)
def test_memory_steps_spread_the_forgetting_over_all_lengths_up_to_them(name, gate) -> None:
    cell = CELLS[name](3, 2000)
    initialize_cell(cell, "uniform", 1.0, Generator().manual_seed(0), 500)
    biases = dict(zip(cell.gates, cell.b.detach().chunk(len(cell.gates)), strict=True))
    kept = (
        biases[gate].exp().numpy()
    )  # with x and h at 0 a unit keeps u / (1 + u) of its state: a memory of 1 + u steps
    assert scipy.stats.kstest(kept, scipy.stats.uniform(1, 498).cdf).pvalue > 1e-3
    if "i" in biases:
        torch.testing.assert_close(biases["i"], -biases["f"])
    assert not any(bias.any() for letter, bias in biases.items() if letter not in (gate, "i"))


@pytest.mark.parametrize("name", [name for name, kind in CELLS.items() if not set("fz") & set(kind.gates)])
def test_memory_steps_mean_nothing_to_a_cell_without_gates(name) -> None:
    cell = CELLS[name](3, 5)
    initialize_cell(cell, "uniform", 1.0, Generator().manual_seed(0), 500)
    assert not cell.b.any()
