"""The updates of an epoch: one by one from the host, or replayed as CUDA graphs from a table on the device.

On the CPU the host gives each update its indices and its learning rate. On a GPU these are sent once an epoch, as a
table with a row for each update. An update finds its row by a counter that lies on the device too. So it needs nothing
from the host, and an update whose shape has come before is replayed as a CUDA graph.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator

from unrolled.config import TrainConfig
from unrolled.data import Integers, Sequences
from unrolled.data.batches import Batch, Batcher
from unrolled.runtime import choose_storage
from unrolled.training.cuda_graphs import GraphCapture
from unrolled.training.plan import Plan
from unrolled.training.schedule import learning_rate
from unrolled.training.state import CHANGES, DROPOUT, step_seed
from unrolled.training.update import Outcome, Update
from unrolled.training.workers import Requests, Wish

WARM_UPS = 3
"""Updates of a shape before it is captured: in the first ones libraries prepare themselves and memory is reserved."""

MOST_GRAPHS = 32
"""Shapes that are captured at most; where there are more, each occurs too seldom to be worth it."""

LENGTH_BUCKETS = 8
"""Lengths that batches are padded to on a GPU, so that few shapes of batches occur."""


@dataclass(frozen=True)
class EpochUpdates:
    """The updates of an epoch, known before its first.

    Attributes:
        batches: the indices of each update's sequences.
        first: the number of the first update in the whole training, from 0.
        rates: the learning rate of each update.
        shares: how far the moving average moves towards the weights at each update.
    """

    batches: list[Integers]
    first: int
    rates: list[float]
    shares: list[float]


def updates_of_epoch(plan: Plan, config: TrainConfig, epoch: int, first: int) -> EpochUpdates:
    """The updates of an epoch.

    Args:
        plan: of the whole training.
        config: learning rates, and the decay of the moving average.
        epoch: counted from 0.
        first: the number of its first update, from 0.
    """
    batches = plan.order.batches(epoch)[: plan.steps_in(epoch)]
    steps = range(first, first + len(batches))
    rates = [learning_rate(config, step, plan.total_steps) for step in steps]
    return EpochUpdates(batches, first, rates, [1 - average_decay(config, step) for step in steps])


def average_decay(config: TrainConfig, step: int) -> float:
    """The decay of the moving average at an update, from 0; in the first updates the average follows faster."""
    return min(config.average_decay, (1 + step) / (10 + step))


class StepRandomness:
    """The random numbers of an update: for dropout and for augmentation.

    Both are functions of the seed and of the update's number alone, whatever was drawn before.

    Args:
        update: the update that draws them.
        device: where they are drawn.
    """

    def __init__(self, update: Update, device: torch.device) -> None:
        self.seed = update.config.seed
        self.dropped = _default_generator(device) if update.network.config.has_dropout else None
        self.changes = Generator(device) if update.augmentation.is_on else None

    def begin_step(self, step: int, *shard: int) -> None:
        """Seeds the generators for an update, counted from 0, or for a shard of one."""
        if self.dropped is not None:
            self.dropped.manual_seed(step_seed(self.seed, step, DROPOUT, *shard))
        if self.changes is not None:
            self.changes.manual_seed(step_seed(self.seed, step, CHANGES, *shard))


class HostStepper:
    """Does the updates of an epoch; the host gives each update what it needs.

    Attributes:
        lines_in_flight: lines of figures that may be on their way from the device while updates go on.
    """

    def __init__(self, update: Update, randomness: StepRandomness, requests: Requests) -> None:
        self.update, self.randomness, self.requests = update, randomness, requests
        self.lines_in_flight = 0 if update.batcher.device.type == "cpu" else 1

    @property
    def wish(self) -> Wish | None:
        """What ends the training before its length."""
        return self.requests.wish()

    def begin(self, updates: EpochUpdates, place: int) -> None:
        """Before the first update of an epoch, or the first that is left of it after ``place`` others."""
        self.updates = updates

    def step(self, place: int) -> Outcome:
        """The update after ``place`` others. Its loss and its right answers stay valid until the next epoch begins."""
        updates, batcher = self.updates, self.update.batcher
        indices = updates.batches[place]
        self.randomness.begin_step(updates.first + place)
        return self.update(
            batcher.choose(indices),
            batcher.steps_of(indices),
            updates.rates[place],
            updates.shares[place],
            self.randomness.changes,
        )

    def end(self) -> None:
        """After the last update, for whatever reason; there is nothing to release."""


BatchShape = tuple[int, int]
"""Sequences and steps of a batch, B and T."""


class CudaGraphStepper(HostStepper):
    """Does the updates of an epoch from a table on the device, as CUDA graphs where a shape occurs often.

    The losses and right answers stay on the device, too. It may be behind the host, which waits for nothing but the
    figures of a line that was due long ago.

    Args:
        update: of a batcher whose sequences lie on the device.
        randomness: of the updates.
        rows: updates of an epoch, at most.
        width: sequences of a batch, at most.
        capture: makes updates replayable; None for no CUDA graphs.
    """

    def __init__(
        self,
        update: Update,
        randomness: StepRandomness,
        requests: Requests,
        rows: int,
        width: int,
        capture: GraphCapture | None,
    ) -> None:
        super().__init__(update, randomness, requests)
        self.capture = capture
        self.lines_in_flight = 1
        device = update.batcher.device
        # fused optimizers read a rate on a GPU as float32, one on the CPU in any precision
        real = torch.float64 if device.type == "cpu" else torch.float32
        self.order = torch.zeros(rows, width, dtype=torch.int64, device=device)
        self.rates = torch.zeros(rows, dtype=real, device=device)
        self.shares = torch.zeros(rows, dtype=torch.float32, device=device)
        self.losses = torch.zeros(rows, dtype=torch.float32, device=device)
        self.correct = torch.zeros(rows, dtype=torch.int64, device=device)
        self.place = torch.zeros(1, dtype=torch.int64, device=device)
        self.replays: dict[BatchShape, Callable[[], Batch]] = {}
        self.seen: Counter[BatchShape] = Counter()

    def begin(self, updates: EpochUpdates, place: int) -> None:
        """Sends the epoch's table to the device; nothing else is sent until the next epoch."""
        self.updates = updates
        count = len(updates.batches)
        order = np.zeros(self.order.shape, np.int64)
        for row, indices in zip(order, updates.batches, strict=False):
            row[: len(indices)] = indices
        self.order.copy_(torch.from_numpy(order))
        self.rates[:count].copy_(torch.tensor(updates.rates, dtype=torch.float64, device="cpu"))
        self.shares[:count].copy_(torch.tensor(updates.shares, dtype=torch.float64, device="cpu"))
        self.place.fill_(place)

    def step(self, place: int) -> Outcome:
        """Replays the update of this shape, or does it."""
        updates = self.updates
        indices = updates.batches[place]
        shape = len(indices), self.update.batcher.steps_of(indices)
        self.randomness.begin_step(updates.first + place)
        replay = self.replays.get(shape) or self._prepare(shape)
        self.update.optimizer.changing = True  # a replay does not call the optimizer
        batch = self.work(shape) if replay is None else replay()
        return Outcome(batch, self.losses[place], self.correct[place])

    def work(self, shape: BatchShape) -> Batch:
        """One update, from the table to the table and the weights. Nothing waits for the device."""
        count, steps = shape
        outcome = self.update(
            self.order.index_select(0, self.place)[0, :count],
            steps,
            self.rates.index_select(0, self.place)[0],
            self.shares.index_select(0, self.place)[0],
            self.randomness.changes,
        )
        self.losses.index_copy_(0, self.place, outcome.loss[None])
        self.correct.index_copy_(0, self.place, outcome.correct[None])
        self.place.add_(1)
        return outcome.batch

    def end(self) -> None:
        """Releases the graphs and what lies in their memory."""
        self.replays.clear()
        self.update.optimizer.forget_gradients()
        self.update.optimizer.rate = self.update.config.learning_rate

    def _prepare(self, shape: BatchShape) -> Callable[[], Batch] | None:
        """The captured update of a shape that has occurred often enough."""
        self.seen[shape] += 1
        if self.capture is None or self.seen[shape] <= WARM_UPS or len(self.replays) >= MOST_GRAPHS:
            return None
        try:
            replay = self.capture(lambda: self.work(shape))
        except RuntimeError as error:
            self.capture = None
            warnings.warn(
                "Steps are not captured as a CUDA graph from here on, and slower by that: "
                f"{str(error).partition(chr(10))[0]}. "
                "--no-cuda-graphs leaves it out from the start.",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        self.replays[shape] = replay
        return replay


def training_batcher(
    train: Sequences, device: torch.device, sample_weights: npt.NDArray[np.floating] | None = None
) -> Batcher:
    """Batches of the training sequences. On a GPU they have few shapes, and the sequences lie there if they fit.

    Args:
        train: the sequences.
        device: where the network is.
        sample_weights: how much each sequence counts in the loss, [N]; all the same where None.
    """
    storage = choose_storage(train.values.nbytes, device)
    round_to = 1 if device.type == "cpu" else -(-int(train.lengths.max()) // LENGTH_BUCKETS)
    return Batcher(train, device, sample_weights, storage=storage, round_to=round_to)


def describe_steps(config: TrainConfig, train: Sequences, device: torch.device) -> str:
    """How updates are done on a GPU and why, as the end of a sentence; empty on the CPU."""
    if device.type == "cpu":
        return ""
    if choose_storage(train.values.nbytes, device).type == "cpu":
        size = train.values.nbytes / 1e9
        return f"steps one by one: the sequences, {size:.1f} GB, take over half of its memory and stay in the host's"
    if not config.cuda_graphs:
        return "steps one by one: cuda_graphs is off"
    return "steps replayed as CUDA graphs"


def _default_generator(device: torch.device) -> Generator:
    """The generator of layers that take none."""
    if device.type == "cpu":
        return torch.default_generator
    return torch.cuda.default_generators[device.index or 0]
