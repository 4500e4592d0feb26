"""The training loop: `fit` → epochs → steps, to be read from the top."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.config import AugmentConfig, TrainConfig
from unrolled.data.batching import Batch, Batcher
from unrolled.data.sequences import Integers, Sequences
from unrolled.errors import ConfigError, DivergedError, InterruptedRunError
from unrolled.inference import all_logits
from unrolled.nn.network import Network
from unrolled.nn.preparation import Preparation
from unrolled.training.augment import augment, check_augmentation
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.interrupt import StopRequest, stop_on_signals
from unrolled.training.losses import batch_loss, class_weights
from unrolled.training.optimizers import learning_rate, make_optimizer, set_learning_rate
from unrolled.training.plan import Plan, make_plan
from unrolled.training.recorders import Recorder, Recorders
from unrolled.training.state import (
    DROPOUT,
    EpochLog,
    StepLog,
    TrainState,
    copy_weights,
    step_generator,
    step_seed,
)


def new_state(network: Network, config: TrainConfig) -> TrainState:
    """The state before the first step."""
    averaged = copy.deepcopy(network) if config.average_decay else None
    return TrainState(network, averaged, make_optimizer(network, config))


def fit(
    state: TrainState,
    train: Sequences,
    validation: Sequences | None,
    config: TrainConfig,
    augmentation: AugmentConfig | None = None,
    *,
    sample_weights: npt.NDArray[np.floating] | None = None,
    recorders: Sequence[Recorder] = (),
    store: CheckpointStore | None = None,
) -> TrainState:
    """Trains from where the state is to the end of the plan.

    Args:
        state: from `new_state`, perhaps restored from a checkpoint; it is changed and returned.
        train: what to learn from.
        validation: what to choose the best weights by, after each pass.
        config: how to train.
        augmentation: random changes of the training sequences.
        sample_weights: how much each training sequence counts in the loss, [N]; all the same where None.
        recorders: observers.
        store: where checkpoints go.
    Returns:
        The state at the end; its ``judged`` network holds the weights that ``config.keep`` asks for.
    Raises:
        ConfigError: for settings that these data cannot have.
        DivergedError: if the loss is not finite.
        InterruptedRunError: after Ctrl-C, when a checkpoint is saved.
    """
    augmentation = augmentation or AugmentConfig()
    check_augmentation(augmentation, train)
    if config.patience is not None and validation is None:
        raise ConfigError("patience needs validation data; set validation_fraction above 0, or leave it out.")
    device = state.network.output.weight.device
    if config.precision != "float32" and device.type == "cpu":
        raise ConfigError(f"precision = {config.precision!r} needs a GPU; use float32 on the CPU.")
    observer = Recorders(recorders)
    with torch.random.fork_rng([device] if device.type == "cuda" else []), stop_on_signals() as stop:
        fitting = Fitting(
            state=state,
            plan=make_plan(config, train),
            config=config,
            augmentation=augmentation,
            batcher=Batcher(train, device, sample_weights),
            validation=None if validation is None else Batcher(validation, device),
            weights=_to(class_weights(config, train), device),
            observer=observer,
            store=store,
            stop=stop,
            clock=Clock(state.seconds),
        )
        observer.begin(state, fitting.plan)
        try:
            fitting.run()
        finally:
            observer.end(state)
    return state


@dataclass
class Clock:
    """Seconds of training, over all its resumptions.

    Attributes:
        before: seconds of the earlier ones.
    """

    before: float

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.saved = self.started

    def seconds(self) -> float:
        """So far."""
        return self.before + time.perf_counter() - self.started

    def since_saved(self) -> float:
        """Since the last checkpoint."""
        return time.perf_counter() - self.saved


@dataclass
class Fitting:
    """One call of `fit`: what its steps need, and the steps."""

    state: TrainState
    plan: Plan
    config: TrainConfig
    augmentation: AugmentConfig
    batcher: Batcher
    validation: Batcher | None
    weights: Tensor | None
    observer: Recorder
    store: CheckpointStore | None
    stop: StopRequest
    clock: Clock

    def run(self) -> None:
        """All epochs that are left, then the weights to keep."""
        state = self.state
        while not self.is_complete():
            self.train_epoch()
            self.finish_epoch()
        self.save()
        if self.config.keep == "best" and state.best:
            state.judged.load_state_dict(state.best)
        state.judged.eval()

    def is_complete(self) -> bool:
        """Whether nothing is left; a pass whose last step was the last before a stop is still to be finished."""
        return not self.state.place and (self.state.step >= self.plan.total_steps or self.out_of_patience())

    def train_epoch(self) -> None:
        """The batches of this pass that are left."""
        state = self.state
        batches = self.plan.order.batches(state.epoch)[: self.plan.steps_in(state.epoch)]
        state.network.train()
        for indices in batches[state.place :]:
            self.train_step(indices)
            if state.step % self.config.log_every == 0:
                self.log_step()
            if self.stop.requested:
                self.interrupt()
            if self.checkpoint_is_due():
                self.save()

    def train_step(self, indices: Integers) -> None:
        """One batch: forward, backward, update. Nothing here waits for the device."""
        state, config = self.state, self.config
        batch = self.make_batch(indices)
        set_learning_rate(state.optimizer, learning_rate(config, state.step, self.plan.total_steps))
        self.seed_dropout(batch.inputs.device)
        with torch.autocast(batch.inputs.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            logits = state.network(batch.inputs, batch.lengths)
        loss = batch_loss(logits.float(), batch.targets, config, self.weights, batch.weights)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if config.clip_norm:
            torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip_norm)
        state.optimizer.step()
        self.average_weights()
        state.losses.append(loss.detach())
        state.correct.append((logits.detach().argmax(-1) == batch.targets).sum())
        state.counts.append(len(batch))
        state.step += 1
        state.sequences += len(batch)
        self.observer.updated(state, batch)

    def make_batch(self, indices: Integers) -> Batch:
        """The batch, with the random changes of its step."""
        batch = self.batcher.batch(indices)
        if self.augmentation.of_pictures or self.augmentation.of_series:
            generator = step_generator(self.config.seed, self.state.step)
            batch = augment(batch, self.augmentation, generator, self.noise_unit(batch))
        return batch

    def noise_unit(self, batch: Batch) -> Tensor | None:
        """What a noise of 1 is in the batch's values: noise is given in the unit that the cells see."""
        preparation = self.state.network.preparation
        if not self.augmentation.noise or not isinstance(preparation, Preparation):
            return None
        return preparation.unit(batch.inputs, batch.lengths)

    def seed_dropout(self, device: torch.device) -> None:
        """Makes what this step drops a function of the seed and the step's number."""
        if not self.state.network.config.drops:
            return
        seed = step_seed(self.config.seed, self.state.step, DROPOUT)
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def average_weights(self) -> None:
        """Moves the average of the weights towards them; in the first steps it follows faster."""
        state = self.state
        if state.averaged is None:
            return
        decay = min(self.config.average_decay, (1 + state.step) / (10 + state.step))
        with torch.no_grad():
            for average, weight in zip(state.averaged.parameters(), state.network.parameters(), strict=True):
                average.lerp_(weight, 1 - decay)

    def finish_epoch(self) -> None:
        """The pass's figures, on training and on validation data, and whether they are the best."""
        state = self.state
        self.check_finite()
        self.check_weights()
        losses, sequences = torch.stack(state.losses).double(), sum(state.counts)
        validation_loss, validation_accuracy = self.validate()
        value = validation_loss if self.config.monitor == "loss" else _negative(validation_accuracy)
        improved = value is not None and (state.best_value is None or value < state.best_value)
        state.epoch += 1
        state.seconds = self.clock.seconds()
        log = EpochLog(
            epoch=state.epoch,
            step=state.step,
            sequences=state.sequences,
            train_loss=_mean_loss(losses, state.counts, self.config),
            train_accuracy=int(torch.stack(state.correct).sum()) / sequences,
            loss_sum=float(losses.sum()),
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            improved=improved,
            learning_rate=self.current_rate(),
            seconds=state.seconds,
        )
        state.waited = 0 if improved else state.waited + 1
        if improved:
            state.best, state.best_value, state.best_epoch = copy_weights(state.judged), value, state.epoch
        state.losses, state.correct, state.counts = [], [], []
        state.history.append(log)
        self.observer.epoch(log, state)

    def validate(self) -> tuple[float | None, float | None]:
        """Loss (mean cross-entropy) and accuracy on the validation data."""
        if self.validation is None:
            return None, None
        logits = all_logits(self.state.judged, self.validation)
        targets = self.validation.targets.cpu()
        loss = float(F.cross_entropy(logits.double(), targets))
        return loss, int((logits.argmax(-1) == targets).sum()) / len(targets)

    def log_step(self) -> None:
        """A line of training figures over the steps since the last one, or since the pass began."""
        state, every = self.state, self.config.log_every
        self.check_finite()
        recent = slice(-min(every, state.place), None)
        counts = state.counts[recent]
        self.observer.step(
            StepLog(
                step=state.step,
                epoch=state.epoch + 1,
                sequences=state.sequences,
                loss=_mean_loss(torch.stack(state.losses[recent]).double(), counts, self.config),
                accuracy=int(torch.stack(state.correct[recent]).sum()) / sum(counts),
                learning_rate=self.current_rate(),
                seconds=self.clock.seconds(),
            )
        )

    def check_finite(self) -> None:
        """Stops a training whose loss is not finite, before anything is saved over a good checkpoint."""
        state = self.state
        if not state.losses:
            return
        wrong = torch.nonzero(~torch.isfinite(torch.stack(state.losses)))
        if not len(wrong):
            return
        step = state.step - state.place + int(wrong[0])
        raise self.diverged(f"The loss is {float(state.losses[int(wrong[0])])}", step)

    def check_weights(self) -> None:
        """Stops a training whose last update made a weight infinite, though its loss was not yet."""
        weights = self.state.network.parameters()
        if not all(bool(torch.isfinite(weight).all()) for weight in weights):
            raise self.diverged("The update made weights that are not finite", self.state.step - 1)

    def diverged(self, finding: str, step: int) -> DivergedError:
        """The error for a finding at a step, counted from 0."""
        rate = learning_rate(self.config, step, self.plan.total_steps)
        good = "There is no earlier checkpoint."
        if self.store is not None and self.store.newest() is not None:
            good = f"The last good checkpoint is {self.store.newest()}."
        return DivergedError(
            f"{finding} at step {step + 1}, where the learning rate is {rate:.3g}. {good} Try a smaller "
            "--learning-rate (a third of this one), a smaller --clip-norm, or look for extreme values in the data "
            "with `unrolled inspect`."
        )

    def current_rate(self) -> float:
        """The learning rate of the step that was just done."""
        return learning_rate(self.config, max(self.state.step - 1, 0), self.plan.total_steps)

    def out_of_patience(self) -> bool:
        """Whether the validation figure has not improved for too long."""
        return self.config.patience is not None and self.state.waited >= self.config.patience

    def checkpoint_is_due(self) -> bool:
        """Whether so many steps, or so many seconds, have passed since the last one."""
        every = self.config.checkpoint_every_steps
        if every is not None and self.state.step % every == 0:
            return True
        return self.clock.since_saved() >= self.config.checkpoint_every_seconds

    def save(self) -> None:
        """A checkpoint of the whole state, and the best weights where they are new."""
        if self.store is None:
            return
        state = self.state
        self.check_finite()
        self.check_weights()
        self.observer.flush()
        state.seconds = self.clock.seconds()
        if state.best:
            facts = {"step": state.step, "epoch": state.best_epoch, "value": state.best_value}
            self.store.save_best(state.best, facts)
        self.store.save_last(state.tensors(), state.facts())
        self.clock.saved = time.perf_counter()

    def interrupt(self) -> None:
        """Saves, and says how to go on."""
        self.save()
        raise InterruptedRunError(f"Stopped after step {self.state.step} of {self.plan.total_steps}.")


def _mean_loss(losses: Tensor, counts: Sequence[int], config: TrainConfig) -> float:
    """The mean over sequences, from the batches' means or sums."""
    if config.loss == "sum":
        return float(losses.sum()) / sum(counts)
    weights = torch.tensor(counts, dtype=torch.float64, device=losses.device)
    return float((losses * weights).sum()) / sum(counts)


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _to(tensor: Tensor | None, device: torch.device) -> Tensor | None:
    return None if tensor is None else tensor.to(device)
