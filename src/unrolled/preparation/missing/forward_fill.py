"""The last value in the place of what is missing."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn import State
from unrolled.preparation.missing.mean import MeanFilling


class ForwardFilling(MeanFilling):
    """Puts the channel's last value before it, and its mean where there is none."""

    state_names: tuple[str, ...] = ("last",)

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Before the first step the last value is the mean, [B, F]."""
        return (self.mean.to(like).expand(batch, -1),)

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Filling`."""
        filled = fill_forward(values, latest_observed(~values.isnan()), state[0])
        return filled, (filled[:, -1],)


def latest_observed(observed: Tensor) -> Tensor:
    """The number of the last step up to each one that has a value, from 0; −1 where none has, [B, T, F]."""
    steps = torch.arange(observed.shape[1], device=observed.device)
    return torch.where(observed, steps[:, None], -1).cummax(1).values


def fill_forward(values: Tensor, latest: Tensor, last: Tensor) -> Tensor:
    """Each value, or the last before it; ``last``, [B, F], where there is none, [B, T, F]."""
    return values.gather(1, latest.clamp(min=0)).where(latest >= 0, last[:, None])
