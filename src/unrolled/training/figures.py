"""Loss and accuracy of a network on labelled sequences."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.data.batches import Batcher
from unrolled.network import Network, all_logits


class LossAndAccuracy(NamedTuple):
    """Loss and accuracy on some sequences.

    Attributes:
        loss: mean cross-entropy, weighted where the sequences have weights.
        accuracy: share of right answers.
    """

    loss: float
    accuracy: float


def measure(network: Network, batcher: Batcher) -> LossAndAccuracy:
    """Loss and accuracy on the batcher's sequences."""
    losses, correct = measure_each(network, batcher)
    weights = torch.ones_like(losses) if batcher.weights is None else batcher.weights.cpu().double()
    return LossAndAccuracy(float((weights * losses).sum() / weights.sum()), int(correct.sum()) / len(correct))


def measure_each(network: Network, batcher: Batcher) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each sequence, [N], and whether its most probable class is the right one, [N]."""
    logits = all_logits(network, batcher)
    targets = batcher.targets.cpu()
    return F.cross_entropy(logits.double(), targets, reduction="none"), logits.argmax(-1) == targets
