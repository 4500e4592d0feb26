"""One recurrent layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Generator, Tensor, nn
from torch.nn import functional as F

from unrolled.config import ModelConfig
from unrolled.nn import (
    CELLS,
    Cell,
    Kernel,
    Obstacle,
    Part,
    Reads,
    State,
    choose_kernel,
    initialize_cell,
    read_cells,
    run_cell,
)


class Layer(Part):
    """A cell over all steps, or one cell for each direction.

    Args:
        config: cell, sizes, directions, dropout, initialiser.
        input_size: F.
        offsets: of the steps that the input holds side by side; see `unrolled.nn.context`.
    """

    def __init__(self, config: ModelConfig, input_size: int, offsets: Sequence[int] = (0,)) -> None:
        super().__init__()
        directions = 2 if config.bidirectional else 1
        self.cells = nn.ModuleList(CELLS[config.cell](input_size, config.hidden_size) for _ in range(directions))
        self.config, self.offsets = config, offsets
        self.output_size = directions * config.hidden_size
        self.state_names = self.cell.state_names

    @property
    def cell(self) -> Cell:
        """The cell of the forward direction."""
        return self.directions[0]

    @property
    def directions(self) -> list[Cell]:
        """The forward cell, and the backward one where there is one."""
        return cast("list[Cell]", list(self.cells))

    @property
    def obstacle(self) -> Obstacle | None:
        """See `Part.obstacle`."""
        if len(self.cells) == 1:
            return self.cell.obstacle
        return Obstacle("reads sequences in both directions", "with --no-bidirectional")

    @property
    def words(self) -> str:
        """See `Part.words`."""
        return "forward" if len(self.cells) == 1 else "in both directions"

    @property
    def remark(self) -> str:
        """See `Part.remark`."""
        return "" if len(self.cells) == 1 else "This network also reads backwards, so its state knows the end."

    def initialize(self, generator: Generator) -> None:
        """Draws the weights of each direction; see `initialize_cell`."""
        config = self.config
        for cell in self.directions:
            initialize_cell(cell, config.initializer, config.forget_bias, generator, config.memory_steps, self.offsets)

    def forward(self, inputs: Tensor, lengths: Tensor, reads: Reads = "outputs") -> Tensor:
        """[B, T, F], [B] → [B, T, H], or [B, H] where ``reads`` is "last" or "mean".

        With two directions 2·H, the forward one first.
        """
        masks: list[Tensor | None] = [None] * len(self.cells)
        if self.training and self.config.recurrent_dropout:
            ones = inputs.new_ones(len(inputs), self.config.hidden_size)
            masks = [F.dropout(ones, self.config.recurrent_dropout) for _ in masks]
        return read_cells(inputs, self.directions, lengths, masks, reads, self.config.recompute_gates)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """The state before the first step, of the forward direction."""
        return self.cell.initial_state(like, batch)

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps of the forward direction, [B, T, F] → their outputs, [B, T, H], and the state after them."""
        return run_cell(values, self.cell, state)

    def kernel(self) -> Kernel:
        """The kernel of the cells in the layer's present mode (training or not)."""
        return choose_kernel(self.cell, recurrent_dropout=self.config.recurrent_dropout if self.training else 0.0)
