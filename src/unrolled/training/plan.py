"""How long a training is: in epochs, in steps or in sequences seen, whichever the recipe says."""

from __future__ import annotations

from dataclasses import dataclass

from unrolled.config import DEFAULT_EPOCHS, DEFAULT_STEPS, TrainConfig
from unrolled.data import Sequences
from unrolled.data.batches import Order


@dataclass(frozen=True)
class Plan:
    """The whole training, known before its first step.

    Attributes:
        order: the batches of each pass.
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
        """Passes, the last one perhaps cut short."""
        return -(-self.total_steps // self.order.steps_per_pass)

    def steps_in(self, epoch: int) -> int:
        """Updates in an epoch, counted from 0."""
        return min(self.order.steps_per_pass, self.total_steps - epoch * self.order.steps_per_pass)


def make_plan(config: TrainConfig, train: Sequences) -> Plan:
    """The plan of a training.

    Without a length it is the default's whole passes. A length in sequences is rounded down to whole batches, but
    is at least one.
    """
    size = min(config.batch_size, len(train))
    order = Order(train.lengths, size, config.seed, config.shuffle, config.last_batch)
    if config.max_steps is not None:
        return Plan(order, config.max_steps)
    if config.max_sequences is not None:
        in_a_pass = len(train) if config.last_batch == "keep" else order.steps_per_pass * size
        passes, rest = divmod(config.max_sequences, in_a_pass)
        return Plan(order, max(passes * order.steps_per_pass + rest // size, 1))
    epochs = config.max_epochs or max(DEFAULT_EPOCHS, -(-DEFAULT_STEPS // order.steps_per_pass))
    return Plan(order, epochs * order.steps_per_pass)
