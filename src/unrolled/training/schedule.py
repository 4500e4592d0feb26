"""Learning-rate schedules, by name."""

from __future__ import annotations

import math

from unrolled.config import TrainConfig

_START = 1 / 25
"""The rate at which one-cycle begins, as a share of the largest rate (Smith and Topin 2017, arXiv 1708.07120)."""


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """The learning rate of one update.

    ``constant`` does not change. ``cosine`` rises linearly, then falls to zero along half a cosine. ``one-cycle`` rises
    from a twenty-fifth and falls, both along half a cosine.

    Args:
        config: largest rate, schedule, share of the rise.
        step: number of the update, from 0.
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
