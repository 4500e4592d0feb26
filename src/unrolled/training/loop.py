"""The training loop: `fit` → epochs → steps, to be read from the top."""

from __future__ import annotations

import copy
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.config import LENGTHS, AugmentConfig, ModelConfig, TrainConfig
from unrolled.data import Sequences
from unrolled.data.batches import Batcher
from unrolled.errors import DivergedError, InterruptedRunError
from unrolled.network import Network, all_logits
from unrolled.readout import WORTH, Cases, is_better, set_aside, start_readout
from unrolled.runtime import StopRequest, choose_storage, stop_on_signals
from unrolled.training.capture import on_side_stream
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.losses import class_weights
from unrolled.training.optimizers import make_optimizer
from unrolled.training.plan import Plan, make_plan
from unrolled.training.recorders import Figures, Line, Recorder, Recorders, mean_loss
from unrolled.training.schedule import learning_rate
from unrolled.training.start import check_settings
from unrolled.training.state import EpochLog, TrainState, copy_weights
from unrolled.training.stepping import Stepper, make_course, make_stepper, training_batcher
from unrolled.training.update import Update


def new_state(network: Network, config: TrainConfig, *, goes_on: bool = False) -> TrainState:
    """The state before the first step.

    Args:
        network: what learns.
        config: how.
        goes_on: whether its weights have learned before.
    """
    averaged = copy.deepcopy(network) if config.average_decay else None
    return TrainState(network, averaged, make_optimizer(network, config), goes_on=goes_on)


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
    device = state.network.output.weight.device
    check_settings(config, augmentation, train, validation, device)
    observer = Recorders(recorders)
    cases, held = prepare_start(state, Cases(train, sample_weights), validation, config)
    batcher = training_batcher(cases.sequences, device, cases.weights)
    plan = make_plan(one_pass(config) if state.solved else config, cases.sequences)
    weights = _to(class_weights(config, cases.sequences), device)
    update = Update(state.network, state.averaged, state.optimizer, batcher, config, augmentation, weights)
    forked = torch.random.fork_rng([device] if device.type == "cuda" else [])
    with forked, on_side_stream(device), stop_on_signals() as stop:
        fitting = Fitting(
            state=state,
            plan=plan,
            config=config,
            batcher=batcher,
            stepper=make_stepper(update, plan),
            validation=None if held is None else _validation_batcher(held, device),
            sets_aside=validation is None and held is not None,
            observer=observer,
            store=store,
            stop=stop,
            clock=Clock(state.seconds),
        )
        observer.begin(state, plan)
        try:
            fitting.run()
        finally:
            fitting.stepper.end()
            observer.end(state)
    return state


def prepare_start(
    state: TrainState, train: Cases, validation: Sequences | None, config: TrainConfig
) -> tuple[Cases, Cases | None]:
    """What is learned from, and what says which weights are best; the start is remembered, and fitted to the former."""
    held = None if validation is None else Cases(validation, None)
    if state.goes_on or not keeps_start(state.network.config, config):
        return train, held
    if not state.step:
        batcher = training_batcher(train.sequences, state.network.output.weight.device, train.weights)
        state.fitted = copy_weights(state.judged)
        state.solved = figures_of(state.network, batcher)[0] < SOLVED
    if held is not None:
        return train, held
    train, held = set_aside(train, config.seed)
    if not state.step:
        start_readout(state.network, train.sequences, train.weights, config.seed)
        state.judged.load_state_dict(state.network.state_dict())
    return train, held


def _validation_batcher(held: Cases, device: torch.device) -> Batcher:
    storage = choose_storage(held.sequences.values.nbytes, device)
    return Batcher(held.sequences, device, weights=held.weights, storage=storage)


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
    """One call of `fit`: what it needs, and its ladder of verbs.

    Attributes:
        sets_aside: whether the validation data are training cases that were set aside.
        lines: those of figures that are due and still on their way from the device, the oldest first.
    """

    state: TrainState
    plan: Plan
    config: TrainConfig
    batcher: Batcher
    stepper: Stepper
    validation: Batcher | None
    sets_aside: bool
    observer: Recorder
    store: CheckpointStore | None
    stop: StopRequest
    clock: Clock
    lines: deque[Line] = field(default_factory=deque)

    def run(self) -> None:
        """All epochs that are left, then the weights to keep."""
        state = self.state
        if keeps_start(state.network.config, self.config) and not state.step:
            self.judge_start()
        while not self.is_complete():
            self.train_epoch()
            self.finish_epoch()
        if keeps_start(state.network.config, self.config):
            self.judge_end()
        self.save()
        if self.config.keep == "best" and state.best:
            state.judged.load_state_dict(state.best)
        state.judged.eval()

    def judge_start(self) -> None:
        """Remembers a fitted start: where no pass is shown to be better, it is what is kept."""
        state = self.state
        state.start = figures_of(state.judged, self.validation or self.batcher)
        state.best, state.best_value = copy_weights(state.judged), self.watched(*state.start)
        if self.validation is not None:
            state.start_cases = self.watched_cases(state.judged, self.validation)

    def judge_end(self) -> None:
        """Leaves a fitted start only for weights that are shown to be better, where anything can show it."""
        if self.validation is None:
            if not self.state.start_tells:
                self.judge_by_fit()
        elif self.state.fitted and not self.is_shown(self.validation):
            self.keep_start()

    def judge_by_fit(self) -> None:
        """The last weights are kept if they fit the training data better."""
        state = self.state
        value = self.watched(*figures_of(state.judged, self.batcher))
        if state.best_value is None or value < state.best_value:
            state.best, state.best_value, state.best_epoch = copy_weights(state.judged), value, state.epoch

    def is_shown(self, validation: Batcher) -> bool:
        """Whether the best weights are shown to be better than the start, case by case."""
        state = self.state
        if not state.best_epoch or state.start_cases is None:
            return False
        best = copy.deepcopy(state.judged)
        best.load_state_dict(state.best)
        weights = None if validation.weights is None else validation.weights.cpu()
        worth = WORTH if self.sets_aside else 0.0
        return is_better(self.watched_cases(best, validation), state.start_cases, weights, worth)

    def keep_start(self) -> None:
        """As it was fitted to all training data."""
        state = self.state
        state.best = {name: value.clone() for name, value in state.fitted.items()}
        state.best_epoch = 0
        if state.start is not None:
            state.best_value = self.watched(*state.start)

    def is_complete(self) -> bool:
        """Whether nothing is left; a pass whose last step was the last before a stop is still to be finished."""
        return not self.state.place and (self.state.step >= self.plan.total_steps or self.out_of_patience())

    def train_epoch(self) -> None:
        """The batches of this pass that are left."""
        state = self.state
        course = make_course(self.plan, self.config, state.epoch, state.step - state.place)
        state.network.train()
        self.stepper.begin(course, state.place)
        for indices in course.batches[state.place :]:
            self.train_step(len(indices))
            if state.step % self.config.log_every == 0:
                self.log_step()
            if self.stop.requested:
                self.interrupt()
            if self.checkpoint_is_due():
                self.save()

    def train_step(self, count: int) -> None:
        """One update, by so many sequences. Nothing here waits for the device."""
        state = self.state
        batch, loss, correct = self.stepper.step(state.place)
        state.losses.append(loss)
        state.correct.append(correct)
        state.counts.append(count)
        state.step += 1
        state.sequences += count
        self.observer.updated(state, batch)

    def finish_epoch(self) -> None:
        """The pass's figures, on training and on validation data, and whether they are the best."""
        state = self.state
        self.tell_lines()
        figures = self.check_finite()
        assert figures is not None  # noqa: S101  # a pass has a step
        self.check_weights()
        validation_loss, validation_accuracy = self.validate()
        value = None
        if validation_loss is not None and validation_accuracy is not None:
            value = self.watched(validation_loss, validation_accuracy)
        improved = value is not None and (state.best_value is None or value < state.best_value)
        state.epoch += 1
        state.seconds = self.clock.seconds()
        log = EpochLog(
            epoch=state.epoch,
            step=state.step,
            sequences=state.sequences,
            train_loss=mean_loss(figures.losses, state.counts, self.config),
            train_accuracy=figures.right / sum(state.counts),
            loss_sum=float(figures.losses.sum()),
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
        return (None, None) if self.validation is None else figures_of(self.state.judged, self.validation)

    def watched(self, loss: float, accuracy: float) -> float:
        """The figure that is watched; lower is better."""
        return loss if self.config.monitor == "loss" else -accuracy

    def watched_cases(self, network: Network, batcher: Batcher) -> Tensor:
        """The same of each sequence, [N]: its cross-entropy, or 0 where it is told apart and 1 where not."""
        losses, correct = cases_of(network, batcher)
        return losses if self.config.monitor == "loss" else 1 - correct.double()

    def log_step(self) -> None:
        """A line of training figures over the steps since the last one, or since the pass began.

        On a GPU it is told when the next one is due: by then it has arrived, and no step has waited for it.
        """
        state, every = self.state, self.config.log_every
        recent = slice(-min(every, state.place), None)
        line = Line(
            step=state.step,
            epoch=state.epoch + 1,
            sequences=state.sequences,
            counts=state.counts[recent],
            figures=Figures(state.losses[recent], state.correct[recent]),
            learning_rate=self.current_rate(),
            seconds=self.clock.seconds(),
        )
        self.lines.append(line)
        self.tell_lines(self.stepper.lines_in_flight)

    def tell_lines(self, keep: int = 0) -> None:
        """Tells the observers the lines that are due, but for the newest few."""
        while len(self.lines) > keep:
            line = self.lines.popleft()
            self.refuse(line.figures, line.first_step)
            self.observer.step(line.log(self.config))

    def check_finite(self) -> Figures | None:
        """Stops a training whose loss is not finite, before anything is saved over a good checkpoint.

        Returns:
            The figures of this pass so far; None before its first step.
        """
        state = self.state
        if not state.losses:
            return None
        figures = Figures(state.losses, state.correct)
        self.refuse(figures, state.step - state.place)
        return figures

    def refuse(self, figures: Figures, first: int) -> None:
        """Stops the training if a loss is not finite; ``first`` is the number of the first of these steps, from 0."""
        wrong = figures.first_not_finite()
        if wrong is not None:
            raise self.diverged(f"The loss is {float(figures.losses[wrong])}", first + wrong)

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
        clip = "a smaller --clip-norm" if self.config.clip_norm else "--clip-norm 1"
        return DivergedError(
            f"{finding} at step {step + 1}, where the learning rate is {rate:.3g}. {good} Try a smaller "
            f"--learning-rate (a third of this one), {clip}, or look for extreme values in the data "
            "with `unrolled inspect`."
        )

    def current_rate(self) -> float:
        """The learning rate of the step that was just done."""
        return learning_rate(self.config, max(self.state.step - 1, 0), self.plan.total_steps)

    def out_of_patience(self) -> bool:
        """Whether the validation figure has not improved for too long."""
        patience = self.config.patience
        if patience is None and self.sets_aside and self.state.start_tells:
            patience = math.ceil(HOPE * self.plan.epochs)
        return patience is not None and self.state.waited >= patience

    def checkpoint_is_due(self) -> bool:
        """Whether so many steps, or so many seconds, have passed since the last one."""
        every = self.config.checkpoint_every_steps
        if every is not None and self.state.step % every == 0:
            return True
        return self.clock.since_saved() >= self.config.checkpoint_every_seconds

    def save(self) -> None:
        """A checkpoint of the whole state, and the best weights where they are new."""
        self.tell_lines()
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


def figures_of(network: Network, batcher: Batcher) -> tuple[float, float]:
    """Loss and accuracy of a network as it is: cross-entropy, its mean weighted where the sequences are."""
    losses, correct = cases_of(network, batcher)
    weights = torch.ones_like(losses) if batcher.weights is None else batcher.weights.cpu().double()
    loss = float((weights * losses).sum() / weights.sum())
    return loss, int(correct.sum()) / len(correct)


def cases_of(network: Network, batcher: Batcher) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each sequence, [N], and whether its class is the most probable, [N]."""
    logits = all_logits(network, batcher)
    targets = batcher.targets.cpu()
    return F.cross_entropy(logits.double(), targets, reduction="none"), logits.argmax(-1) == targets


SOLVED = 0.05
"""A fitted start with less than this cross-entropy on its own training data leaves gradients nothing to learn."""


HOPE = 0.25
"""Of a start that tells something: the share of all passes in which one has to better it on what is set aside."""


def one_pass(config: TrainConfig) -> TrainConfig:
    """The same training in a single pass, unless its length was asked for."""
    asked = any(getattr(config, name) is not None for name in LENGTHS)
    return config if asked else config.model_copy(update={"max_epochs": 1})


def keeps_start(model: ModelConfig, config: TrainConfig) -> bool:
    """Whether the start is among what is chosen from: it is fitted to the training data, and the best is kept."""
    return model.output_initializer == "ridge" and config.keep == "best"


def _to(tensor: Tensor | None, device: torch.device) -> Tensor | None:
    return None if tensor is None else tensor.to(device)
