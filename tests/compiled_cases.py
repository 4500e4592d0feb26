"""Calls of the compiled kernel, drawn at odd sizes, and the same by the cells' equations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unrolled.config import CellName
from unrolled.nn.cells import CELLS, Cell
from unrolled.nn.compiled.unrolling import CODES, Carried, carry
from unrolled.nn.part import State
from unrolled.nn.unroll import Reads, gather_last, reverse_sequences, valid_steps

NAMES: list[CellName] = [name for name, kind in CELLS.items() if kind in CODES]


@dataclass(frozen=True)
class Case:
    """A call of `carry`: sizes, and what is given and asked for."""

    batch: int = 9
    steps: int = 5
    inputs: int = 3
    units: int = 17
    reverse: bool = False
    reads: Reads = "outputs"
    with_initial: bool = False
    with_mask: bool = False
    recompute: bool = False
    seed: int = 0

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)


@dataclass(frozen=True)
class Given:
    """The tensors of a case."""

    inputs: Tensor
    lengths: Tensor
    initial: State | None
    mask: Tensor | None

    def leaves(self, dtype: torch.dtype) -> Given:
        """Copies that gradients end at."""
        states = None if self.initial is None else tuple(_leaf(part, dtype) for part in self.initial)
        mask = None if self.mask is None else self.mask.to(dtype)
        return Given(_leaf(self.inputs, dtype), self.lengths, states, mask)


def _leaf(value: Tensor, dtype: torch.dtype) -> Tensor:
    return value.to(dtype, copy=True).requires_grad_()


def draw_cell(name: CellName, inputs: int, units: int, seed: int = 0) -> Cell:
    """A cell whose weights are all at random, small enough that states stay of the order of 1."""
    cell, generator = CELLS[name](inputs, units), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.uniform_(-(units**-0.5), units**-0.5, generator=generator)
    return cell


def draw(case: Case, cell: Cell) -> Given:
    """Inputs and lengths, and the rest where the case has it."""
    generator = case.generator()
    shape = (case.batch, case.units)
    states = tuple(torch.randn(shape, generator=generator) for _ in cell.state_names)
    keeping = torch.rand(shape, generator=generator) < 0.7
    return Given(
        torch.randn(case.batch, case.steps, case.inputs, generator=generator),
        torch.randint(1, case.steps + 1, (case.batch,), generator=generator),
        states if case.with_initial else None,
        keeping.float() / 0.7 if case.with_mask else None,
    )


def compute(case: Case, cell: Cell, given: Given) -> Carried:
    """By the compiled library."""
    return carry(
        cell,
        given.inputs,
        given.lengths,
        given.initial,
        given.mask,
        reverse=case.reverse,
        reads=case.reads,
        recompute=case.recompute,
    )


def compute_by_steps(case: Case, cell: Cell, given: Given) -> Carried:
    """By the cell's equations, a step at a time, in the inputs' own type."""
    inputs = reverse_sequences(given.inputs, given.lengths) if case.reverse else given.inputs
    state = cell.initial_state(inputs, case.batch) if given.initial is None else given.initial
    states = []
    for wx in cell.project(inputs).unbind(1):
        state = cell.step(wx, state, given.mask)
        states.append(state)
    by_part = [torch.stack(part, 1) for part in zip(*states, strict=True)]  # each [B, T, H]
    last = tuple(gather_last(part, given.lengths) for part in by_part)
    outputs = by_part[0].where(valid_steps(given.lengths, case.steps)[:, :, None], 0.0)
    if case.reads == "mean":
        return Carried(outputs.sum(1) / given.lengths[:, None], last)
    read = reverse_sequences(outputs, given.lengths) if case.reverse else outputs
    return Carried(last[0] if case.reads == "last" else read, last)


def differentiate(case: Case, cell: Cell, given: Given, carried: Carried, seed: int = 1) -> dict[str, Tensor]:
    """Everything that came out by name, and the gradients of a random weighted sum of it."""
    results = {"read": carried.read, **dict(zip(cell.state_names, carried.state, strict=True))}
    generator = torch.Generator().manual_seed(case.seed + seed)
    loss = sum(
        (value * torch.randn(value.shape, generator=generator).to(value.dtype)).sum() for value in results.values()
    )
    assert isinstance(loss, Tensor)
    leaves = {"x": given.inputs, **dict(cell.named_parameters())}
    for name, part in zip(cell.state_names, given.initial or (), strict=False):
        leaves[f"initial {name}"] = part
    gradients = torch.autograd.grad(loss, list(leaves.values()), retain_graph=True)
    return results | {f"d {name}": value for name, value in zip(leaves, gradients, strict=True)}
