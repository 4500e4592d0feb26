"""A look inside: the gates and states of every layer while a network reads one sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from unrolled.network.network import Network
from unrolled.nn import Cell, reverse_sequences


@dataclass(frozen=True)
class Trace:
    """Gates and states of one direction of one layer at each step.

    Attributes:
        layer: number of the layer, from 1.
        backward: whether this direction reads the sequence from its end.
        gates: values by the gate's letter, [T, H], in the order of the sequence's steps.
        states: the states after each step, by name, [T, H], in the same order.
        letters: meanings of the letters of gates and states.
        switches: letters of gates between 0 and 1.
    """

    layer: int
    backward: bool
    gates: dict[str, Tensor]
    states: dict[str, Tensor]
    letters: Mapping[str, str]
    switches: str


@torch.no_grad()
def trace(network: Network, inputs: Tensor) -> list[Trace]:
    """Gates and states of every layer and direction, from the cells' own equations.

    Args:
        network: of any cell, depth and direction, in evaluation mode.
        inputs: one sequence as `Network.forward` takes it, [1, T, F]. Where several steps are read as one, there is a
            value for each frame.
    """
    values, lengths = network.entering(inputs, torch.tensor([inputs.shape[1]], device=inputs.device))
    values = network.with_context(values, lengths)
    found = []
    for number, layer in enumerate(network.recurrence(), 1):
        for backward, cell in enumerate(layer.directions):
            read = reverse_sequences(values, lengths) if backward else values
            gates, states = _read(cell, read)
            if backward:
                gates = {name: value.flip(0) for name, value in gates.items()}
                states = {name: value.flip(0) for name, value in states.items()}
            found.append(Trace(number, bool(backward), gates, states, cell.letters, cell.switches))
        values = layer(values, lengths)
    return found


def _read(cell: Cell, inputs: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Gates and states of a cell over a sequence, [1, T, F] → [T, H] each."""
    state, steps = cell.initial_state(inputs, 1), []
    for wx in cell.project(inputs).unbind(1):
        state, gates = cell.open_step(wx, state)
        steps.append((*state, *gates))
    names = (*cell.state_names, *cell.gates)
    found = {name: torch.cat(values) for name, values in zip(names, zip(*steps, strict=True), strict=True)}
    states = {name: found.pop(name) for name in cell.state_names}
    return found, states
