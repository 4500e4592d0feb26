"""Random convolutions: how often and how strongly many fixed patterns occur, past the recurrence.

Two kinds of kernels of nine taps are slid over the sequence and over its changes from step to step, with 1, 2, 4, …
steps between their taps. Their outputs are summed up over all steps, so it does not matter where a pattern stands, and
a long sequence is read in full at several scales.

- Each of the 84 kernels with three taps 2 and six taps −1 is compared with thresholds (Dempster, Schmidt and Webb 2021,
  "MiniRocket", arXiv 2012.08791): the share of the steps above it (here with a ramp around the threshold, so that
  rounding cannot flip a step), and the mean excess (Tan et al. 2022, "MultiRocket", arXiv 2102.00457).
- Kernels drawn at random compete in groups of eight at each step: the outputs of each kernel where it is the largest of
  its group are added up, and the steps where it is the least are counted (Dempster, Schmidt and Webb 2023, "Hydra",
  arXiv 2203.13652; here by a sharp softmax, for the same reason).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from unrolled.nn.frames import take_beside
from unrolled.nn.overriding import overridable
from unrolled.nn.part import Obstacle, Part
from unrolled.nn.unroll import valid_steps

TAPS = 9
FIXED = tuple(combinations(range(TAPS), 3))
THRESHOLDS = 4
GROUPS, IN_GROUP = 32, 8
VIEWS = 2
"""The values, and their changes."""

MOST_DILATIONS, FEWEST_BANKS = 8, 6
"""Where there are fewer distances than `FEWEST_BANKS`, some have several banks of kernels, each drawn anew."""

MOST_CHANNELS = 9
"""Channels at most that a kernel reads."""

SOFTNESS = 0.02
"""Half the width of the ramp around a threshold, and the temperature of the softmax, in units of the spread of the
kernels' outputs, which outliers do not widen."""

SPREAD_STEPS = 1_000
"""Steps at most from which that spread is computed."""

CHUNK_STEPS = 512
"""Steps that are computed together, so that the outputs of all kernels stay in a processor's cache."""

_FEATURES = 2 * THRESHOLDS * len(FIXED) + 2 * GROUPS * IN_GROUP
"""Features of one view and one bank of kernels."""


def automatic_dilations(longest: int) -> int:
    """Number of dilations 1, 2, 4, … such that the widest kernel is not longer than the longest training sequence."""
    return min(max((longest - 1) // (TAPS - 1), 1).bit_length(), MOST_DILATIONS)


class Convolutions(Part):
    """Statistics of random convolutions, and the readout's weights for them.

    The kernels and thresholds are not trained by gradients, nor are the weights, which a fit in closed form sets. While
    the weights are all zero nothing is computed.

    Args:
        channels: F.
        classes: C.
        dilations: D; the distances between taps are 1, 2, …, 2^(D − 1).
        frame_steps: steps of a frame; frames are read step by step.
    """

    kernels: Tensor
    thresholds: Tensor
    softness: Tensor
    weights: Tensor

    def __init__(self, channels: int, classes: int, dilations: int, frame_steps: int = 1) -> None:
        super().__init__()
        self.channels, self.frame_steps, fixed = channels, frame_steps, len(FIXED)
        self.distances = [2 ** (bank % dilations) for bank in range(max(dilations, FEWEST_BANKS))]
        banks = len(self.distances)
        self.register_buffer("kernels", torch.zeros(VIEWS, banks, fixed + GROUPS * IN_GROUP, TAPS * channels))
        self.register_buffer("thresholds", torch.zeros(VIEWS, banks, fixed, THRESHOLDS))
        self.register_buffer("softness", torch.ones(VIEWS, banks, fixed + 1, 1))
        self.register_buffer("weights", torch.zeros(classes, VIEWS * banks * _FEATURES))

    @property
    def widths(self) -> tuple[int, int]:
        """Numbers of features of both kinds."""
        each = VIEWS * len(self.distances)
        return each * 2 * THRESHOLDS * len(FIXED), each * 2 * GROUPS * IN_GROUP

    def initialize(self, generator: Generator) -> None:
        """Draws the kernels, and the channels that each of them reads."""
        fixed = torch.full((len(FIXED), TAPS), -1.0)
        fixed[torch.arange(len(FIXED))[:, None], torch.tensor(FIXED)] = 2.0
        for kernels in self.kernels.flatten(0, 1):
            drawn = torch.randn(GROUPS * IN_GROUP, TAPS, generator=generator)
            drawn = drawn - drawn.mean(1, keepdim=True)
            drawn = drawn / drawn.abs().sum(1, keepdim=True)
            read = _some_channels(len(FIXED) + GROUPS, self.channels, generator)
            read = torch.cat([read[: len(FIXED)], read[len(FIXED) :].repeat(IN_GROUP, 1)])
            kernels.copy_((torch.cat([fixed, drawn])[:, :, None] * read[:, None, :]).flatten(1))

    def learn(self, values: Tensor, lengths: Tensor, generator: Generator) -> None:
        """Takes the thresholds from random quantiles of the kernels' outputs for one sequence each.

        Args:
            values: of some training sequences, as `forward` gets them.
            lengths: of these.
            generator: of the choice.
        """
        read, steps = self._steps(values, lengths)
        there = valid_steps(steps, read.shape[1])
        for view, bank, beside in self._beside(read, steps):
            found = self.kernels[view, bank] @ beside[there].T  # [K, S]
            self.thresholds[view, bank] = _quantiles(found[: len(FIXED)], steps, generator)
            some = found[:, :: -(-found.shape[1] // SPREAD_STEPS)].sort(1).values
            spreads = torch.cat([_spread(some[: len(FIXED)]), _spread(some[len(FIXED) :]).median()[None]])
            self.softness[view, bank] = SOFTNESS * spreads.clamp(min=1e-6)[:, None]

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The features of sequences, [B, T, F], [B] → [B, D]: those of the fixed kernels, then those that compete."""
        parts = [self._features(*part) for part in in_chunks(values, lengths)]
        return torch.cat(parts, 0) if len(parts) > 1 else parts[0]

    def logits(self, values: Tensor, lengths: Tensor) -> Tensor | None:
        """What the features add to the logits, [B, C]; None while the weights are zero."""
        return F.linear(self(values, lengths), self.weights) if self.weights.any() else None

    def _features(self, values: Tensor, lengths: Tensor) -> Tensor:
        read, steps = self._steps(values, lengths)
        shares = (valid_steps(steps, read.shape[1]).to(read.dtype) / steps[:, None])[:, None, :]  # [B, 1, T]
        counted, won = [], []
        for view, bank, beside in self._beside(read, steps):
            kernels, sharpness = self.kernels[view, bank], 0.5 / self.softness[view, bank]
            fixed = (kernels[: len(FIXED)] * sharpness[:-1])[:, None].expand(-1, THRESHOLDS, -1).flatten(0, 1)
            above = F.linear(beside, fixed, 0.5 - (self.thresholds[view, bank] * sharpness[:-1]).flatten())
            counted += [shares @ above.clamp(min=0, max=1), shares @ above.clamp(min=0.5)]
            groups = F.linear(beside, kernels[len(FIXED) :]).unflatten(2, (IN_GROUP, GROUPS))
            largest = groups.where(groups >= groups.amax(2).clamp(min=0)[:, :, None], 0.0)
            least = (groups * (-2 * sharpness[-1])).softmax(2)
            won += [shares @ largest.flatten(2), shares @ least.flatten(2)]
        return torch.cat([*(part[:, 0] for part in counted), *((part[:, 0] + 1e-4).sqrt() for part in won)], 1)

    def _steps(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The values step by step, and their lengths."""
        if self.frame_steps == 1:
            return values, lengths
        return values.unflatten(2, (self.frame_steps, self.channels)).flatten(1, 2), lengths * self.frame_steps

    def _beside(self, read: Tensor, steps: Tensor) -> Iterator[tuple[int, int, Tensor]]:
        """View, bank and what a kernel's taps read at each step, [B, T, 9·F]; zero beyond a sequence's ends."""
        there = valid_steps(steps, read.shape[1])[:, :, None]
        before = take_beside(read, torch.arange(read.shape[1], device=read.device) - 1, steps, 1)
        for view, values in enumerate((read, read - before)):
            known = values.where(there, 0.0)  # padding may hold anything
            for bank, distance in enumerate(self.distances):
                yield view, bank, beside_at(known, distance, TAPS)

    @property
    def obstacle(self) -> Obstacle:
        """See `Part.obstacle`."""
        reason = "compares a sequence with patterns that reach on both sides of each step"
        return Obstacle(reason, "with --skip-convolutions 0")

    @property
    def words(self) -> str:
        """See `Part.words`."""
        return f"random convolutions with {max(self.distances).bit_length()} distances between taps beside it"


@overridable
def in_chunks(values: Tensor, lengths: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The sequences in chunks of about `CHUNK_STEPS` steps; an export reads them as one."""
    size = max(1, CHUNK_STEPS // values.shape[1])
    return list(zip(values.split(size), lengths.split(size), strict=True))


def _quantiles(outputs: Tensor, steps: Tensor, generator: Generator) -> Tensor:
    """Random quantiles of each kernel's outputs for random sequences, [K, S], [B] → [K, `THRESHOLDS`]."""
    parts = [part.sort(1).values for part in outputs.split(steps.tolist(), 1)]
    chosen = torch.randint(len(parts), (len(outputs), THRESHOLDS), generator=generator, device="cpu").tolist()
    shares = torch.rand(len(outputs), THRESHOLDS, generator=generator, device="cpu").tolist()
    rows = [
        [parts[one][kernel, int(share * parts[one].shape[1])] for one, share in zip(ones, some, strict=True)]
        for kernel, (ones, some) in enumerate(zip(chosen, shares, strict=True))
    ]
    return torch.stack([torch.stack(row) for row in rows])


def _spread(ordered: Tensor) -> Tensor:
    """The interquartile range as a standard deviation, at least a thousandth of that itself: [K, S], sorted → [K]."""
    low, high = ordered[:, ordered.shape[1] // 4], ordered[:, 3 * ordered.shape[1] // 4]
    return ((high - low) / 1.349).maximum(1e-3 * ordered.std(1, correction=0))


def _some_channels(count: int, channels: int, generator: Generator) -> Tensor:
    """Which channels each of so many kernels reads, [count, F]: few more often than many."""
    most = min(channels, MOST_CHANNELS)
    numbers = (most + 1) ** torch.rand(count, generator=generator)
    ranks = torch.rand(count, channels, generator=generator).argsort(1).argsort(1)
    return (ranks < numbers.long().clamp(1, most)[:, None]).float()


def beside_at(values: Tensor, distance: int, count: int) -> Tensor:
    """Each step with its neighbours at multiples of a distance, on both sides, [B, T, F] → [B, T, count · F].

    Beyond the ends stand zeros.
    """
    reach = count // 2 * distance
    zeros = (values[:, :1] * 0.0).expand(-1, reach, -1)
    longer = torch.cat([zeros, values, zeros], 1)
    shifts = range(0, 2 * reach + 1, distance)
    return torch.cat([longer[:, shift : (shift - 2 * reach) or None] for shift in shifts], 2)
