"""Updates by shards: the gradient of each is computed alone, and all are added in one order, by one or more workers."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from unrolled.data import Integers
from unrolled.training.losses import loss_divisor
from unrolled.training.shards import shard_slices, spans_of_workers, sum_of_shards
from unrolled.training.stepping import EpochUpdates, StepRandomness
from unrolled.training.update import Outcome, Update
from unrolled.training.workers import Requests, Wish, Workers


class ShardedStepper:
    """Does the updates of an epoch; the methods are those of `HostStepper`.

    A shard depends on its own sequences, on the seed and on the update's number: its padding reaches to its own longest
    sequence, and its random numbers are its own.

    Args:
        update: of the whole batch.
        randomness: of the updates.
        shards: of a batch, a power of two.
        workers: who computes them.
        requests: to this worker; those to the first count.
    """

    lines_in_flight = 0

    def __init__(
        self,
        update: Update,
        randomness: StepRandomness,
        shards: int,
        workers: Workers,
        requests: Requests,
    ) -> None:
        self.update, self.randomness, self.shards, self.workers = update, randomness, shards, workers
        self.span = spans_of_workers(shards, workers.count)[workers.rank]
        self.requests = requests
        self.wish: Wish | None = None
        self.weights = [weight for weight in update.optimizer.weights if weight.requires_grad]

    def begin(self, updates: EpochUpdates, place: int) -> None:
        """See `HostStepper.begin`."""
        del place
        self.updates = updates

    def step(self, place: int) -> Outcome:
        """See `HostStepper.step`; the batch of the outcome is without random changes."""
        updates, update = self.updates, self.update
        indices = updates.batches[place]
        batch = update.batcher.batch(indices)
        divisor = loss_divisor(batch.targets, update.config, update.class_weights)
        of_shard = partial(self._of_shard, indices, updates.first + place, divisor)
        total, self.wish = self.workers.total(sum_of_shards(self.span, of_shard), self.shards, self.requests.wish())
        *gradients, figures = total.split([*(weight.numel() for weight in self.weights), 2])
        for weight, gradient in zip(self.weights, gradients, strict=True):
            weight.grad = gradient.view_as(weight)
        update.apply(updates.rates[place], updates.shares[place])
        return Outcome(batch, figures[0], figures[1].long())

    def end(self) -> None:
        """See `HostStepper.end`."""

    def _of_shard(self, indices: Integers, step: int, divisor: Tensor | float, shard: int) -> Tensor:
        """The gradients of all weights by a shard, then its part of the loss and its right answers, one vector."""
        own = indices[shard_slices(len(indices), self.shards)[shard]]
        zeros = [torch.zeros_like(weight).flatten() for weight in self.weights]
        if not len(own):
            return torch.cat([*zeros, zeros[0].new_zeros(2)])
        batcher = self.update.batcher
        self.randomness.begin_step(step, shard)
        found = self.update.gradients(
            batcher.choose(own), batcher.steps_of(own), self.randomness.changes, divisor=divisor
        )
        gradients = [
            zero if weight.grad is None else weight.grad.flatten()
            for weight, zero in zip(self.weights, zeros, strict=True)
        ]
        return torch.cat([*gradients, torch.stack([found.loss, found.correct.to(found.loss.dtype)])])
