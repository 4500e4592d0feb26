"""The base of all rules for missing values."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from unrolled.nn import Part, State


class Filling(Part):
    """Replaces missing values.

    Args:
        channels: values of a step, F.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.width = channels

    def set_mean(self, mean: Tensor) -> None:
        """Sets each channel's mean in the normalised unit, [F], for rules that use it."""

    @abstractmethod
    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, [B, T, F] → [B, T, ``width``] without a missing value, and the new state."""
