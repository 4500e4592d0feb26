"""When a fitted start is kept, and what a training by gradients has to show to replace it."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from unrolled.config import TrainConfig
from unrolled.data.batches import Batcher
from unrolled.network import Network
from unrolled.statistics import Groups, losses_are_lower
from unrolled.training import HOPE, Plan, Selection, measure_each, nested, on_device, part

WORTH = 0.1
"""The relative reduction of the loss that training has to show on sequences set aside, since the fitted start learns
from these too."""


def is_informative(weights: Mapping[str, Tensor]) -> bool:
    """Whether a fitted start is informative: its readout gives more than the class shares, so it is not all zero."""
    return any(
        bool(weights[name].any())
        for name in ("output.weight", "convolutions.weights", "ngrams.weights")
        if name in weights
    )


class FittedStart(Selection):
    """The fitted start is a candidate beside every epoch."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config, start_counts=True)

    @property
    def method(self) -> Literal["fitted", "trained"]:
        """See `Selection`."""
        return "trained" if self.best_epoch else "fitted"


class FittedOnly(FittedStart):
    """The fitted start is kept, without any training."""

    def gives_up(self, plan: Plan) -> bool:
        """At once."""
        return True

    def end(self, network: Network, epoch: int, train: Batcher, validation: Batcher | None) -> None:
        """No other weights exist to compare with."""


class Challenge(FittedStart):
    """The fitted start is kept unless the best epoch is significantly better on sequences that training has not seen.

    Args:
        config: as `Selection`.
        fitted: the weights of the start that was fitted to all training sequences; these may be kept.
        set_aside: whether the validation sequences are training sequences that were set aside. Training then begins at
            a start that was fitted to the others. It has to be better by `WORTH`, and `HOPE` may end it early.
        groups: of the validation sequences.
        start: the network of the fitted start that epochs have to improve on, where training begins at another, such as
            without the convolutions.

    Attributes:
        start_each: the monitored figure of each validation sequence at the start, [N].
    """

    def __init__(
        self,
        config: TrainConfig,
        fitted: Mapping[str, Tensor],
        *,
        set_aside: bool,
        groups: Groups,
        start: Network | None = None,
    ) -> None:
        super().__init__(config)
        self.start_network = start
        self.fitted, self.set_aside, self.groups = dict(fitted), set_aside, groups
        self.start_each: Tensor | None = None

    @property
    def has_fallback(self) -> bool:
        """See `Selection`."""
        return is_informative(self.fitted)

    def begin(self, network: Network, train: Batcher, validation: Batcher | None) -> None:
        """See `Selection`."""
        start = self.start_network or network
        super().begin(start, train, validation)
        if validation is not None:
            self.start_each = self._monitored_each(start, validation)

    def gives_up(self, plan: Plan) -> bool:
        """See `Selection`."""
        if self.config.patience in (None, "auto") and self.set_aside and self.has_fallback:
            return self.waited >= math.ceil(HOPE * plan.epochs)
        return super().gives_up(plan)

    def end(self, network: Network, epoch: int, train: Batcher, validation: Batcher | None) -> None:
        """See `Selection`."""
        if not self._is_won(network, validation):
            self.best_epoch = 0  # first, so that an interrupted call ends here again
            self.best = {name: value.clone() for name, value in self.fitted.items()}  # a file shares no memory
            self.best_value = None if self.start is None else self.monitored(self.start)

    def tensors(self) -> dict[str, Tensor]:
        """See `Selection`."""
        found = super().tensors() | nested("fitted", self.fitted)  # the names are those of version 0.1.0
        return found if self.start_each is None else found | {"start_cases": self.start_each}

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], device: torch.device) -> None:
        """See `Selection`."""
        super().restore(tensors, facts, device)
        self.fitted, self.start_each = on_device(part("fitted", tensors), device), tensors.get("start_cases")

    def _is_won(self, network: Network, validation: Batcher | None) -> bool:
        """Whether the best epoch is shown to be better than the start, sequence by sequence."""
        if not self.best_epoch or self.start_each is None or validation is None:
            return False
        if len(self.start_each) != len(validation.targets):  # version 0.1.0 set others aside where there are groups
            return False
        best = copy.deepcopy(network)
        best.load_state_dict(self.best)
        weights = None if validation.weights is None else validation.weights.cpu().double().numpy()
        worth = WORTH if self.set_aside else 0.0
        losses = self._monitored_each(best, validation).double().numpy()
        return losses_are_lower(losses, self.start_each.double().numpy(), weights, worth, self.groups)

    def _monitored_each(self, network: Network, batcher: Batcher) -> Tensor:
        """The monitored figure of each sequence, [N]: its cross-entropy, or 1 if its predicted class is wrong."""
        losses, correct = measure_each(network, batcher)
        return losses if self.config.monitor == "loss" else 1 - correct.double()
