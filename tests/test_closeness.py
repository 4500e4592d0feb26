"""What `closeness` allows is far less than what a fault changes, however small the fault."""

from __future__ import annotations

import pytest
import torch

from closeness import closeness
from unrolled.nn.cells import CELLS

every_cell = pytest.mark.parametrize("cell", list(CELLS))
every_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
SIZES = {"num_layers": 2, "bidirectional": True}
STEPS, TERMS = 6, 12  # the second layer reads 8 outputs and 4 units


def differ(found: torch.Tensor, expected: torch.Tensor) -> bool:
    allowed = closeness(expected.dtype, TERMS, steps=STEPS, layers=2)
    return not torch.allclose(found, expected, **allowed)


@every_cell
@pytest.mark.parametrize(("dtype", "fault"), [(torch.float32, 1e-2), (torch.float64, 1e-6)])
@torch.no_grad()
def test_a_gate_with_another_coefficient_is_seen(cell, dtype, fault, make_network, uniform) -> None:
    network, lengths = make_network(cell=cell, dtype=dtype, **SIZES), torch.tensor([STEPS] * 4)
    inputs = uniform(4, STEPS, 3, dtype=dtype)
    expected = network(inputs, lengths)
    assert not differ(network(inputs.clone(), lengths), expected)
    for name, weight in network.named_parameters():
        for gate in weight.split(network.config.hidden_size):
            former = gate.clone()
            gate += fault
            assert differ(network(inputs, lengths), expected), name
            gate.copy_(former)


@every_cell
@every_dtype
@torch.no_grad()
def test_two_steps_in_another_order_and_a_step_too_few_are_seen(cell, dtype, make_network, uniform) -> None:
    network, lengths = make_network(cell=cell, dtype=dtype, **SIZES), torch.tensor([STEPS] * 4)
    inputs = uniform(4, STEPS, 3, dtype=dtype)
    expected = network(inputs, lengths)
    for order in ([1, 0, 2, 3, 4, 5], [0, 1, 3, 2, 4, 5], [0, 1, 2, 3, 5, 4]):
        assert differ(network(inputs[:, order], lengths), expected)
    assert differ(network(inputs[:, :-1], lengths - 1), expected)
    assert differ(network(inputs[:, 1:], lengths - 1), expected)
