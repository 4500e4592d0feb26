"""What training makes small."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.config import TrainConfig
from unrolled.data import Sequences
from unrolled.errors import ConfigError

Weights = npt.NDArray[np.floating]


def class_weights(config: TrainConfig, train: Sequences) -> Tensor | None:
    """The weight of each class in the loss, [C]; None where all weigh the same.

    ``balanced`` gives a class N / (number of classes × its sequences), as scikit-learn does.

    Raises:
        ConfigError: for another number of weights than classes, or one that is not over 0.
    """
    wish = config.class_weight
    if wish is None:
        return None
    if wish == "balanced":
        counts = train.class_counts()
        present = counts > 0
        weights = np.where(present, len(train) / (present.sum() * np.maximum(counts, 1)), 0.0)
        return torch.tensor(weights, dtype=torch.float32)
    if len(wish) != len(train.classes) or min(wish) <= 0:
        raise ConfigError(
            f"class_weight = {wish}; expected {len(train.classes)} numbers over 0, for the classes "
            f"{', '.join(train.classes)} in this order."
        )
    return torch.tensor(wish, dtype=torch.float32)


def sequence_weights(config: TrainConfig, train: Sequences, sample_weights: Weights | None = None) -> Weights | None:
    """The weight of each training sequence, its own times its class's, 1 in the mean, [N]; None where all are alike."""
    of_classes = class_weights(config, train)
    if of_classes is None:
        return sample_weights
    own = np.ones(len(train)) if sample_weights is None else sample_weights
    weights: Weights = of_classes.double().numpy()[train.targets] * own
    weights /= weights.mean()
    return weights


def batch_loss(
    logits: Tensor,
    targets: Tensor,
    config: TrainConfig,
    weights: Tensor | None,
    sample_weights: Tensor | None = None,
) -> Tensor:
    """Softmax cross-entropy of a batch, a scalar.

    Args:
        logits: [B, C].
        targets: [B].
        config: mean or sum, label smoothing, the floor of probabilities.
        weights: of the classes, [C]; the mean is then the weighted one, divided by the batch's own weights.
        sample_weights: of the sequences, [B]; the mean is still divided by B, so that over all batches a
            sequence of weight 2 counts as two of weight 1, whatever stands beside it.
    """
    if sample_weights is None and not config.probability_floor:
        return F.cross_entropy(logits, targets, weights, reduction=config.loss, label_smoothing=config.label_smoothing)
    losses = _losses(logits, targets, config, weights)  # [B]
    if sample_weights is not None:
        losses = losses * sample_weights
    if config.loss == "sum":
        return losses.sum()
    return losses.sum() / (len(targets) if weights is None else weights[targets].sum())


def _losses(logits: Tensor, targets: Tensor, config: TrainConfig, weights: Tensor | None) -> Tensor:
    """The loss of each sequence, [B], each already times its class's weight."""
    smoothing = config.label_smoothing
    if not config.probability_floor:
        return F.cross_entropy(logits, targets, weights, reduction="none", label_smoothing=smoothing)
    # below the floor nothing is learned: that is what clipping does, and what the old program did
    logs = logits.softmax(-1).clamp(min=config.probability_floor).log()
    losses = F.nll_loss(logs, targets, weights, reduction="none")
    if not smoothing:
        return losses
    spread = -(logs if weights is None else logs * weights).mean(-1)
    return (1 - smoothing) * losses + smoothing * spread
