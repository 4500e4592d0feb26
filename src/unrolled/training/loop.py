"""The training loop: `fit` → epochs → steps, to be read from the top."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unrolled.config import AugmentConfig, TrainConfig
from unrolled.data import Sequences
from unrolled.data.batches import Batcher
from unrolled.errors import DivergedError, InterruptedRunError
from unrolled.network import Network
from unrolled.runtime import StopRequest, choose_storage, heeding_stops
from unrolled.training.capture import on_side_stream
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.figures import LossAndAccuracy, measure
from unrolled.training.losses import Weights, class_weights
from unrolled.training.optimizers import make_optimizer
from unrolled.training.plan import Plan, make_plan
from unrolled.training.recorders import Figures, Line, Recorder, Recorders, mean_loss
from unrolled.training.schedule import learning_rate
from unrolled.training.selection import Selection
from unrolled.training.start import check_settings
from unrolled.training.state import EpochLog, TrainState
from unrolled.training.stepping import Stepper, make_course, make_stepper, training_batcher
from unrolled.training.update import Update


def new_state(network: Network, config: TrainConfig, selection: Selection | None = None) -> TrainState:
    """The state before the first step.

    Args:
        network: what learns.
        config: how.
        selection: which weights are kept; by default the best on validation data, or the last, as ``config`` says.
    """
    averaged = copy.deepcopy(network) if config.average_decay else None
    return TrainState(network, averaged, make_optimizer(network, config), selection or Selection(config))


def fit(
    state: TrainState,
    train: Sequences,
    validation: Sequences | None,
    config: TrainConfig,
    augmentation: AugmentConfig | None = None,
    *,
    sample_weights: Weights | None = None,
    validation_weights: Weights | None = None,
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
        validation_weights: how much each validation sequence counts in the validation loss, [N].
        recorders: observers.
        store: where checkpoints go.
    Returns:
        The state at the end; its ``judged`` network holds the weights that its selection keeps.
    Raises:
        ConfigError: for settings that these data cannot have.
        DivergedError: if the loss is not finite.
        InterruptedRunError: after a `StopRequest`, when a checkpoint is saved.
        KeyboardInterrupt: after Ctrl-C where no entry of the process takes it as such a request; a checkpoint is saved,
            unless the weights were just changing: then the one before it is there to go on from.
    """
    augmentation = augmentation or AugmentConfig()
    device = state.network.output.weight.device
    check_settings(config, augmentation, train, validation, device)
    observer = Recorders(recorders)
    batcher = training_batcher(train, device, sample_weights)
    plan = make_plan(config, train)
    weights = _to(class_weights(config, train), device)
    update = Update(state.network, state.averaged, state.optimizer, batcher, config, augmentation, weights)
    forked = torch.random.fork_rng([device] if device.type == "cuda" else [])
    with forked, on_side_stream(device), heeding_stops() as stop:
        fitting = Fitting(
            state=state,
            plan=plan,
            config=config,
            batcher=batcher,
            stepper=make_stepper(update, plan),
            validation=None if validation is None else _validation_batcher(validation, device, validation_weights),
            observer=observer,
            store=store,
            stop=stop,
            clock=Clock(state.seconds),
        )
        observer.begin(state, plan)
        try:
            fitting.run()
        except KeyboardInterrupt:
            if state.is_whole:
                fitting.save()
            raise
        finally:
            fitting.stepper.end()
            observer.end(state)
    return state


def _validation_batcher(validation: Sequences, device: torch.device, weights: Weights | None) -> Batcher:
    return Batcher(validation, device, weights, storage=choose_storage(validation.values.nbytes, device))


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
        lines: those of figures that are due and still on their way from the device, the oldest first.
    """

    state: TrainState
    plan: Plan
    config: TrainConfig
    batcher: Batcher
    stepper: Stepper
    validation: Batcher | None
    observer: Recorder
    store: CheckpointStore | None
    stop: StopRequest
    clock: Clock
    lines: deque[Line] = field(default_factory=deque)

    def run(self) -> None:
        """All epochs that are left, then the weights to keep."""
        state, selection = self.state, self.state.selection
        if not state.step:
            selection.begin(state.judged, self.batcher, self.validation)
        while not self.is_complete():
            self.train_epoch()
            self.finish_epoch()
        selection.end(state.judged, state.epoch, self.batcher, self.validation)
        self.save()
        if selection.kept:
            state.judged.load_state_dict(selection.kept)
        state.judged.eval()

    def is_complete(self) -> bool:
        """Whether nothing is left; a pass whose last step was the last before a stop is still to be finished."""
        state = self.state
        return not state.place and (state.step >= self.plan.total_steps or state.selection.gives_up(self.plan))

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
        state.optimizer.changing = False
        self.observer.updated(state, batch)

    def finish_epoch(self) -> None:
        """The pass's figures, on training and on validation data, and whether they are the best."""
        state = self.state
        self.tell_lines()
        figures = self.check_finite()
        assert figures is not None  # noqa: S101  # a pass has a step
        self.check_weights()
        validated = self.validate()
        state.epoch += 1
        improved = state.selection.epoch_done(state.judged, state.epoch, validated)
        state.seconds = self.clock.seconds()
        log = EpochLog(
            epoch=state.epoch,
            step=state.step,
            sequences=state.sequences,
            train_loss=mean_loss(figures.losses, state.counts, self.config),
            train_accuracy=figures.right / sum(state.counts),
            loss_sum=float(figures.losses.sum()),
            validation_loss=None if validated is None else validated.loss,
            validation_accuracy=None if validated is None else validated.accuracy,
            improved=improved,
            learning_rate=self.current_rate(),
            seconds=state.seconds,
        )
        state.losses, state.correct, state.counts = [], [], []
        state.history.append(log)
        self.observer.epoch(log, state)

    def validate(self) -> LossAndAccuracy | None:
        """Loss and accuracy on the validation data."""
        return None if self.validation is None else measure(self.state.judged, self.validation)

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
        selection = state.selection
        if selection.best:
            facts = {"step": state.step, "epoch": selection.best_epoch, "value": selection.best_value}
            self.store.save_best(selection.best, facts)
        self.store.save_last(state.tensors(), state.facts())
        self.clock.saved = time.perf_counter()

    def interrupt(self) -> None:
        """Saves, and says how to go on."""
        self.save()
        raise InterruptedRunError(f"Stopped after step {self.state.step} of {self.plan.total_steps}.")


def _to(tensor: Tensor | None, device: torch.device) -> Tensor | None:
    return None if tensor is None else tensor.to(device)
