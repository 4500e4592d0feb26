"""A cell over time: the reference that every faster kernel is tested against.

Sequences of different lengths stand in one batch, padded on the right. Nothing that comes after a
sequence's own last step can reach its outputs before it, so the padding needs no mask on the way: the
outputs are read at the right places (`gather_last`), and a reversed direction starts at each
sequence's own last step (`reverse_sequences`).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unrolled.errors import LengthError
from unrolled.nn.cells import Cell
from unrolled.nn.overriding import overridable
from unrolled.nn.part import State

Reads = Literal["outputs", "last", "mean"]
"""What is asked for of a cell's outputs: all of them, each sequence's own last one, or their mean."""


def unroll(
    cell: Cell, inputs: Tensor, initial: State | None = None, mask: Tensor | None = None
) -> tuple[Tensor, State]:
    """Carries a cell over all steps.

    Args:
        cell: the cell.
        inputs: [B, T, F].
        initial: the state before the first step, each [B, H]; zeros where None.
        mask: recurrent dropout, [B, H]; see `Cell.step`.
    Returns:
        The outputs h of all steps, [B, T, H], and the state after the last of the T steps.
    """
    wx = cell.project(inputs)  # [B, T, G·H]
    state = cell.initial_state(inputs, len(inputs)) if initial is None else initial
    outputs = []
    for wx_t in wx.unbind(1):  # [B, G·H]
        state = cell.step(wx_t, state, mask)
        outputs.append(state[0])
    return torch.stack(outputs, 1), state


def check_lengths(lengths: Tensor, steps: int) -> None:
    """Refuses lengths outside 1..T.

    Raises:
        LengthError: naming the first that is wrong.
    """
    if not len(lengths):
        return
    shortest, longest = torch.aminmax(lengths)
    if int(shortest) < 1 or int(longest) > steps:
        index = int(torch.nonzero((lengths < 1) | (lengths > steps))[0])
        found = int(lengths[index])
        raise LengthError(f"sequence {index} has the length {found}; expected 1 to {steps} steps.")


@overridable
def gather_last(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The output at each sequence's own last step.

    Args:
        outputs: cell outputs, [B, T, H].
        lengths: steps of each sequence, [B], each in 1..T.
    Returns:
        [B, H].
    """
    # A slice costs half of a gather, and most batches on a CPU allow it; on a GPU the question itself would wait.
    if lengths.device.type == "cpu" and bool((lengths == outputs.shape[1]).all()):
        return outputs[:, -1]
    return outputs[torch.arange(len(outputs), device=outputs.device), lengths - 1]


def mean_output(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The mean of the outputs over each sequence's own steps, [B, T, H], [B] → [B, H]."""
    valid = valid_steps(lengths, outputs.shape[1])[:, :, None]
    return outputs.where(valid, 0.0).sum(1) / lengths[:, None].to(outputs.dtype)


def reverse_sequences(values: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence backwards within its own length; the padding stays where it is.

    Args:
        values: [B, T, F].
        lengths: [B].
    Returns:
        [B, T, F]; applied twice it gives ``values`` back.
    """
    steps = torch.arange(values.shape[1], device=values.device)  # [T]
    backwards = lengths[:, None] - 1 - steps  # [B, T]
    source = torch.where(backwards >= 0, backwards, steps)
    return values.gather(1, source[:, :, None].expand_as(values))


def valid_steps(lengths: Tensor, steps: int) -> Tensor:
    """Which steps belong to each sequence, [B, T], as booleans."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]
