"""A cell over all steps: the reference kernel, against which every faster kernel is tested.

Sequences of different lengths stand in one batch, padded on the right. Padding after a sequence's last step cannot
reach its earlier outputs, so the recurrence needs no mask: the last output is taken at the right step (`gather_last`),
and a reversed direction starts at each sequence's own last step (`reverse_sequences`).
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
"""The requested outputs of a cell: all of them, each sequence's last one, or their mean."""


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
        LengthError: naming the first wrong length.
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
    # a slice costs half of a gather, and suffices for most batches on a CPU; on a GPU the comparison would wait
    if lengths.device.type == "cpu" and bool((lengths == outputs.shape[1]).all()):
        return outputs[:, -1]
    return outputs[torch.arange(len(outputs), device=outputs.device), lengths - 1]


def mean_output(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The mean of the outputs over each sequence's own steps, [B, T, H], [B] → [B, H]."""
    valid = valid_steps(lengths, outputs.shape[1])[:, :, None]
    return outputs.where(valid, 0.0).sum(1) / lengths[:, None].to(outputs.dtype)


def reverse_sequences(values: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence reversed within its own length; the padding stays in place.

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
