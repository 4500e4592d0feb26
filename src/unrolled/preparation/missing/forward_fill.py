"""The channel's last value in the place of a missing one."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn import State
from unrolled.preparation.missing.mean import MeanFilling


class ForwardFilling(MeanFilling):
    """Replaces a missing value by the channel's last value, or by its mean if there is none yet."""

    state_names: tuple[str, ...] = ("last",)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Before the first step the last value is the mean, [B, F]."""
        return (self.mean.to(like).expand(batch, -1),)

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Filling`."""
        filled = fill_forward(values, latest_observed(~values.isnan()), state[0])
        return filled, (filled[:, -1],)


def latest_observed(observed: Tensor) -> Tensor:
    """The index of the last step with a value, up to each step; −1 if there is none, [B, T, F]."""
    steps = torch.arange(observed.shape[1], device=observed.device)
    return torch.where(observed, steps[:, None], -1).cummax(1).values


def fill_forward(values: Tensor, latest: Tensor, last: Tensor) -> Tensor:
    """Each value, or else the last one before it, or else ``last``, [B, F] → [B, T, F]."""
    return values.gather(1, latest.clamp(min=0)).where(latest >= 0, last[:, None])
