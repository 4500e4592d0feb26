"""Numbers as the recurrence reads them: normalised, and with something in the place of what is missing.

Both are learned from training data alone, saved with the weights, and the same in training, predicting,
streaming and export.
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
    """Normalisation, then what stands for missing values, in the normalised unit.

    No mean or deviation ever counts a missing value, so the order of the two does not matter.

    Args:
        channels: values of a step, F.
        missing: what becomes of missing values; ``none`` where there are none.
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
        """That of the normalisation or of the rule for missing values."""
        return self.normaliser.obstacle or self.filling.obstacle

    def learn(self, train: Sequences) -> None:
        """Takes its statistics from training data."""
        by_channel = channel_statistics(train)
        parts = (*self.normaliser.statistics(train, by_channel), by_channel[0])
        self.set_statistics(*(torch.from_numpy(part) for part in parts))

    def set_statistics(self, mean: Tensor, deviation: Tensor, channel_mean: Tensor | None = None) -> None:
        """Takes what training data gave, [F] each.

        Args:
            mean: what to subtract; where nothing is, the channels' means.
            deviation: what to divide by.
            channel_mean: each channel's mean, where ``mean`` is that of all channels together.
        """
        self.normaliser.set_statistics(mean, deviation)
        self.filling.set_mean(self.normaliser.normalised_mean(mean if channel_mean is None else channel_mean))

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, F], NaN where a value is missing, and [B] → [B, T, F], or [B, T, 3·F] with the mask."""
        values = self.normaliser(inputs, lengths)
        return self.filling.advance(values, self.filling.initial_state(values, 1))[0]

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Before the first step; on ``like``'s device."""
        return self.filling.initial_state(self.normaliser.shift.to(like.device), batch)

    def advance(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, read as they come, [B, T, F] → [B, T, F] (or 3·F), and what is carried on."""
        return self.filling.advance(self.normaliser(inputs), state)

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor | None:
        """What a normalised 1 is worth in the inputs: [F], or [B, 1, F] where each sequence has its own."""
        return self.normaliser.unit(inputs, lengths)
