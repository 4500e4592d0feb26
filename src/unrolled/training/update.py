"""One update of the weights: gather, change, forward, backward, clip, update, count."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
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
    """What an update gives, on the device.

    Attributes:
        batch: what was learned from, with its random changes; it may be overwritten by the next update.
        loss: before the update, a scalar.
        correct: right answers before the update, a scalar.
    """

    batch: Batch
    loss: Tensor
    correct: Tensor


@dataclass(frozen=True)
class Update:
    """An update as a function of what is chosen and of the weights, which it changes.

    Nothing in it waits for the device, asks it anything or sends anything to it, so that on a GPU it can be
    captured in a CUDA graph as it stands.

    Attributes:
        network: the weights that learn.
        averaged: the network with the moving average of the weights, if one is kept.
        optimizer: the update rule.
        batcher: where batches come from.
        config: how to train.
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
            share: how far the average of the weights moves towards them.
            changes: where the random changes' numbers come from; None where there are none.
        """
        batch = self.make_batch(chosen, steps, changes)
        with self.precision():
            logits = self.network(batch.inputs, batch.lengths)
        loss = batch_loss(logits.float(), batch.targets, self.config, self.class_weights, batch.weights)
        self.optimizer.forget_gradients()
        loss.backward()
        if self.config.clip_norm:
            self.optimizer.clip_gradients(self.config.clip_norm)
        self.optimizer.rate = rate
        self.optimizer.step()
        self.average_weights(share)
        return Outcome(batch, loss.detach(), (logits.detach().argmax(-1) == batch.targets).sum())

    def precision(self) -> AbstractContextManager[object]:
        """In which the network computes its products."""
        if self.config.precision == "float32":
            return nullcontext()
        return torch.autocast(self.batcher.device.type, torch.bfloat16)

    def make_batch(self, chosen: Tensor, steps: int, changes: Generator | None) -> Batch:
        """The batch, with the random changes of its step."""
        batch = self.batcher.gather(chosen, steps)
        if self.augmentation.asks:
            batch = augment(batch, self.augmentation, changes, self.noise_unit(batch))
        return batch

    def noise_unit(self, batch: Batch) -> Tensor | None:
        """What a noise of 1 is in the batch's values: noise is given in the unit that the cells see."""
        if not self.augmentation.noise:
            return None
        return self.network.preparation.unit(batch.inputs, batch.lengths)

    def average_weights(self, share: float | Tensor) -> None:
        """Moves the average of the weights towards them."""
        if self.averaged is None:
            return
        with torch.no_grad():
            for average, weight in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                average.lerp_(weight, share)
