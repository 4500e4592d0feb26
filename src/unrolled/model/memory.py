"""What a stream remembers: the state of the network since the start, or the last steps themselves.

A state costs one step for a new one, but it is that of everything since the start. With a window the last steps are
read anew, so any network can follow a stream that never ends.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from unrolled.network import Network

_AT_ONCE = 65_536
"""Steps of windows that are read at a time."""


class Memory(Protocol):
    """What a stream of S sequences side by side remembers; ``state`` holds it, each [S, …]."""

    state: dict[str, Tensor]

    def read(self, inputs: Tensor, *, each: bool) -> Tensor:
        """Reads steps, [S, n, F] → the logits after each of them, [S, n, C], or after the last, [S, 1, C]."""

    def fresh(self) -> dict[str, Tensor]:
        """The state before the first step."""

    def cost(self, steps: int) -> int:
        """Steps that the network reads for so many new ones, of which only the last is answered."""


class NetworkState:
    """The states of the layers and the sums of the pooling, of a network that reads forward."""

    def __init__(self, network: Network, rows: int) -> None:
        self._network, self._rows = network, rows
        self.state = self.fresh()

    def fresh(self) -> dict[str, Tensor]:
        """See `Memory`."""
        return self._network.initial_state(self._rows)

    def read(self, inputs: Tensor, *, each: bool) -> Tensor:
        """See `Memory`."""
        logits, self.state = self._network.advance(inputs, self.state)
        return logits if each else logits[:, -1:]

    def cost(self, steps: int) -> int:
        """See `Memory`."""
        return steps


class LastSteps:
    """The last steps, W at most, which any network can read anew.

    Args:
        network: the network.
        rows: sequences side by side, S.
        width: values of a step, F, as the network reads them.
        window: W.
    """

    def __init__(self, network: Network, rows: int, width: int, window: int) -> None:
        self._network, self._rows, self._width, self._window = network, rows, width, window
        self.state = self.fresh()

    def fresh(self) -> dict[str, Tensor]:
        """See `Memory`; the steps stand at the end of their array, behind those that are not there yet."""
        like = self._network.output.weight
        steps = like.new_zeros(self._rows, self._window, self._width, dtype=torch.float32)
        return {
            "window.steps": steps,
            "window.count": torch.zeros(self._rows, 1, dtype=torch.int64, device=like.device),
        }

    def read(self, inputs: Tensor, *, each: bool) -> Tensor:
        """See `Memory`."""
        before, count = self.state["window.steps"], self.state["window.count"]
        steps = torch.cat([before, inputs], 1)  # [S, W + n, F]
        new = inputs.shape[1]
        answered = torch.arange(1 if each else new, new + 1, device=steps.device)  # new steps before each answer
        lengths = (count + answered).clamp(max=self._window)  # [S, K]
        firsts = self._window + answered - lengths
        logits = [
            self._network(*self._windows(steps, firsts[:, some], lengths[:, some]))
            for some in torch.arange(len(answered)).split(max(_AT_ONCE // (self._window * self._rows), 1))
        ]
        found = torch.cat([part.view(self._rows, -1, part.shape[-1]) for part in logits], 1)
        self.state = {"window.steps": steps[:, -self._window :].clone(), "window.count": lengths[:, -1:].clone()}
        return found

    def cost(self, steps: int) -> int:
        """See `Memory`."""
        return self._window + steps

    def _windows(self, steps: Tensor, firsts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Windows as a batch, [S·K, W, F], and their lengths, [S·K]; from the first steps of each, [S, K]."""
        longest = int(lengths.max())
        places = (firsts[..., None] + torch.arange(longest, device=steps.device)).clamp(max=steps.shape[1] - 1)
        rows = torch.arange(len(steps), device=steps.device)[:, None, None]
        inside = torch.arange(longest, device=steps.device) < lengths[..., None]  # [S, K, W]
        windows = steps[rows, places].where(inside[..., None], 0.0)
        return windows.flatten(0, 1), lengths.flatten()
