"""One update of the weights: gather a batch, augment it, forward, backward, clip, update, count."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from unrolled.config import AugmentConfig, TrainConfig
from unrolled.data.batches import Batch, Batcher
from unrolled.network import Network
from unrolled.training.augment import augment
from unrolled.training.losses import batch_loss
from unrolled.training.optimizers import Optimizer


class Outcome(NamedTuple):
    """Results of an update, on the device.

    Attributes:
        batch: the batch with its random changes; the next update may overwrite it.
        loss: before the update, a scalar.
        correct: right answers before the update, a scalar.
    """

    batch: Batch
    loss: Tensor
    correct: Tensor


@dataclass(frozen=True)
class Update:
    """An update as a function of the chosen sequences and of the weights, which it changes.

    It neither waits for the device nor sends anything to it, so that on a GPU it can be captured in a CUDA graph.

    Attributes:
        network: the network that learns.
        averaged: the network with the moving average of the weights; None where there is none.
        optimizer: the update rule.
        batcher: makes the batches.
        config: the settings of the training.
        augmentation: random changes of the training sequences.
        class_weights: of the classes in the loss, [C]; None where all weigh the same.
    """

    network: Network
    averaged: Network | None
    optimizer: Optimizer
    batcher: Batcher
    config: TrainConfig
    augmentation: AugmentConfig
    class_weights: Tensor | None

    def __call__(
        self, chosen: Tensor, steps: int, rate: float | Tensor, share: float | Tensor, changes: Generator | None
    ) -> Outcome:
        """One batch.

        Args:
            chosen: the sequences, as `Batcher.choose` gives them, [B].
            steps: the batch's T.
            rate: the learning rate.
            share: how far the moving average moves towards the weights.
            changes: draws the random changes; None where there are none.
        """
        outcome = self.gradients(chosen, steps, changes)
        self.apply(rate, share)
        return outcome

    def gradients(
        self, chosen: Tensor, steps: int, changes: Generator | None, *, divisor: Tensor | float | None = None
    ) -> Outcome:
        """The gradients of one batch, or of a part of one (see `batch_loss` for the divisor), left at the weights."""
        config, device = self.config, self.batcher.device.type
        batch = self.batcher.gather(chosen, steps)
        if self.augmentation.is_on:
            # noise is given in the unit that the cells see
            unit = self.network.preparation.unit(batch.inputs, batch.lengths) if self.augmentation.noise else None
            batch = augment(batch, self.augmentation, changes, unit)
        with nullcontext() if config.precision == "float32" else torch.autocast(device, torch.bfloat16):
            logits = self.network(batch.inputs, batch.lengths)
        loss = batch_loss(logits.float(), batch.targets, config, self.class_weights, batch.weights, divisor)
        self.optimizer.forget_gradients()
        loss.backward()
        return Outcome(batch, loss.detach(), (logits.detach().argmax(-1) == batch.targets).sum())

    def apply(self, rate: float | Tensor, share: float | Tensor) -> None:
        """Changes the weights by their gradients."""
        if self.config.clip_norm:
            self.optimizer.clip_gradients(self.config.clip_norm)
        self.optimizer.rate = rate
        self.optimizer.step()
        if self.averaged is not None:
            _move_average(self.averaged, self.network, share)


@torch.no_grad()  # as a decorator: an interrupt at the end of a `with` block would leave gradients switched off
def _move_average(averaged: Network, network: Network, share: float | Tensor) -> None:
    """Moves the moving average of the weights a share of the way towards the weights."""
    for average, weight in zip(averaged.parameters(), network.parameters(), strict=True):
        average.lerp_(weight, share)
