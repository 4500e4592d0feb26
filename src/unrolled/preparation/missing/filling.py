"""What all rules for missing values share."""

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
        """Takes each channel's mean in the normalised unit, [F], where the rule has a use for it."""

    @abstractmethod
    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, [B, T, F] → [B, T, ``width``] without a missing value, and what is carried on."""
