"""The whole state of a training, from which it goes on bit for bit.

No random generator is saved: the order of an epoch, dropout and augmentation are functions of the seed and of the
update's number (see `step_seed`), so the number of updates is the state of all of them.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, with_config
from torch import Tensor

from unrolled.config import Recipe
from unrolled.errors import CheckpointError
from unrolled.network import Network
from unrolled.training.checkpoint import Checkpoint, nested, part
from unrolled.training.ending import Ending
from unrolled.training.optimizers import Optimizer
from unrolled.training.selection import Selection


@dataclass(frozen=True)
class StepLog:
    """A line of training figures: means over the updates since the last line.

    Attributes:
        step: updates done.
        epoch: number of the epoch, from 1.
        sequences: sequences read.
        loss: mean over the sequences.
        accuracy: of the batches, before their update.
        learning_rate: of the last of these updates.
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


@with_config(ConfigDict(extra="forbid"))  # another version's epochs have other figures
@dataclass(frozen=True)
class EpochLog:
    """Figures of one epoch.

    Attributes:
        epoch: its number, from 1.
        step: updates done.
        sequences: sequences read.
        train_loss, train_accuracy: means over the epoch, while the weights changed.
        loss_sum: sum of the batches' losses.
        validation_loss, validation_accuracy: on the validation data after the epoch; None without them.
        improved: whether the monitored figure is the best so far.
        learning_rate: of the last update.
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
    """The state of a training.

    Attributes:
        network: the network that learns.
        averaged: a second network with the moving average of the weights; None where there is none.
        optimizer: the update rule with its memory.
        selection: which weights are kept, with its memory.
        step: updates done.
        sequences: sequences read.
        epoch: epochs done.
        losses, correct: of each update of this epoch, on the device: read only when a line is due.
        counts: sequences of each update of this epoch.
        seconds: of training so far.
        history: figures of each epoch.
        ending: why the training ended; None before its end.

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
    ending: Ending | None = None

    @property
    def shipped(self) -> Network:
        """The network that is validated and becomes the model: the averaged one where there is one."""
        return self.averaged or self.network

    @property
    def place(self) -> int:
        """Updates done in this epoch."""
        return len(self.losses)

    @property
    def is_whole(self) -> bool:
        """Whether neither an update nor the end of an epoch was interrupted halfway, as by Ctrl-C."""
        return not self.optimizer.changing and len(self.history) == self.epoch

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the state, by name."""
        found = nested("network", self.network.state_dict()) | nested("optimizer", self.optimizer.tensors())
        found |= self.selection.tensors()
        if self.averaged is not None:
            found |= nested("averaged", self.averaged.state_dict())
        if self.losses:
            found |= {"pass/losses": torch.stack(self.losses), "pass/correct": torch.stack(self.correct)}
        return found

    def facts(self) -> dict[str, Any]:
        """The rest of the state, as plain JSON."""
        own = {name: getattr(self, name) for name in _Progress.model_fields}
        return own | self.selection.facts() | {"history": [asdict(log) for log in self.history]}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Loads a checkpoint.

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
        own = self.tensors()
        for name, tensor in tensors.items():
            like = own.get(name.replace("best/", "network/", 1))
            if like is not None and (tensor.shape, tensor.dtype) != (like.shape, like.dtype):
                raise TypeError(f"{name} is {tensor.dtype} of the shape {list(tensor.shape)}.")
        progress = _Progress.model_validate(facts)
        self.network.load_state_dict(part("network", tensors))
        if self.averaged is not None:
            self.averaged.load_state_dict(part("averaged", tensors))
        self.optimizer.restore(part("optimizer", tensors))
        device = self.network.output.weight.device
        self.selection.restore(tensors, facts, device)
        if self.selection.best:
            copy.deepcopy(self.network).load_state_dict(self.selection.best)  # an error now, not at the end
        self.losses = list(tensors["pass/losses"].to(device).unbind()) if "pass/losses" in tensors else []
        self.correct = list(tensors["pass/correct"].to(device).unbind()) if "pass/correct" in tensors else []
        for name in _Progress.model_fields:
            setattr(self, name, getattr(progress, name))


def training_facts(state: TrainState, recipe: Recipe) -> dict[str, Any]:
    """The record of a training in ``model.json``: its length, its settings, and its method."""
    return {
        "steps": state.step,
        "sequences": state.sequences,
        "epochs": state.epoch,
        "best_epoch": state.selection.best_epoch,
        "method": state.selection.method,
        "ended": None if state.ending is None else state.ending.facts(),
        "config": recipe.train.model_dump(mode="json"),
        "augment": recipe.augment.model_dump(mode="json"),
    }


class _Progress(BaseModel):
    """The fields of `TrainState` that a checkpoint holds as JSON."""

    step: NonNegativeInt
    sequences: NonNegativeInt
    epoch: NonNegativeInt
    counts: list[int]
    seconds: float
    history: list[EpochLog]


CHANGES, DROPOUT = 0, 1
"""Purposes of an update's random numbers; each has numbers of its own."""


def step_seed(seed: int, step: int, purpose: int, *shard: int) -> int:
    """The seed of one purpose's random numbers in one update, or in a shard of it: a well-mixed function of these."""
    return int(np.random.SeedSequence((seed, step, purpose, *shard)).generate_state(1, np.uint64)[0])
