"""A prediction depends on its own sequence and on nothing else, for every cell, direction, depth and pooling."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from closeness import closeness
from unrolled.config import ModelConfig
from unrolled.network.layer import Layer
from unrolled.network.network import Network
from unrolled.nn.cells import CELLS
from unrolled.nn.pooling import POOLINGS
from unrolled.nn.unroll import reverse_sequences, unroll
from unrolled.preparation.normalisation import Normaliser

NETWORKS: dict[str, list[Any]] = {
    "cell": list(CELLS),
    "bidirectional": [False, True],
    "num_layers": [1, 2],
    "pooling": list(POOLINGS),
}
every_cell = pytest.mark.parametrize("cell", list(CELLS))


def every_network(test: Any) -> Any:
    """A test of every combination of these."""
    for name, values in NETWORKS.items():
        test = pytest.mark.parametrize(name, values)(test)
    return test


@pytest.fixture
def config(cell: str, bidirectional: bool, num_layers: int, pooling: str) -> dict[str, Any]:
    """The sizes of a network of `every_network`."""
    return {"cell": cell, "bidirectional": bidirectional, "num_layers": num_layers, "pooling": pooling}


DTYPES = (torch.float32, torch.float64)
LENGTHS = [4, 6, 1, 3]


def near(dtype: torch.dtype) -> dict[str, float]:
    """For the largest of the networks below: 2 layers of 4 units in both directions, 7 steps."""
    return closeness(dtype, 12, steps=7, layers=2)


def batch_of(uniform: Any, dtype: torch.dtype, padding: int = 0) -> tuple[Tensor, Tensor]:
    """Four sequences of different lengths, padded with zeros."""
    inputs = uniform(len(LENGTHS), max(LENGTHS), 3, seed=1, dtype=dtype)
    inputs = torch.cat([inputs, inputs.new_zeros(len(LENGTHS), padding, 3)], 1)
    return filled(inputs, 0.0), torch.tensor(LENGTHS)


def filled(inputs: Tensor, value: float | Tensor) -> Tensor:
    """The same batch with something in its padding."""
    beyond = torch.arange(inputs.shape[1]) >= torch.tensor(LENGTHS)[:, None]
    return torch.where(beyond[:, :, None], torch.as_tensor(value, dtype=inputs.dtype), inputs)


@every_network
@torch.no_grad()
def test_more_padding_does_not_change_logits(config, make_network, uniform) -> None:
    for dtype in DTYPES:
        network = make_network(dtype=dtype, **config)
        expected = network(*batch_of(uniform, dtype))
        for padding in (1, 7):
            torch.testing.assert_close(network(*batch_of(uniform, dtype, padding)), expected, **near(dtype))


@every_network
@torch.no_grad()
def test_garbage_in_the_padding_does_not_change_logits(config, make_network, uniform) -> None:
    for dtype in DTYPES:
        network = make_network(dtype=dtype, **config)
        inputs, lengths = batch_of(uniform, dtype, 2)
        expected = network(inputs, lengths)
        for garbage in (1e6 * uniform(*inputs.shape, seed=2), 1e30, math.inf, math.nan):
            torch.testing.assert_close(network(filled(inputs, garbage), lengths), expected, **near(dtype))


@every_network
@torch.no_grad()
def test_a_sequence_alone_without_padding_has_the_same_logits(config, make_network, uniform) -> None:
    """Neither neighbours nor batch size count, and a reversed direction starts at the sequence's own last step."""
    for dtype in DTYPES:
        network = make_network(dtype=dtype, **config)
        inputs, lengths = batch_of(uniform, dtype, 2)
        together = network(inputs, lengths)
        for row, length in enumerate(LENGTHS):
            alone = network(inputs[row : row + 1, :length], lengths[row : row + 1])
            torch.testing.assert_close(alone[0], together[row], **near(dtype))


@every_network
@torch.no_grad()
def test_other_neighbours_and_another_place_do_not_change_logits(config, make_network, uniform) -> None:
    for dtype in DTYPES:
        network = make_network(dtype=dtype, **config)
        inputs, lengths = batch_of(uniform, dtype)
        expected = network(inputs, lengths)
        order = torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(network(inputs[order], lengths[order]), expected[order], **near(dtype))
        crowd = torch.cat([100 * uniform(7, 6, 3, seed=3, dtype=dtype), inputs])
        found = network(crowd, torch.cat([torch.tensor([6, 1, 2, 3, 4, 5, 6]), lengths]))
        torch.testing.assert_close(found[7:], expected, **near(dtype))


@every_network
def test_padding_does_not_change_gradients(config, make_network, uniform) -> None:
    network = make_network(dtype=torch.float64, **config)
    inputs, lengths = batch_of(uniform, torch.float64)
    padded = filled(torch.cat([inputs, torch.zeros(4, 3, 3)], 1), 10 * uniform(4, 9, 3, seed=4))
    found, expected = (
        torch.autograd.grad(network(values, lengths).sin().sum(), list(network.parameters()))
        for values in (padded, inputs)
    )
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(
            ours, theirs, **closeness(torch.float64, 12 * sum(LENGTHS), steps=14, layers=2, magnitude=10)
        )


@every_network
@torch.no_grad()
def test_prefix_logits_are_those_of_each_prefix(config, make_network, uniform) -> None:
    for dtype in DTYPES:
        network = make_network(dtype=dtype, **config)
        inputs, lengths = batch_of(uniform, dtype, 1)
        inputs = filled(inputs, 1e6 * uniform(*inputs.shape, seed=5))
        found = network.prefix_logits(inputs, lengths)
        assert found.shape == (4, 7, 3)
        final = network(inputs, lengths)
        for row, length in enumerate(LENGTHS):
            for end in range(1, length + 1):
                expected = network(inputs[row : row + 1, :end], torch.tensor([end]))[0]
                torch.testing.assert_close(found[row, end - 1], expected, **near(dtype))
            torch.testing.assert_close(found[row, length - 1], final[row], **near(dtype))


@every_network
@torch.no_grad()
def test_sizes_of_one_work(config, make_network, uniform) -> None:
    network = make_network(1, 1, hidden_size=1, **config)
    inputs, lengths = uniform(1, 1, 1, dtype=torch.float32), torch.tensor([1])
    assert network(inputs, lengths).shape == (1, 1)
    assert network(inputs, lengths).isfinite().all()
    torch.testing.assert_close(
        network.prefix_logits(inputs, lengths)[:, 0], network(inputs, lengths), **near(torch.float32)
    )


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    cell=st.sampled_from(list(CELLS)),
    pooling=st.sampled_from(list(POOLINGS)),
    bidirectional=st.booleans(),
    num_layers=st.integers(1, 3),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    padding=st.integers(0, 3),
    sizes=st.tuples(*[st.integers(1, 5)] * 3),
)
def test_batches_of_any_sizes_give_what_single_sequences_give(
    make_network, uniform, cell, pooling, bidirectional, num_layers, lengths, padding, sizes
) -> None:
    inputs, hidden, classes = sizes
    network = make_network(
        inputs,
        classes,
        cell=cell,
        pooling=pooling,
        bidirectional=bidirectional,
        num_layers=num_layers,
        hidden_size=hidden,
        dtype=torch.float64,
    )
    values = uniform(len(lengths), max(lengths) + padding, inputs)
    with torch.no_grad():
        together = network(values, torch.tensor(lengths))
        assert together.shape == (len(lengths), classes)
        for row, length in enumerate(lengths):
            alone = network(values[row : row + 1, :length], torch.tensor([length]))
            torch.testing.assert_close(
                together[row : row + 1], alone, **closeness(torch.float64, 15, steps=5, layers=3)
            )


@every_cell
@torch.no_grad()
def test_the_backward_direction_reads_each_sequence_from_its_own_end(cell, make_network, uniform) -> None:
    layer = make_network(cell=cell, bidirectional=True, dtype=torch.float64).layers[0]
    inputs, lengths = batch_of(uniform, torch.float64, 2)
    found = layer(filled(inputs, 1e3), lengths)
    for row, length in enumerate(LENGTHS):
        own = inputs[row : row + 1, :length]
        forward, backward = unroll(layer.cells[0], own)[0], unroll(layer.cells[1], own.flip(1))[0].flip(1)
        expected = torch.cat([forward, backward], -1)[0]
        torch.testing.assert_close(found[row, :length], expected, **near(torch.float64))


@every_cell
@pytest.mark.parametrize("pooling", list(POOLINGS))
@torch.no_grad()
def test_reversed_input_with_swapped_directions_has_the_same_logits(cell, pooling, make_network, uniform) -> None:
    network = make_network(cell=cell, pooling=pooling, bidirectional=True, dtype=torch.float64)
    inputs, lengths = batch_of(uniform, torch.float64, 2)
    expected = network(inputs, lengths)
    swap = torch.arange(8).roll(4)  # the outputs' halves
    network.layers[0].cells = nn.ModuleList(reversed(network.layers[0].cells))
    weight = network.output.weight
    parts = [part[:, swap] for part in weight.split(8, 1)]  # of each of the statistics
    if pooling == "statistics":
        parts[5], parts[6] = -parts[6], -parts[5]  # what rises, read from the end, falls
    weight.copy_(torch.cat(parts, 1))
    if pooling == "attention":
        network.pooling.A.weight.copy_(network.pooling.A.weight[:, swap])
    found = network(reverse_sequences(inputs, lengths), lengths)
    torch.testing.assert_close(found, expected, **near(torch.float64))


# Dropout


@every_cell
@torch.no_grad()
def test_recurrent_dropout_is_the_reference_with_one_mask(cell, make_network, uniform) -> None:
    network = make_network(cell=cell, recurrent_dropout=0.5, hidden_size=8, bidirectional=True, dtype=torch.float64)
    layer, (inputs, lengths) = network.layers[0].train(), batch_of(uniform, torch.float64)
    torch.manual_seed(1)
    found = layer(inputs, lengths)
    torch.manual_seed(1)
    masks = [F.dropout(torch.ones(4, 8, dtype=torch.float64), 0.5) for _ in range(2)]
    assert not masks[0].equal(masks[1])
    forward, _ = unroll(layer.cells[0], inputs, None, masks[0])
    backward, _ = unroll(layer.cells[1], reverse_sequences(inputs, lengths), None, masks[1])
    expected = torch.cat([forward, reverse_sequences(backward, lengths)], -1)
    torch.testing.assert_close(found, expected, **near(torch.float64))


@torch.no_grad()
def test_the_recurrent_mask_is_the_same_at_every_step_and_keeps_the_mean() -> None:
    """With U the identity, b = 1 and W = 0, a unit counts: 1, 1 + m, 1 + m + m², …, so it shows its factor m."""
    layer = Layer(ModelConfig(cell="rnn-relu", hidden_size=50, recurrent_dropout=0.2, bidirectional=True), 1)
    for cell in layer.cells:
        cell.W.zero_()
        cell.U.copy_(torch.eye(50))
        cell.b.fill_(1.0)
    torch.manual_seed(0)
    batch = 100
    outputs = layer.train()(torch.zeros(batch, 4, 1), torch.full((batch,), 4))
    outputs[:, :, 50:] = outputs[:, :, 50:].flip(1)  # backward in its own order
    factors = outputs[:, 1] - 1  # [B, 2·H]
    expected = torch.stack([sum(factors**power for power in range(step)) for step in range(1, 5)], 1)
    torch.testing.assert_close(outputs, expected, **closeness(torch.float32, 50, steps=4, magnitude=2))
    dropped = factors < 0.5
    torch.testing.assert_close(factors[~dropped], torch.full_like(factors[~dropped], 1 / 0.8))
    deviation = math.sqrt(0.2 * 0.8 / factors.numel())
    assert dropped.float().mean().item() == pytest.approx(0.2, abs=4 * deviation)
    assert not dropped[0].equal(dropped[1])  # each sequence its own
    assert not dropped[:, :50].equal(dropped[:, 50:])  # each direction its own


@every_cell
@pytest.mark.parametrize("kind", ["dropout", "recurrent_dropout", "output_dropout"])
@torch.no_grad()
def test_dropout_acts_in_training_alone(cell, kind, make_network, uniform) -> None:
    batch = batch_of(uniform, torch.float64)
    sizes = {"cell": cell, "num_layers": 2, "hidden_size": 8, "dtype": torch.float64}
    without, network = make_network(**sizes), make_network(**sizes, **{kind: 0.5})
    torch.manual_seed(0)
    torch.testing.assert_close(network(*batch), without(*batch), **near(torch.float64))
    assert network(*batch).equal(network(*batch))
    network.train()
    assert not network(*batch).equal(network(*batch))
    torch.manual_seed(3)
    first = network(*batch)
    torch.manual_seed(3)
    assert network(*batch).equal(first)
    network.eval()
    torch.testing.assert_close(network(*batch), without(*batch), **near(torch.float64))


@torch.no_grad()
def test_dropout_between_layers_touches_neither_the_input_nor_the_last_layer(make_network, uniform) -> None:
    batch = batch_of(uniform, torch.float32)
    single = make_network(dropout=0.9)
    expected = single(*batch)
    assert single.train()(*batch).equal(expected)


@torch.no_grad()
def test_dropout_between_layers_is_on_the_second_layers_input(make_network, uniform) -> None:
    network = make_network(num_layers=2, dropout=0.4, dtype=torch.float64).train()
    inputs, lengths = batch_of(uniform, torch.float64)
    torch.manual_seed(5)
    found = network.outputs(inputs, lengths)
    torch.manual_seed(5)
    between = F.dropout(network.layers[0](network.normaliser(inputs), lengths), 0.4)
    torch.testing.assert_close(found, network.layers[1](between, lengths), **near(torch.float64))


@torch.no_grad()
def test_output_dropout_keeps_the_mean_of_the_logits(make_network, uniform) -> None:
    network = make_network(output_dropout=0.3, dtype=torch.float64)
    inputs, lengths = uniform(1, 3, 3).expand(20_000, -1, -1), torch.full((20_000,), 3)
    expected = network(inputs[:1], lengths[:1])[0]
    torch.manual_seed(0)
    draws = network.train()(inputs, lengths)
    error = draws.std(0) / math.sqrt(len(draws))
    assert (draws.std(0) > 0).all()
    assert ((draws.mean(0) - expected).abs() < 4 * error).all()


# Normaliser


def test_the_normaliser_standardises_each_channel(uniform) -> None:
    values = uniform(50, 4, 3) * torch.tensor([1e-3, 1.0, 1e3]) + torch.tensor([5.0, -2.0, 0.0])
    normaliser = Normaliser(3).double()
    flat = values.reshape(-1, 3)
    normaliser.set_statistics(flat.mean(0), flat.std(0, unbiased=False))
    found = normaliser(values).reshape(-1, 3)
    exactly = closeness(torch.float64, len(flat), magnitude=5 / 1e-3)  # the first channel's mean in its deviations
    torch.testing.assert_close(found.mean(0), torch.zeros(3).double(), **exactly)
    torch.testing.assert_close(found.std(0, unbiased=False), torch.ones(3).double(), **exactly)


@pytest.mark.parametrize("constant", [0.0, 1.0, -3e7, 1e-9])
def test_a_constant_channel_is_only_shifted(constant: float) -> None:
    normaliser = Normaliser(2)
    normaliser.set_statistics(torch.tensor([constant, 1.0]), torch.tensor([0.0, 2.0]))
    values = torch.tensor([[[constant, 3.0], [constant + 4, 1.0]]])
    change = values[0, 1, 0] - values[0, 0, 0]
    assert normaliser(values).tolist() == [[[0.0, 1.0], [change.item(), 0.0]]]


@pytest.mark.parametrize("unit", [1e-15, 1e-9, 1.0, 1e9])
def test_the_unit_of_a_channel_does_not_matter(unit: float, uniform) -> None:
    values = uniform(20, 5, 1)
    values -= values.mean()
    normaliser = Normaliser(1)
    normaliser.set_statistics((unit * values).mean()[None], (unit * values).std(unbiased=False)[None])
    found = normaliser((unit * values).float()).std(unbiased=False)
    torch.testing.assert_close(found, torch.tensor(1.0), **closeness(torch.float32, values.numel()))


def test_the_normaliser_is_saved_with_the_weights_and_is_not_learned() -> None:
    network = Network(ModelConfig(hidden_size=2), 2, 2)
    network.normaliser.set_statistics(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 8.0]))
    state = network.state_dict()
    assert state["preparation.normaliser.shift"].tolist() == [1.0, 2.0]
    assert state["preparation.normaliser.factor"].tolist() == [0.25, 0.125]
    assert not [name for name, _ in network.named_parameters() if "normaliser" in name]
    other = Network(ModelConfig(hidden_size=2), 2, 2, seed=None)
    other.load_state_dict(state, assign=True)
    assert other.normaliser(torch.tensor([[[5.0, 10.0]]])).tolist() == [[[1.0, 1.0]]]


@torch.no_grad()
def test_the_network_normalises_its_input(make_network, uniform) -> None:
    network = make_network(dtype=torch.float64)
    inputs, lengths = batch_of(uniform, torch.float64)
    found = network(inputs, lengths)
    normalised = network.normaliser(inputs)
    network.normaliser.set_statistics(torch.zeros(3), torch.ones(3))
    torch.testing.assert_close(network(normalised, lengths), found, **near(torch.float64))


# Building


@every_network
def test_a_network_without_a_seed_builds_on_no_device_and_draws_nothing(config) -> None:
    before = torch.get_rng_state()
    network = Network(ModelConfig(hidden_size=4, **config), 3, 2, seed=None)
    assert torch.get_rng_state().equal(before)
    tensors = network.state_dict()
    assert {tensor.device.type for tensor in tensors.values()} == {"meta"}
    drawn = Network(ModelConfig(hidden_size=4, **config), 3, 2).state_dict()
    assert {name: tensor.shape for name, tensor in tensors.items()} == {name: t.shape for name, t in drawn.items()}


@every_network
@torch.no_grad()
def test_weights_loaded_into_an_undrawn_network_give_the_same_logits(config, make_network, uniform) -> None:
    network, batch = make_network(**config), batch_of(uniform, torch.float32)
    with torch.device("meta"):
        other = Network(network.config, 3, 3, seed=None)
    other.load_state_dict(network.state_dict(), assign=True)
    assert other.eval()(*batch).equal(network(*batch))


@every_network
def test_every_weight_gets_a_gradient(config, make_network, uniform) -> None:
    network = make_network(dtype=torch.float64, **config).train()
    network(*batch_of(uniform, torch.float64)).sin().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name


def test_the_operations_of_a_step_are_two_for_each_weight() -> None:
    config = ModelConfig(cell="lstm", hidden_size=5, num_layers=2, bidirectional=True)
    expected = 2 * 2 * (4 * 5 * (3 + 5) + 4 * 5 * (10 + 5))  # twice, in each direction, both layers
    assert Network(config, 3, 2).flop_per_step() == expected
