"""The last value in the place of a missing one, and two further values that mark the gap."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn import State
from unrolled.preparation.missing.forward_fill import ForwardFilling, fill_forward, latest_observed


class MaskFilling(ForwardFilling):
    """Fills forward and appends two values of each channel, as in Che et al. 2018 (arXiv 1606.01865).

    These are m_t, 1 where a value was there and 0 where it was missing, and ln(1 + δ_t), where δ_t is the time since
    the channel was last observed before step t, in steps:

        δ_1 = 0,   δ_t = 1 + (0 where m_{t−1} = 1, else δ_{t−1})

    (the logarithm keeps a long silence a small number).
    """

    state_names = ("last", "since")

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.width = 3 * channels

    def initial_state(self, like: Tensor, batch: int) -> State:
        """The state of `ForwardFilling`, and a time of 0 since then, [B, F]."""
        (last,) = super().initial_state(like, batch)
        return last, torch.zeros_like(last)

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Filling`."""
        last, since = state
        observed, count = ~values.isnan(), values.shape[1]
        latest = latest_observed(observed)
        filled = fill_forward(values, latest, last)
        before = torch.cat([latest[:, :1].clamp(max=-1), latest[:, :-1]], 1)
        waited = time_since(before, torch.arange(count, device=values.device)[:, None], since[:, None])
        outputs = torch.cat([filled, observed.to(filled.dtype), waited.log1p()], -1)
        return outputs, (filled[:, -1], time_since(latest[:, -1], count, since))


def time_since(latest: Tensor, steps: Tensor | int, since: Tensor) -> Tensor:
    """Steps since the last value before a step, δ.

    Args:
        latest: the index of the last step with a value before it, −1 if there is none.
        steps: the index of the step.
        since: δ of step 0.
    """
    return torch.where(latest >= 0, (steps - latest).to(since.dtype), since + steps)
