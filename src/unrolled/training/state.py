"""All that a training needs to go on exactly.

Nothing random is remembered: the order of a pass, dropout and augmentation are functions of the seed and
of the step's number (see `step_seed`), so the place in the training is the state of all of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.config import Recipe
from unrolled.errors import CheckpointError
from unrolled.network import Network
from unrolled.training.checkpoint import Checkpoint, nested, part
from unrolled.training.optimizers import Optimizer
from unrolled.training.selection import Selection


@dataclass(frozen=True)
class StepLog:
    """Training figures, means over the steps since the line before.

    Attributes:
        step: updates done.
        epoch: number of the pass, from 1.
        sequences: sequences seen.
        loss: of the batches, in the recipe's own reduction.
        accuracy: of the batches, before their update.
        learning_rate: of the last of these steps.
        seconds: of training so far.

    Example:
        >>> class Steps(unrolled.Recorder):
        ...     def step(self, log):
        ...         print(log.step, log.sequences)
        >>> run = unrolled.train(run.recipe, data=dataset, max_epochs=2, log_every=5, recorders=[Steps()])
        5 40
        10 80
    """

    step: int
    epoch: int
    sequences: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class EpochLog:
    """Figures of one pass.

    Attributes:
        epoch: number of the pass, from 1.
        step: updates done.
        sequences: sequences seen.
        train_loss, train_accuracy: means over the pass, as the weights changed.
        loss_sum: sum of the batches' losses.
        validation_loss, validation_accuracy: on the validation data after the pass; None without them.
        improved: whether the watched figure is the best so far.
        learning_rate: of the last step.
        seconds: of training so far.

    Example:
        >>> last = run.history[-1]
        >>> last.epoch, last.step, last.sequences
        (30, 150, 1200)
    """

    epoch: int
    step: int
    sequences: int
    train_loss: float
    train_accuracy: float
    loss_sum: float
    validation_loss: float | None
    validation_accuracy: float | None
    improved: bool
    learning_rate: float
    seconds: float


@dataclass
class TrainState:
    """The moving parts of a training.

    Attributes:
        network: the weights that learn.
        averaged: a second network with the moving average of the weights, if one is kept.
        optimizer: the update rule with its memory.
        selection: which weights are kept, with its memory.
        step: updates done.
        sequences: sequences seen.
        epoch: passes done.
        losses, correct: of each step of this pass, on the device: read only when a line is due.
        counts: sequences of each step of this pass.
        seconds: of training so far.
        history: what each pass gave.

    Example:
        >>> class End(unrolled.Recorder):
        ...     def end(self, state):
        ...         print(state.epoch, state.step, len(state.history))
        >>> run = unrolled.train(run.recipe, data=dataset, max_epochs=2, recorders=[End()])
        2 10 2
    """

    network: Network
    averaged: Network | None
    optimizer: Optimizer
    selection: Selection
    step: int = 0
    sequences: int = 0
    epoch: int = 0
    losses: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    seconds: float = 0.0
    history: list[EpochLog] = field(default_factory=list)

    @property
    def shipped(self) -> Network:
        """The network whose figures count: the averaged one where there is one."""
        return self.averaged or self.network

    @property
    def place(self) -> int:
        """Batches done in this pass."""
        return len(self.losses)

    @property
    def is_whole(self) -> bool:
        """Whether no update and no end of a pass was cut off in its middle, as by Ctrl-C."""
        return not self.optimizer.changing and len(self.history) == self.epoch

    def tensors(self) -> dict[str, Tensor]:
        """Everything of the state that is a tensor, by name."""
        found = nested("network", self.network.state_dict()) | nested("optimizer", self.optimizer.tensors())
        found |= self.selection.tensors()
        if self.averaged is not None:
            found |= nested("averaged", self.averaged.state_dict())
        if self.losses:
            found |= {"pass/losses": torch.stack(self.losses), "pass/correct": torch.stack(self.correct)}
        return found

    def facts(self) -> dict[str, Any]:
        """Everything else, as JSON has it."""
        own = {name: getattr(self, name) for name in _FACTS}
        return own | self.selection.facts() | {"history": [asdict(log) for log in self.history]}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Takes over what a checkpoint holds.

        Raises:
            CheckpointError: for one of another network, optimizer or version.
        """
        try:
            self._restore(checkpoint)
        except (RuntimeError, TypeError, KeyError, ValueError) as error:
            cause = str(error).strip().splitlines()[0]
            raise CheckpointError(
                f"the checkpoint does not fit this run: {cause} It was written by another version of unrolled, or by "
                "another recipe; go on with the version that config.json names, or start a new run."
            ) from error

    def _restore(self, checkpoint: Checkpoint) -> None:
        tensors, facts = checkpoint.tensors, checkpoint.facts
        self.network.load_state_dict(part("network", tensors))
        if self.averaged is not None:
            self.averaged.load_state_dict(part("averaged", tensors))
        self.optimizer.restore(part("optimizer", tensors))
        device = self.network.output.weight.device
        self.selection.restore(tensors, facts, device)
        self.losses = list(tensors["pass/losses"].to(device).unbind()) if "pass/losses" in tensors else []
        self.correct = list(tensors["pass/correct"].to(device).unbind()) if "pass/correct" in tensors else []
        for name in _FACTS:
            setattr(self, name, facts[name])
        self.history = [EpochLog(**log) for log in facts["history"]]


def training_facts(state: TrainState, recipe: Recipe) -> dict[str, Any]:
    """What ``model.json`` records of a training: its length, its settings, and what the weights come from."""
    return {
        "steps": state.step,
        "sequences": state.sequences,
        "epochs": state.epoch,
        "best_epoch": state.selection.best_epoch,
        "method": state.selection.method,
        "config": recipe.train.model_dump(mode="json"),
        "augment": recipe.augment.model_dump(mode="json"),
    }


_FACTS = ("step", "sequences", "epoch", "counts", "seconds")


CHANGES, DROPOUT = 0, 1
"""What a step's random numbers are for: each purpose has its own."""


def step_seed(seed: int, step: int, purpose: int) -> int:
    """A seed for something random in one step: a well-mixed function of run, step and purpose."""
    return int(np.random.SeedSequence((seed, step, purpose)).generate_state(1, np.uint64)[0])
