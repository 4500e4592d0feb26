"""The look inside shows what the network itself computes."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch

from closeness import closeness
from unrolled.config import CellName, ModelConfig
from unrolled.network.network import Network
from unrolled.network.tracing import trace
from unrolled.nn.cells import CELLS

INPUTS = torch.randn(1, 9, 3, generator=torch.Generator().manual_seed(0))


def network(cell: Any, **options: Any) -> Network:
    return Network(ModelConfig(cell=cell, hidden_size=5, **options), 3, 4).eval()


@pytest.mark.parametrize("frame_steps", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("cell", get_args(CellName))
def test_the_states_are_the_layers_outputs(cell: Any, num_layers: int, bidirectional: bool, frame_steps: int) -> None:
    net = network(cell, num_layers=num_layers, bidirectional=bidirectional, frame_steps=frame_steps)
    lengths = torch.tensor([9])
    with torch.no_grad():
        outputs = net.outputs(INPUTS, lengths)
    found = trace(net, INPUTS)
    assert [(t.layer, t.backward) for t in found] == [
        (layer, back) for layer in range(1, num_layers + 1) for back in ([False, True] if bidirectional else [False])
    ]
    top = torch.cat([t.states["h"] for t in found if t.layer == num_layers], -1)
    torch.testing.assert_close(top, outputs[0], **closeness(torch.float32, 15, steps=9, layers=num_layers))


@pytest.mark.parametrize("cell", get_args(CellName))
def test_gates_have_their_letters_and_their_range(cell: Any) -> None:
    (found,) = trace(network(cell), INPUTS)
    expected = set(CELLS[cell].gates) - set(CELLS[cell].state_names)
    assert set(found.gates) == expected
    for name, values in found.gates.items():
        assert values.shape == (9, 5)
        low = 0 if name in CELLS[cell].switches else -1
        assert low <= values.min()
        assert values.max() <= 1


def test_the_memory_follows_from_the_gates() -> None:
    (found,) = trace(network("lstm"), INPUTS)
    i, f, g, o = (found.gates[name] for name in "ifgo")
    c, h = found.states["c"], found.states["h"]
    torch.testing.assert_close(c[1:], f[1:] * c[:-1] + i[1:] * g[1:], **closeness(torch.float32, 2))
    torch.testing.assert_close(h, o * c.tanh(), **closeness(torch.float32, 1))
