"""Numbers as the recurrence reads them: normalised, and with something in the place of what is missing.

Both are learned from training data alone, saved with the weights, and the same in training, predicting,
streaming and export.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unrolled.config import MissingName, NormalisationName
from unrolled.nn import State, valid_steps
from unrolled.preparation.missing import Filling


class Normaliser(nn.Module):
    """(x − shift) ∘ factor by channel; learned from training data, saved with the weights.

    Padding is normalised too, and does not matter.
    """

    shift: Tensor
    factor: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(channels))
        self.register_buffer("factor", torch.ones(channels))

    def set_statistics(self, mean: Tensor, deviation: Tensor) -> None:
        """Takes a mean and a deviation by channel, [F]; a constant channel is only shifted."""
        self.shift.copy_(mean)
        self.factor.copy_(factor_of(mean, deviation))

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, T, F] → [B, T, F]."""
        return (inputs - self.shift).mul_(self.factor)


class Preparation(nn.Module):
    """Normalisation, then what stands for missing values.

    ``channel`` and ``overall`` subtract and divide by what training data gave; ``sequence`` by the mean and
    the deviation of each channel over the sequence's own steps, and what is missing there takes that mean;
    ``none`` leaves values. No mean or deviation ever counts a missing value, so the order of the two does not
    matter. What is missing (NaN) is replaced by `Filling`, in the normalised unit.

    Args:
        channels: values of a step, F.
        missing: what becomes of missing values; ``none`` where there are none.
        normalisation: see above.
    """

    def __init__(
        self, channels: int, missing: MissingName = "none", normalisation: NormalisationName = "channel"
    ) -> None:
        super().__init__()
        self.normalisation = normalisation
        self.normaliser = Normaliser(channels)
        self.filling = Filling(channels, missing)
        self.width = self.filling.width

    @property
    def causal(self) -> bool:
        """Whether what becomes of a step depends on no later one, so that sequences can be read as they come."""
        return self.normalisation != "sequence"

    def set_statistics(self, mean: Tensor, deviation: Tensor, channel_mean: Tensor | None = None) -> None:
        """Takes what training data gave, [F] each.

        Args:
            mean: what to subtract; where nothing is, the channels' means.
            deviation: what to divide by.
            channel_mean: each channel's mean, where ``mean`` is that of all channels together.
        """
        if self.normalisation in ("channel", "overall"):
            self.normaliser.set_statistics(mean, deviation)
        if self.filling.missing != "none" and self.normalisation != "sequence":
            self.filling.mean.copy_(self.normaliser(mean if channel_mean is None else channel_mean))

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, F], NaN where a value is missing, and [B] → [B, T, F], or [B, T, 3·F] with the mask."""
        if self.normalisation != "sequence":
            return self.advance(inputs, self.initial_state(inputs, len(inputs)))[0]
        mean, deviation = sequence_statistics(inputs, lengths)
        values = ((inputs - mean) * factor_of(mean, deviation)).to(self.normaliser.shift.dtype)
        return self.filling.advance(values, self.initial_state(values, len(values)))[0]

    @property
    def state_names(self) -> tuple[str, ...]:
        """What is carried from step to step."""
        return self.filling.state_names

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Before the first step; on ``like``'s device."""
        return self.filling.initial_state(self.normaliser.shift.to(like.device), batch)

    def advance(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps of sequences that are read as they come, [B, T, F] → [B, T, F] (or 3·F), and what is carried.

        Only where each step can be prepared without the later ones; see `causal`.
        """
        values = inputs.to(self.normaliser.shift.dtype) if self.normalisation == "none" else self.normaliser(inputs)
        return self.filling.advance(values, state)

    def unit(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """What a normalised 1 is worth in the inputs: [F], or [B, 1, F] where each sequence has its own."""
        if self.normalisation != "sequence":
            return 1 / self.normaliser.factor
        return (1 / factor_of(*sequence_statistics(inputs, lengths))).to(inputs.dtype)


def factor_of(mean: Tensor, deviation: Tensor) -> Tensor:
    """What standardised values are multiplied by: 1 / deviation, and 1 for a constant."""
    smallest = (1e-6 * mean.abs()).clamp(min=1e-30)  # below it float32 cannot tell values from the mean
    return torch.where(deviation > smallest, 1 / deviation, 1.0)


def sequence_statistics(inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over each sequence's own steps, [B, 1, F] each, in float64.

    Missing values (NaN) do not count; a channel that has no other has the mean 0.

    Args:
        inputs: [B, T, F].
        lengths: [B].
    """
    counted = valid_steps(lengths, inputs.shape[1])[:, :, None] & ~inputs.isnan()
    count = counted.sum(1, keepdim=True).clamp(min=1)
    mean = inputs.where(counted, 0.0).sum(1, keepdim=True, dtype=torch.float64) / count
    squares = (inputs - mean).square().where(counted, 0.0)  # float64
    return mean, (squares.sum(1, keepdim=True) / count).sqrt()
