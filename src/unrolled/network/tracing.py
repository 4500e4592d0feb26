"""A look inside: the gates and states of every layer while a network reads one sequence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unrolled.network.network import Network
from unrolled.nn import Cell, count_frames, reverse_sequences


@dataclass(frozen=True)
class Trace:
    """What one direction of one layer did at each step.

    Attributes:
        layer: number of the layer, from 1.
        backward: whether this direction reads the sequence from its end.
        gates: values by the gate's letter, [T, H], in the order of the sequence's steps.
        states: parts of the state after each step, by name, [T, H], in the same order.
    """

    layer: int
    backward: bool
    gates: dict[str, Tensor]
    states: dict[str, Tensor]


@torch.no_grad()
def trace(network: Network, inputs: Tensor) -> list[Trace]:
    """Gates and states of every layer and direction, from the cells' own equations.

    Args:
        network: of any cell, depth and direction, in evaluation mode.
        inputs: one sequence as `Network.forward` takes it, [1, T, F]. Where several steps are read as one, what is
            found is of each frame of them.
    """
    lengths = torch.tensor([inputs.shape[1]], device=inputs.device)
    with entering(network) as entered:
        network(inputs, lengths)
    lengths = count_frames(lengths, network.frame_steps)
    found = []
    for number, (layer, values) in enumerate(zip(network.layers, entered, strict=True), 1):
        for backward, cell in enumerate(layer.cells):  # type: ignore[arg-type]
            assert isinstance(cell, Cell)  # noqa: S101  # for the type checker: a ModuleList forgets
            read = reverse_sequences(values, lengths) if backward else values
            gates, states = _read(cell, read)
            if backward:
                gates = {name: value.flip(0) for name, value in gates.items()}
                states = {name: value.flip(0) for name, value in states.items()}
            found.append(Trace(number, bool(backward), gates, states))
    return found


@contextmanager
def entering(network: Network) -> Iterator[list[Tensor]]:
    """Collects what enters each layer, [B, T, ·], while the block runs the network."""
    with _noting(network.layers) as entered:
        yield entered


@contextmanager
def reading(network: Network) -> Iterator[list[Tensor]]:
    """Collects what the network has prepared to be read, [B, T, ·], while the block runs it."""
    with _noting([_readers(network)[0]]) as entered:
        yield entered


@contextmanager
def _noting(modules: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    entered: list[Tensor] = []

    def note(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        del module
        entered.append(arguments[0])

    handles = [module.register_forward_pre_hook(note) for module in modules]
    try:
        yield entered
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def replacing(network: Network, values: Tensor) -> Iterator[None]:
    """Lets the network read other values than it prepared, [B, T, ·]."""

    def put(module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        del module
        return (values, *arguments[1:])

    handles = [reader.register_forward_pre_hook(put) for reader in _readers(network)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _readers(network: Network) -> list[nn.Module]:
    """What reads the prepared values first: the recurrence, and what goes past it."""
    first = network.context or network.layers[0]
    return [first] if network.skip is None else [first, network.skip]


def _read(cell: Cell, inputs: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Gates and states of a cell over a sequence, [1, T, F] → [T, H] each."""
    state = cell.initial_state(inputs, 1)
    gates: list[tuple[Tensor, ...]] = []
    states: list[tuple[Tensor, ...]] = []
    for wx in cell.project(inputs).unbind(1):
        state, values = cell.open_step(wx, state)
        gates.append(values)
        states.append(state)
    by_gate = {name: torch.cat(steps) for name, steps in zip(cell.gates, zip(*gates, strict=True), strict=True)}
    by_part = {name: torch.cat(steps) for name, steps in zip(cell.state_names, zip(*states, strict=True), strict=True)}
    return {name: value for name, value in by_gate.items() if name not in by_part}, by_part
