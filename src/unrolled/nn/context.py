"""Context: each step is read together with its neighbours.

Speech recognisers splice neighbouring frames in the same way (Waibel et al. 1989, "Phoneme Recognition
Using Time-Delay Neural Networks"). The distances of the neighbours double, so that few of them reach far,
as in dilated convolutions (Yu and Koltun 2016, arXiv 1511.07122).
"""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.frames import take_beside
from unrolled.nn.part import Obstacle, Part


def context_offsets(reach: int) -> tuple[int, ...]:
    """The offsets of the neighbours: 0, ±1, ±2, ±4, … up to ±``reach``, ascending."""
    distances = [1 << power for power in range(reach.bit_length())]
    return (*(-distance for distance in reversed(distances)), 0, *distances)


class Context(Part):
    """Puts the neighbours of each step beside it, in their order in time.

    Beyond the ends of a sequence its first or last step is repeated; the padding is never read.

    Args:
        reach: the furthest neighbour, in steps, at least 1.
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach, self.offsets = reach, context_offsets(reach)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, F], [B] → [B, T, K·F] with K offsets, one step's values after another's."""
        numbers = torch.arange(values.shape[1], device=values.device)
        places = torch.stack([numbers + offset for offset in self.offsets], 1)  # [T, K], made on the device itself
        return take_beside(values, places.flatten(), lengths, len(self.offsets))

    @property
    def obstacle(self) -> Obstacle:
        """See `Part.obstacle`."""
        return Obstacle(f"reads up to {self.offsets[-1]} steps after each one along with it", "with --context-steps 0")

    @property
    def words(self) -> str:
        """See `Part.words`."""
        return f"each step with up to {self.reach} around it"
