"""The length of a training, which a recipe gives in epochs, in updates or in sequences."""

from __future__ import annotations

from dataclasses import dataclass

from unrolled.config import DEFAULT_EPOCHS, DEFAULT_STEPS, TrainConfig
from unrolled.data import Sequences
from unrolled.data.batches import Order


@dataclass(frozen=True)
class Plan:
    """The whole training, known before its first step.

    Attributes:
        order: the batches of each epoch.
        total_steps: updates in all.

    Example:
        >>> class Begin(unrolled.Recorder):
        ...     def begin(self, state, plan):
        ...         print(plan.epochs, plan.total_steps)
        >>> run = unrolled.train(run.recipe, data=dataset, max_epochs=2, recorders=[Begin()])
        2 10
    """

    order: Order
    total_steps: int

    @property
    def epochs(self) -> int:
        """Number of epochs; the last one may be incomplete."""
        return -(-self.total_steps // self.order.updates_per_epoch)

    def steps_in(self, epoch: int) -> int:
        """Updates in an epoch, counted from 0."""
        return min(self.order.updates_per_epoch, self.total_steps - epoch * self.order.updates_per_epoch)


def make_plan(config: TrainConfig, train: Sequences) -> Plan:
    """The plan of a training.

    Without a length in ``config`` it is a default number of epochs. A length in sequences is rounded down to whole
    batches, at least one.
    """
    size = min(config.batch_size, len(train))
    order = Order(train.lengths, size, config.seed, config.shuffle, config.last_batch)
    if config.max_steps is not None:
        return Plan(order, config.max_steps)
    if config.max_sequences is not None:
        per_epoch = len(train) if config.last_batch == "keep" else order.updates_per_epoch * size
        epochs, rest = divmod(config.max_sequences, per_epoch)
        return Plan(order, max(epochs * order.updates_per_epoch + rest // size, 1))
    epochs = config.max_epochs or max(DEFAULT_EPOCHS, -(-DEFAULT_STEPS // order.updates_per_epoch))
    return Plan(order, epochs * order.updates_per_epoch)
