"""Who does the updates of a pass: the host, one by one, or the device, from a table of the whole pass.

On the CPU the host hands each update its indices and its learning rate. On a GPU they are sent once a pass; a
step then finds its row of the table by a counter that lies there too, so it needs nothing from the host, and a
step whose shape has come before is replayed as a CUDA graph.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator

from unrolled.config import TrainConfig
from unrolled.data import Integers, Sequences
from unrolled.data.batches import Batch, Batcher
from unrolled.runtime import choose_storage
from unrolled.training.capture import Capture, CudaGraphs
from unrolled.training.plan import Plan
from unrolled.training.schedule import learning_rate
from unrolled.training.state import CHANGES, DROPOUT, step_seed
from unrolled.training.update import Outcome, Update

WARM_UPS = 3
"""Steps of a shape before it is captured: libraries prepare themselves in the first, optimizers make their memory."""

MOST_GRAPHS = 32
"""Further shapes are not captured: of so many, each comes too seldom to be worth it."""

LENGTH_BUCKETS = 8
"""On a GPU sequences are padded to one of so many lengths, so that few shapes of batches occur."""


@dataclass(frozen=True)
class Course:
    """A pass as it is known before its first step.

    Attributes:
        batches: the indices of each step's sequences.
        first: the number of the first step in the whole training, from 0.
        rates: the learning rate of each step.
        shares: how far the average of the weights moves towards them at each step.
    """

    batches: list[Integers]
    first: int
    rates: list[float]
    shares: list[float]


def make_course(plan: Plan, config: TrainConfig, epoch: int, first: int) -> Course:
    """The course of a pass.

    Args:
        plan: of the whole training.
        config: how to train.
        epoch: the pass, from 0.
        first: the number of its first step, from 0.
    """
    batches = plan.order.batches(epoch)[: plan.steps_in(epoch)]
    steps = range(first, first + len(batches))
    return Course(
        batches,
        first,
        [learning_rate(config, step, plan.total_steps) for step in steps],
        [1 - average_decay(config, step) for step in steps],
    )


def average_decay(config: TrainConfig, step: int) -> float:
    """How much of the average of the weights stays at a step, from 0; in the first ones it follows faster."""
    return min(config.average_decay, (1 + step) / (10 + step))


class StepRandomness:
    """The random numbers of a step: what is dropped, and what is changed of its sequences.

    Both are functions of the seed and of the step's number alone, whatever was drawn before.

    Args:
        update: what draws them.
        device: where they are drawn.
    """

    def __init__(self, update: Update, device: torch.device) -> None:
        self.seed = update.config.seed
        self.dropped = _default_generator(device) if update.network.config.drops else None
        self.changes = Generator(device) if update.augmentation.asks else None

    def begin_step(self, step: int) -> None:
        """Before a step, counted from 0."""
        if self.dropped is not None:
            self.dropped.manual_seed(step_seed(self.seed, step, DROPOUT))
        if self.changes is not None:
            self.changes.manual_seed(step_seed(self.seed, step, CHANGES))


class Stepper(Protocol):
    """Does the updates of a pass.

    Attributes:
        lines_in_flight: lines of figures that may be on their way from the device while steps go on.
    """

    lines_in_flight: int

    def begin(self, course: Course, place: int) -> None:
        """Before the first step of a pass, or of what is left of it.

        Args:
            course: of the pass.
            place: steps of it that are done.
        """

    def step(self, place: int) -> Outcome:
        """The step after ``place`` others. Its loss and its right answers stay until the next pass begins."""
        ...

    def end(self) -> None:
        """After the last step, for whatever reason: lets go of what was only for the steps."""


class HostStepper:
    """The host gives each update what it needs."""

    def __init__(self, update: Update, randomness: StepRandomness) -> None:
        self.update, self.randomness = update, randomness
        self.lines_in_flight = 0 if update.batcher.device.type == "cpu" else 1

    def begin(self, course: Course, place: int) -> None:
        """See `Stepper`."""
        del place
        self.course = course

    def step(self, place: int) -> Outcome:
        """See `Stepper`."""
        course, batcher = self.course, self.update.batcher
        indices = course.batches[place]
        self.randomness.begin_step(course.first + place)
        return self.update(
            batcher.choose(indices),
            batcher.steps_of(indices),
            course.rates[place],
            course.shares[place],
            self.randomness.changes,
        )

    def end(self) -> None:
        """See `Stepper`."""


Shape = tuple[int, int]
"""Sequences and steps of a batch, B and T."""


class TableStepper:
    """The device finds what an update needs in a table of the pass, and keeps there what came of it.

    It may be behind the host, which waits for nothing but the figures of a line that was due long ago.

    Args:
        update: of a batcher whose sequences lie on the device.
        randomness: of the steps.
        rows: steps of a pass, at most.
        width: sequences of a batch, at most.
        capture: makes steps replayable; None for none.
    """

    def __init__(
        self, update: Update, randomness: StepRandomness, rows: int, width: int, capture: Capture | None
    ) -> None:
        self.update, self.randomness, self.capture = update, randomness, capture
        self.lines_in_flight = 1
        device = update.batcher.device
        # fused optimizers read a rate on a GPU as float32, one on the CPU in any precision
        real = torch.float64 if device.type == "cpu" else torch.float32
        self.order = torch.zeros(rows, width, dtype=torch.int64, device=device)
        self.rates = torch.zeros(rows, dtype=real, device=device)
        self.shares = torch.zeros(rows, dtype=torch.float32, device=device)
        self.losses = torch.zeros(rows, device=device)
        self.correct = torch.zeros(rows, dtype=torch.int64, device=device)
        self.place = torch.zeros(1, dtype=torch.int64, device=device)
        self.replays: dict[Shape, Callable[[], Batch]] = {}
        self.seen: Counter[Shape] = Counter()

    def begin(self, course: Course, place: int) -> None:
        """See `Stepper`. The only time that anything is sent to the device."""
        self.course = course
        count = len(course.batches)
        order = np.zeros(self.order.shape, np.int64)
        for row, indices in zip(order, course.batches, strict=False):
            row[: len(indices)] = indices
        self.order.copy_(torch.from_numpy(order))
        self.rates[:count].copy_(torch.tensor(course.rates, dtype=torch.float64))
        self.shares[:count].copy_(torch.tensor(course.shares, dtype=torch.float64))
        self.place.fill_(place)

    def step(self, place: int) -> Outcome:
        """See `Stepper`."""
        course = self.course
        indices = course.batches[place]
        shape = len(indices), self.update.batcher.steps_of(indices)
        self.randomness.begin_step(course.first + place)
        replay = self.replays.get(shape) or self._prepare(shape)
        self.update.optimizer.changing = True  # a replay does not call the optimizer
        batch = self.work(shape) if replay is None else replay()
        return Outcome(batch, self.losses[place], self.correct[place])

    def work(self, shape: Shape) -> Batch:
        """One step: from the tables to the tables and the weights, and nothing else. Nothing waits for the device."""
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
        """See `Stepper`. What lies in the graphs' memory goes with them."""
        self.replays.clear()
        self.update.optimizer.forget_gradients()
        self.update.optimizer.rate = self.update.config.learning_rate

    def _prepare(self, shape: Shape) -> Callable[[], Batch] | None:
        """The captured step of a shape that has come often enough."""
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
    """The batches to learn from: where the device is a GPU, of few shapes, and of sequences that lie there if they fit.

    Args:
        train: what to learn from.
        device: where the network is.
        sample_weights: how much each sequence counts in the loss, [N]; all the same where None.
    """
    storage = choose_storage(train.values.nbytes, device)
    round_to = 1 if device.type == "cpu" else -(-int(train.lengths.max()) // LENGTH_BUCKETS)
    return Batcher(train, device, sample_weights, storage=storage, round_to=round_to)


def describe_steps(config: TrainConfig, train: Sequences, device: torch.device) -> str:
    """How steps are done on a GPU, and why, as the end of a sentence; empty on the CPU."""
    if device.type == "cpu":
        return ""
    if choose_storage(train.values.nbytes, device).type == "cpu":
        size = train.values.nbytes / 1e9
        return f"steps one by one: the sequences, {size:.1f} GB, take over half of its memory and stay in the host's"
    if not config.cuda_graphs:
        return "steps one by one: cuda_graphs is off"
    return "steps replayed as CUDA graphs"


def make_stepper(update: Update, plan: Plan) -> Stepper:
    """Who does the updates, where the batcher makes its batches."""
    batcher = update.batcher
    randomness = StepRandomness(update, batcher.device)
    if batcher.device.type == "cpu" or batcher.storage != batcher.device:
        return HostStepper(update, randomness)
    generators = [] if randomness.changes is None else [randomness.changes]
    capture = CudaGraphs(generators) if update.config.cuda_graphs else None
    return TableStepper(update, randomness, plan.order.steps_per_pass, plan.order.batch_size, capture)


def _default_generator(device: torch.device) -> Generator:
    """What layers draw from that take no generator."""
    if device.type == "cpu":
        return torch.default_generator
    return torch.cuda.default_generators[device.index or 0]
