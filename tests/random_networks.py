"""Cells and networks none of whose weights is at a special value; fixtures that `conftest` shows to all tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from unrolled.config import CellName, ModelConfig
from unrolled.network.network import Network
from unrolled.nn.cells import CELLS, Cell

Uniform = Callable[..., Tensor]
MakeCell = Callable[..., Cell]
MakeNetwork = Callable[..., Network]


@pytest.fixture(scope="session")
def uniform() -> Uniform:
    """``uniform(*sizes, seed, dtype)``: numbers within ±1."""

    def draw(*sizes: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(sizes, generator=generator, dtype=torch.float64).mul_(2).sub_(1).to(dtype)

    return draw


@pytest.fixture(scope="session")
def make_cell() -> MakeCell:
    """``make_cell(name, F, H, seed, dtype)``: a cell with every weight, also those that start at 0 or 1, at random."""

    def make(name: CellName, inputs: int, hidden: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Cell:
        cell = CELLS[name](inputs, hidden).to(dtype)
        _shake(cell, seed)
        return cell

    return make


@pytest.fixture(scope="session")
def make_network() -> MakeNetwork:
    """``make_network(F, C, seed, dtype, **config)``: a network in eval mode with every weight at random."""

    def make(
        inputs: int = 3, classes: int = 3, seed: int = 0, dtype: torch.dtype = torch.float32, **config: object
    ) -> Network:
        network = Network(ModelConfig.model_validate({"hidden_size": 4, **config}), inputs, classes, seed=seed)
        _shake(network.to(dtype), seed, 0.3)
        network.normaliser.set_statistics(torch.linspace(-1, 1, inputs), torch.linspace(0.5, 2, inputs))
        return network.eval()

    return make


def _shake(module: nn.Module, seed: int, width: float = 0.7) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            if isinstance(module, Cell):
                weight.zero_()  # a cell on its own comes undrawn
            weight += torch.rand(weight.shape, generator=generator, dtype=torch.float64).mul_(2).sub_(1) * width
