"""Update rules and the learning rate's course, by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from unrolled.config import TrainConfig

_START = 1 / 25
"""Where one-cycle begins, as a share of the largest rate (Smith and Topin 2017, arXiv 1708.07120)."""


def make_optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The update rule. Weight decay is for matrices; biases, gains and peepholes are exempt.

    On a GPU the rules with a count of their steps keep it there, so that an update can be captured in a CUDA graph.
    """
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return _OPTIMIZERS[config.optimizer](groups, config)


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """The rate of one update.

    ``constant`` stays. ``cosine`` rises on a line, then falls to zero on half a cosine. ``one-cycle``
    does both on half cosines and starts at a twenty-fifth.

    Args:
        config: largest rate, schedule, share of the rise.
        step: of the update, from 0.
        total: updates in the whole training.
    """
    if config.schedule == "constant":
        return config.learning_rate
    rise = config.warmup_fraction * total
    if step < rise:
        share = (step + 1) / (rise + 1)
        if config.schedule == "one-cycle":
            share = _START + (1 - _START) * (1 - math.cos(math.pi * share)) / 2
    else:
        done = (step - rise + 1) / (total - rise + 1)
        share = (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate * share


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float | Tensor) -> None:
    """Gives every parameter the same rate: a number, or on a GPU a scalar that lies there."""
    for group in optimizer.param_groups:
        group["lr"] = rate


_Groups = list[dict[str, object]]


def _adam(groups: _Groups, config: TrainConfig) -> torch.optim.Optimizer:
    # Adam's own weight decay is a term of the gradient; PyTorch's rule differs from TensorFlow 1's only
    # in where epsilon stands (beside the corrected root here, beside the plain one there).
    betas, capturable = (config.beta1, config.beta2), _away_from_the_host(groups)
    return torch.optim.Adam(groups, config.learning_rate, betas, config.epsilon, fused=True, capturable=capturable)


def _adamw(groups: _Groups, config: TrainConfig) -> torch.optim.Optimizer:
    betas, capturable = (config.beta1, config.beta2), _away_from_the_host(groups)
    return torch.optim.AdamW(groups, config.learning_rate, betas, config.epsilon, fused=True, capturable=capturable)


def _sgd(groups: _Groups, config: TrainConfig) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, config.learning_rate, config.momentum, fused=True)


def _rmsprop(groups: _Groups, config: TrainConfig) -> torch.optim.Optimizer:
    # PyTorch has no fused rule; taken one by one, the weights would ask the device for the rate
    away = _away_from_the_host(groups)
    return torch.optim.RMSprop(
        groups, config.learning_rate, eps=config.epsilon, momentum=config.momentum, foreach=away, capturable=away
    )


def _away_from_the_host(groups: _Groups) -> bool:
    """Whether the weights lie on a GPU."""
    parameters: list[nn.Parameter] = [p for group in groups for p in group["params"]]  # type: ignore[attr-defined]
    return any(parameter.device.type != "cpu" for parameter in parameters)


_OPTIMIZERS: dict[str, Callable[[_Groups, TrainConfig], torch.optim.Optimizer]] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
    "rmsprop": _rmsprop,
}
