"""The loss that training minimises, and its weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.config import TrainConfig
from unrolled.data import Sequences
from unrolled.errors import ConfigError, option

Weights = npt.NDArray[np.floating]


def class_weights(config: TrainConfig, train: Sequences) -> Tensor | None:
    """The weight of each class in the loss, [C]; None where all are equal.

    ``balanced`` gives a class N / (number of classes × its sequences), as scikit-learn does.

    Raises:
        ConfigError: for another number of weights than classes, or a weight that is not above 0.
    """
    requested = config.class_weight
    if requested is None:
        return None
    if requested == "balanced":
        counts = train.class_counts()
        present = counts > 0
        weights = np.where(present, len(train) / (present.sum() * np.maximum(counts, 1)), 0.0)
        return torch.tensor(weights, dtype=torch.float32, device="cpu")
    if len(requested) != len(train.classes) or min(requested) <= 0:
        raise ConfigError(
            f"{option('class_weight', requested)}: expected {len(train.classes)} numbers above 0, for the classes "
            f"{', '.join(train.classes)} in this order."
        )
    return torch.tensor(requested, dtype=torch.float32, device="cpu")


def sequence_weights(config: TrainConfig, train: Sequences, sample_weights: Weights | None = None) -> Weights | None:
    """The weight of each training sequence, its own times its class's, with mean 1, [N]; None where all are equal."""
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
    divisor: Tensor | float | None = None,
) -> Tensor:
    """Softmax cross-entropy of a batch, a scalar.

    Args:
        logits: [B, C].
        targets: [B].
        config: mean or sum, label smoothing, the floor of probabilities.
        weights: of the classes, [C]; the mean is then divided by the sum of the batch's weights.
        sample_weights: of the sequences, [B]; the mean is still divided by B, so that over all batches a sequence of
            weight 2 counts as two of weight 1, whatever its batch.
        divisor: of the sum of the losses, where these sequences are a part of a batch; see `loss_divisor`.
    """
    if divisor is None and sample_weights is None and not config.probability_floor:
        return F.cross_entropy(logits, targets, weights, reduction=config.loss, label_smoothing=config.label_smoothing)
    losses = _losses(logits, targets, config, weights)  # [B]
    if sample_weights is not None:
        losses = losses * sample_weights
    return losses.sum() / (loss_divisor(targets, config, weights) if divisor is None else divisor)


def loss_divisor(targets: Tensor, config: TrainConfig, weights: Tensor | None) -> Tensor | float:
    """What the sum of a batch's losses is divided by: 1, B, or the sum of its weights of classes."""
    if config.loss == "sum":
        return 1.0
    return float(len(targets)) if weights is None else weights[targets].sum()


def _losses(logits: Tensor, targets: Tensor, config: TrainConfig, weights: Tensor | None) -> Tensor:
    """The loss of each sequence times the weight of its class, [B]."""
    smoothing = config.label_smoothing
    if not config.probability_floor:
        return F.cross_entropy(logits, targets, weights, reduction="none", label_smoothing=smoothing)
    # clipping stops the gradient below the floor, as in the old program
    logs = logits.softmax(-1).clamp(min=config.probability_floor).log()
    losses = F.nll_loss(logs, targets, weights, reduction="none")
    if not smoothing:
        return losses
    spread = -(logs if weights is None else logs * weights).mean(-1)
    return (1 - smoothing) * losses + smoothing * spread
