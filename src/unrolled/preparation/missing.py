"""What stands in the place of missing values (NaN), step by step, so that it can be read as it comes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unrolled.config import MissingName
from unrolled.nn import State

_CARRIED: dict[MissingName, tuple[str, ...]] = {
    "none": (),
    "mean": (),
    "forward-fill": ("last",),
    "mask": ("last", "since"),
}


class Filling(nn.Module):
    """Replaces missing values, and tells of them.

    ``mean`` puts the channel's mean there; ``forward-fill`` the last value before it, and the mean where
    there is none. ``mask`` fills forward too, and puts two more values of each channel behind, as Che et
    al. 2018 (arXiv 1606.01865) feed them: m_t, 1 where a value was there and 0 where it was missing, and
    ln(1 + δ_t), where δ_t is the time since the channel was last observed before step t, in steps:

        δ_1 = 0,   δ_t = 1 + (0 where m_{t−1} = 1, else δ_{t−1})

    (the logarithm keeps a long silence a small number). ``none`` leaves everything as it is.

    Args:
        channels: values of a step, F.
        missing: which of these.
    """

    mean: Tensor

    def __init__(self, channels: int, missing: MissingName) -> None:
        super().__init__()
        self.missing = missing
        self.width = 3 * channels if missing == "mask" else channels
        self.state_names = _CARRIED[missing]
        if missing != "none":
            self.register_buffer("mean", torch.zeros(channels))

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Before the first step: no value but the mean, and no time since it, [B, F] each."""
        if not self.state_names:
            return ()
        last = self.mean.to(like).expand(batch, -1)
        return (last, torch.zeros_like(last))[: len(self.state_names)]

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, [B, T, F] → [B, T, F] (or 3·F), and what is carried on."""
        if self.missing == "none":
            return values, state
        observed = ~values.isnan()
        if self.missing == "mean":
            return values.where(observed, self.mean), state
        latest = latest_observed(observed)
        filled = fill_forward(values, latest, state[0])
        if self.missing == "forward-fill":
            return filled, (filled[:, -1],)
        since = time_since(latest, state[1])  # [B, T + 1, F]
        told = torch.cat([filled, observed.to(filled.dtype), since[:, :-1].log1p()], -1)
        return told, (filled[:, -1], since[:, -1])


def latest_observed(observed: Tensor) -> Tensor:
    """The number of the last step up to each one that has a value, from 0; −1 where none has, [B, T, F]."""
    steps = torch.arange(observed.shape[1], device=observed.device)
    return torch.where(observed, steps[:, None], -1).cummax(1).values


def fill_forward(values: Tensor, latest: Tensor, last: Tensor) -> Tensor:
    """Each value, or the last before it; ``last``, [B, F], where there is none, [B, T, F]."""
    return values.gather(1, latest.clamp(min=0)).where(latest >= 0, last[:, None])


def time_since(latest: Tensor, since: Tensor) -> Tensor:
    """Steps since the last value before each step, δ, and before the one that will follow, [B, T + 1, F].

    Args:
        latest: of `latest_observed`.
        since: δ of the first step, [B, F].
    """
    count = latest.shape[1]
    before = torch.cat([torch.full_like(latest[:, :1], -1), latest], 1)  # [B, T + 1, F]
    steps = torch.arange(count + 1, device=latest.device)[:, None]
    return torch.where(before >= 0, (steps - before).to(since.dtype), since[:, None] + steps)
