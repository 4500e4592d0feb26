"""Selection of the weights that a training ends with.

The loop calls a selection before the first update, after each epoch, and at the end. Its memory goes through
`Selection.tensors` and `Selection.facts` into the checkpoints, so that a resumed training ends as one that was never
stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import BaseModel, NonNegativeInt
from torch import Tensor, nn

from unrolled.config import TrainConfig
from unrolled.data.batches import Batcher
from unrolled.network import Network
from unrolled.training.checkpoint import nested, part
from unrolled.training.figures import LossAndAccuracy, measure
from unrolled.training.plan import Plan

HOPE, HOPE_WITHOUT_START = 0.25, 0.5
"""The share of all epochs within which one has to be better than those before, by the patience ``auto``. It is larger
where no fitted start can be kept instead: at the height of a schedule, learning may stand still for long."""

LEAST_PATIENCE = 10
"""The fewest epochs without an improvement that the patience ``auto`` takes for the end of learning."""


class Selection:
    """The best weights on validation data, or the last ones, as ``config.keep`` says.

    Args:
        config: the monitored figure, the patience, and whether the best or the last weights are kept.
        start_counts: whether the weights before the first update are a candidate, too. Without validation data these
            and the last ones are then compared on the training data.

    Attributes:
        best: the best weights so far, by name; empty before the first.
        best_value: their monitored figure; lower is better.
        best_epoch: the epoch that gave them; 0 for the start.
        waited: epochs with a validation figure since then.
        start: figures before the first update, where the start is a candidate.
    """

    def __init__(self, config: TrainConfig, *, start_counts: bool = False) -> None:
        self.config, self.start_counts = config, start_counts
        self.best: dict[str, Tensor] = {}
        self.best_value: float | None = None
        self.best_epoch = 0
        self.waited = 0
        self.start: LossAndAccuracy | None = None

    @property
    def method(self) -> Literal["fitted", "trained"]:
        """How the selected weights were learned, once training has ended."""
        return "trained"

    @property
    def has_fallback(self) -> bool:
        """Whether the weights before the first update are good enough to be kept."""
        return False

    def begin(self, network: Network, train: Batcher, validation: Batcher | None) -> None:
        """Before the first update of a training; not after a resume.

        Args:
            network: the network that is validated.
            train: the training sequences.
            validation: the validation sequences; None where there are none.
        """
        if self.start_counts:
            self.start = measure(network, validation or train)
            self._remember(network, self.monitored(self.start), 0)

    def epoch_done(self, network: Network, epoch: int, figures: LossAndAccuracy | None) -> bool:
        """After an epoch, counted from 1; returns whether its validation figures are the best so far."""
        value = None if figures is None else self.monitored(figures)
        improved = value is not None and (self.best_value is None or value < self.best_value)
        self.waited = 0 if improved or value is None else self.waited + 1
        if improved and value is not None:
            self._remember(network, value, epoch)
        return improved

    def gives_up(self, plan: Plan) -> bool:
        """Whether training ends early."""
        patience = self.config.patience
        if patience == "auto":
            share = HOPE if self.has_fallback else HOPE_WITHOUT_START
            patience = max(math.ceil(share * plan.epochs), LEAST_PATIENCE)
        return patience is not None and self.waited >= patience

    def end(self, network: Network, epoch: int, train: Batcher, validation: Batcher | None) -> None:
        """After the last epoch, and again when a finished training is resumed."""
        if self.start_counts and validation is None and self.best_value is not None:
            value = self.monitored(measure(network, train))
            if value < self.best_value:
                self._remember(network, value, epoch)

    @property
    def kept(self) -> dict[str, Tensor]:
        """The weights to end with; empty for the last ones."""
        return self.best if self.config.keep == "best" else {}

    def monitored(self, figures: LossAndAccuracy) -> float:
        """The monitored figure; lower is better."""
        return figures.loss if self.config.monitor == "loss" else -figures.accuracy

    def tensors(self) -> dict[str, Tensor]:
        """The tensors to remember, by name."""
        return nested("best", self.best)

    def facts(self) -> dict[str, Any]:
        """The rest to remember, as plain JSON."""
        return {name: getattr(self, name) for name in ("best_value", "best_epoch", "waited", "start")}

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], device: torch.device) -> None:
        """Loads what a checkpoint remembers."""
        self.best = on_device(part("best", tensors), device)
        found = _Facts.model_validate(facts)
        self.best_value, self.best_epoch, self.waited = found.best_value, found.best_epoch, found.waited
        self.start = found.start

    def _remember(self, network: Network, value: float, epoch: int) -> None:
        self.best, self.best_value, self.best_epoch = copy_weights(network), value, epoch


class _Facts(BaseModel):
    """What a selection remembers beside its tensors."""

    best_value: float | None
    best_epoch: NonNegativeInt
    waited: NonNegativeInt
    start: LossAndAccuracy | None = None


def copy_weights(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the current weights."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def on_device(weights: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """The weights on a device."""
    return {name: value.to(device) for name, value in weights.items()}
