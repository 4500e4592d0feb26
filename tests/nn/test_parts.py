"""The tables of parts and the files agree, and every part says for itself what other rooms ask."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import torch

from unrolled import parts
from unrolled.config import ModelConfig
from unrolled.network.network import Network
from unrolled.nn.cells import CELLS
from unrolled.nn.part import Part

TABLES = {
    "nn.cells": (parts.CELLS, {"cell"}),
    "nn.pooling": (parts.POOLINGS, {"pooling", "running"}),
    "preparation.missing": (parts.MISSING, {"filling"}),
    "preparation.normalisation": (parts.NORMALISATIONS, {"normaliser"}),
}
"""The room of each table, and its files that are no part themselves."""


@pytest.mark.parametrize("room", list(TABLES))
def test_every_part_has_one_file_and_one_line(room: str) -> None:
    table, shared = TABLES[room]
    folder = Path(str(import_module(f"unrolled.{room}").__file__)).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"} - shared
    modules = [place.partition(":")[0] for place in table.values()]
    assert sorted(modules) == sorted(f"unrolled.{room}.{file}" for file in files)
    for part in parts.load(table).values():
        assert issubclass(part, Part)
        assert inspect.getdoc(part)


@pytest.mark.parametrize("name", list(CELLS))
def test_every_letter_of_a_cell_has_a_meaning(name: str) -> None:
    cell = CELLS[name]
    assert {*cell.gates, *cell.state_names} <= set(cell.letters)
    assert len(set(cell.gates)) == len(cell.gates)
    assert cell.title
    assert cell.account
    if cell.operator is not None:
        assert sorted(cell.operator.order) == sorted(cell.gates)


OBSTACLES = [
    ({"bidirectional": True}, "both directions", {"bidirectional": False}),
    ({"frame_steps": 2}, "2 steps as one", {"frame_steps": 1}),
    ({"context_steps": 4}, "4 steps after", {"context_steps": 0}),
    ({"skip_segments": 3}, "means of 3 parts", {"skip_segments": 0}),
    ({"skip_convolutions": 2}, "both sides of each step", {"skip_convolutions": 0}),
    ({"normalisation": "sequence"}, "own mean", {"normalisation": "channel"}),
]


@pytest.mark.parametrize(("options", "reason", "remedy"), OBSTACLES)
def test_an_obstacle_is_said_and_its_remedy_removes_it(options, reason, remedy) -> None:
    (obstacle,) = Network(ModelConfig(hidden_size=2, **options), 2, 2).obstacles()
    assert reason in obstacle.reason
    for name, value in remedy.items():
        flag = name.replace("_", "-")
        word = f"--no-{flag}" if value is False else f"--{flag} {value}"
        assert obstacle.remedy == f"with {word}"
    assert Network(ModelConfig(hidden_size=2, **{**options, **remedy}), 2, 2).reads_forward


@pytest.mark.parametrize("options", [{}, *(options for options, _, _ in OBSTACLES)])
def test_a_network_reads_ahead_unless_it_names_an_obstacle(options) -> None:
    """Later steps change an output of a network with an obstacle, and none of one without."""
    network = Network(ModelConfig(hidden_size=4, pooling="mean", **options), 2, 2, seed=1).eval()
    if network.convolutions is not None:
        network.convolutions.weights.fill_(1)
    inputs = torch.randn(1, 9, 2, generator=torch.Generator().manual_seed(0))
    changed = torch.cat([inputs[:, :4], 5 + inputs[:, 4:]], 1)
    lengths = torch.tensor([9])
    with torch.no_grad():
        logits = [network.logits_at(values, lengths, torch.tensor([[4]])) for values in (inputs, changed)]
        outputs = [network.outputs(values, lengths)[:, : 4 // network.frame_steps] for values in (inputs, changed)]
    torch.testing.assert_close(*logits)
    if not network.obstacles():
        torch.testing.assert_close(*outputs)
