"""The first part of a network for numbers: normalisation, then replacement of missing values.

Both are learned from training data alone, saved with the weights, and the same in training, prediction, streaming and
export.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.config import MissingName, NormalisationName
from unrolled.data import Sequences
from unrolled.nn import Obstacle, Part, State
from unrolled.preparation.missing import MISSING
from unrolled.preparation.normalisation import NORMALISATIONS
from unrolled.preparation.statistics import channel_statistics


class Preparation(Part):
    """Normalisation, then replacement of missing values in the normalised unit.

    Means and deviations never count a missing value, so the order of the two does not matter.

    Args:
        channels: values of a step, F.
        missing: the rule for missing values; ``none`` for data without any.
        normalisation: see `unrolled.preparation.normalisation`.
    """

    def __init__(
        self, channels: int, missing: MissingName = "none", normalisation: NormalisationName = "channel"
    ) -> None:
        super().__init__()
        self.normaliser = NORMALISATIONS[normalisation](channels)
        self.filling = MISSING[missing](channels)
        self.width = self.filling.width
        self.state_names = self.filling.state_names

    @property
    def obstacle(self) -> Obstacle | None:
        """The obstacle of the normalisation, or else of the rule for missing values."""
        return self.normaliser.obstacle or self.filling.obstacle

    def learn(self, train: Sequences) -> None:
        """Learns the statistics of training data."""
        by_channel = channel_statistics(train)
        parts = (*self.normaliser.statistics(train, by_channel), by_channel[0])
        self.set_statistics(*(torch.from_numpy(part) for part in parts))

    def set_statistics(self, mean: Tensor, deviation: Tensor, channel_mean: Tensor | None = None) -> None:
        """Sets the statistics of training data, [F] each.

        Args:
            mean: the values to subtract; the channels' means for a normalisation that subtracts nothing.
            deviation: the values to divide by.
            channel_mean: each channel's mean, if ``mean`` is that of all channels together.
        """
        self.normaliser.set_statistics(mean, deviation)
        self.filling.set_mean(self.normaliser.normalised_mean(mean if channel_mean is None else channel_mean))

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Values, [B, T, F], NaN for a missing one, and lengths, [B] → [B, T, F], or [B, T, 3·F] with the mask."""
        values = self.normaliser(inputs, lengths)
        return self.filling.advance(values, self.filling.initial_state(values, 1))[0]

    def initial_state(self, like: Tensor, batch: int) -> State:
        """The state before the first step, on ``like``'s device."""
        return self.filling.initial_state(self.normaliser.shift.to(like.device), batch)

    def advance(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps of a stream, [B, T, F] → [B, T, F] (or 3·F), and the new state."""
        return self.filling.advance(self.normaliser(inputs), state)

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor | None:
        """The size of a normalised 1 in the inputs: [F], or [B, 1, F] if each sequence has its own."""
        return self.normaliser.unit(inputs, lengths)
