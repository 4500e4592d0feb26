"""The training loop: `fit` → epochs → steps, to be read from the top."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import torch

from unrolled.config import AugmentConfig, TrainConfig
from unrolled.data import Sequences
from unrolled.data.batches import Batcher
from unrolled.errors import DivergedError, InterruptedRunError
from unrolled.network import Network
from unrolled.runtime import StopRequest, choose_storage, heeding_stops
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.cuda_graphs import on_side_stream
from unrolled.training.ending import Ending, Reason, ending_for
from unrolled.training.figures import measure
from unrolled.training.losses import Weights, class_weights
from unrolled.training.optimizers import make_optimizer
from unrolled.training.plan import Plan, make_plan
from unrolled.training.recorders import Recorder, StepFigures
from unrolled.training.schedule import learning_rate
from unrolled.training.selection import Selection
from unrolled.training.start import check_settings
from unrolled.training.state import EpochLog, StepLog, TrainState
from unrolled.training.steppers import Stepper, make_stepper
from unrolled.training.stepping import training_batcher, updates_of_epoch
from unrolled.training.update import Update
from unrolled.training.workers import Requests, Workers


def new_state(network: Network, config: TrainConfig, selection: Selection | None = None) -> TrainState:
    """The state before the first step.

    Args:
        network: the network that learns.
        config: the settings of the training.
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
    enough: StopRequest | None = None,
    workers: Workers | None = None,
) -> TrainState:
    """Trains from the given state to the end of the plan, or until nothing improves any more.

    Args:
        state: from `new_state`, perhaps restored from a checkpoint; it is changed and returned.
        train: the sequences to learn from.
        validation: the sequences by which the best weights are chosen, after each epoch.
        config: how to train.
        augmentation: random changes of the training sequences.
        sample_weights: how much each training sequence counts in the loss, [N]; all the same where None.
        validation_weights: how much each validation sequence counts in the validation loss, [N].
        recorders: observers.
        store: the run's checkpoints; none are written where None.
        enough: a request to end the training early, as if it were complete.
        workers: the processes that share each batch; the first has the recorders, the store and the requests.
    Returns:
        The state at the end; its ``shipped`` network holds the weights that its selection keeps, and its ``ending``
        says why the training ended.
    Raises:
        ConfigError: for settings that these data cannot have.
        DivergedError: if the loss is not finite.
        InterruptedRunError: after a `StopRequest`, when a checkpoint is saved.
        WorkerLostError: if another worker ends.
        KeyboardInterrupt: after Ctrl-C where no entry of the process turns it into such a request. A checkpoint is
            saved, unless an update had begun: the training then goes on from the checkpoint before it.
    """
    augmentation = augmentation or AugmentConfig()
    device = state.network.output.weight.device
    check_settings(config, augmentation, train, validation, device)
    batcher = training_batcher(train, device, sample_weights)
    plan = make_plan(config, train)
    weights = class_weights(config, train)
    weights = None if weights is None else weights.to(device)
    update = Update(state.network, state.averaged, state.optimizer, batcher, config, augmentation, weights)
    if validation is not None:
        storage = choose_storage(validation.values.nbytes, device)
        validation_batcher = Batcher(validation, device, validation_weights, storage=storage)
    forked = torch.random.fork_rng([device] if device.type == "cuda" else [])
    with forked, on_side_stream(device), heeding_stops() as stop:
        started = time.perf_counter() - state.seconds
        requests = Requests(stop, enough or StopRequest(), config.time_limit, started)
        fitting = Fitting(
            state=state,
            plan=plan,
            config=config,
            batcher=batcher,
            stepper=make_stepper(update, plan, requests, workers or Workers()),
            validation=None if validation is None else validation_batcher,
            recorders=recorders,
            store=store,
            requests=requests,
        )
        for recorder in recorders:
            recorder.begin(state, plan)
        try:
            fitting.run()
        except KeyboardInterrupt:
            if state.is_whole:
                fitting.save()
            raise
        finally:
            with ExitStack() as ends:  # each, even where one fails
                for recorder in reversed(recorders):
                    ends.callback(recorder.end, state)
                fitting.stepper.end()
    return state


@dataclass
class Fitting:
    """One call of `fit`, step by step.

    Attributes:
        requests: what may end it before its length.
        saved: when the last checkpoint was written, or this call began.
        lines: lines of figures that are due and still on their way from the device, the oldest first; each is a
            `StepLog` that lacks its loss and its accuracy.
    """

    state: TrainState
    plan: Plan
    config: TrainConfig
    batcher: Batcher
    stepper: Stepper
    validation: Batcher | None
    recorders: Sequence[Recorder]
    store: CheckpointStore | None
    requests: Requests
    saved: float = field(default_factory=time.perf_counter)
    lines: deque[tuple[StepFigures, Callable[..., StepLog]]] = field(default_factory=deque)

    def run(self) -> None:
        """Trains the epochs that are left, then loads the selected weights."""
        state, selection = self.state, self.state.selection
        if not state.step:
            selection.begin(state.shipped, self.batcher, self.validation)
        inside = False
        while not self.is_complete():
            self.train_epoch()
            inside = state.place < self.plan.order.updates_per_epoch
            if inside:  # a longer training goes on from here
                self.save()
            self.finish_epoch()
        state.ending = self.ending()
        if not inside:  # before the selection ends: a longer training is not bound by its choice
            self.save()
        selection.end(state.shipped, state.epoch, self.batcher, self.validation)
        if selection.kept:
            state.shipped.load_state_dict(selection.kept)
        state.shipped.eval()

    def is_complete(self) -> bool:
        """Whether nothing is left. An epoch that was stopped after its last update still lacks its figures."""
        state = self.state
        done = state.step >= self.plan.total_steps or state.selection.gives_up(self.plan)
        return not state.place and (done or self.cut_short() is not None)

    def cut_short(self) -> Reason | None:
        """Why the training ends before its length, at any update after the first."""
        wish = self.stepper.wish
        return None if wish == "stop" or not self.state.step else wish

    def ending(self) -> Ending:
        """Why a complete training ended."""
        state = self.state
        if state.step >= self.plan.total_steps:
            reason: Reason = "length"
        elif state.selection.gives_up(self.plan):
            reason = "patience" if state.step else "fitted"
        else:
            reason = self.cut_short() or "length"
        return ending_for(reason, self.config, self.plan, state.epoch, state.selection.waited)

    def train_epoch(self) -> None:
        """The updates of this epoch that are left."""
        state = self.state
        updates = updates_of_epoch(self.plan, self.config, state.epoch, state.step - state.place)
        state.network.train()
        self.stepper.begin(updates, state.place)
        for indices in updates.batches[state.place :]:
            if state.place and self.cut_short() is not None:
                return
            self.train_step(len(indices))
            if state.step % self.config.log_every == 0:
                self.log_step()
            if self.stepper.wish == "stop":
                self.save()
                raise InterruptedRunError(f"Stopped after step {state.step} of {self.plan.total_steps}.")
            if self.checkpoint_is_due():
                self.save()

    def train_step(self, count: int) -> None:
        """One update by ``count`` sequences. Nothing here waits for the device."""
        state = self.state
        batch, loss, correct = self.stepper.step(state.place)
        state.losses.append(loss)
        state.correct.append(correct)
        state.counts.append(count)
        state.step += 1
        state.sequences += count
        state.optimizer.changing = False
        for recorder in self.recorders:
            recorder.updated(state, batch)

    def finish_epoch(self) -> None:
        """Computes the epoch's figures on training and validation data, and whether they are the best so far."""
        state = self.state
        self.write_lines()
        figures = self.figures_of_last(state.place)
        self.check_losses(figures)
        self.check_weights()
        validated = None if self.validation is None else measure(state.shipped, self.validation)
        state.epoch += 1
        improved = state.selection.epoch_done(state.shipped, state.epoch, validated)
        state.seconds = self.requests.seconds
        log = EpochLog(
            epoch=state.epoch,
            step=state.step,
            sequences=state.sequences,
            train_loss=figures.mean_loss(self.config),
            train_accuracy=figures.accuracy,
            loss_sum=float(figures.losses.sum()),
            validation_loss=None if validated is None else validated.loss,
            validation_accuracy=None if validated is None else validated.accuracy,
            improved=improved,
            learning_rate=self.current_rate(),
            seconds=state.seconds,
        )
        state.losses, state.correct, state.counts = [], [], []
        state.history.append(log)
        for recorder in self.recorders:
            recorder.epoch(log, state)

    def log_step(self) -> None:
        """A line of training figures over the updates since the last line, or since the epoch began.

        On a GPU it is written when the next line is due: its figures have arrived by then, and no update has waited
        for them.
        """
        state = self.state
        log = partial(
            StepLog,
            step=state.step,
            epoch=state.epoch + 1,
            sequences=state.sequences,
            learning_rate=self.current_rate(),
            seconds=self.requests.seconds,
        )
        self.lines.append((self.figures_of_last(min(self.config.log_every, state.place)), log))
        self.write_lines(self.stepper.lines_in_flight)

    def write_lines(self, keep: int = 0) -> None:
        """Gives the recorders the lines that are due, except the newest ``keep``."""
        while len(self.lines) > keep:
            figures, log = self.lines.popleft()
            self.check_losses(figures)
            line = log(loss=figures.mean_loss(self.config), accuracy=figures.accuracy)
            for recorder in self.recorders:
                recorder.step(line)

    def figures_of_last(self, count: int) -> StepFigures:
        """Figures of the last ``count`` updates, all in this epoch."""
        state, last = self.state, slice(-count, None)
        return StepFigures(state.step, state.losses[last], state.correct[last], state.counts[last])

    def check_losses(self, figures: StepFigures) -> None:
        """Stops a training whose loss is not finite, before anything is saved over a good checkpoint."""
        if (wrong := figures.first_not_finite()) is not None:
            step, loss = wrong
            raise self.diverged(f"The loss is {loss}", step)

    def check_weights(self) -> None:
        """Stops a training whose last update made a weight that is not finite, before a loss shows it."""
        weights = self.state.network.parameters()
        if not all(bool(torch.isfinite(weight).all()) for weight in weights):
            raise self.diverged("The update made weights that are not finite", self.state.step - 1)

    def diverged(self, finding: str, step: int) -> DivergedError:
        """The error for a finding at an update, counted from 0."""
        rate = learning_rate(self.config, step, self.plan.total_steps)
        newest = self.store and self.store.newest()
        good = f"The last good checkpoint is {newest}." if newest else "There is no earlier checkpoint."
        clip = "a smaller --clip-norm" if self.config.clip_norm else "--clip-norm 1"
        return DivergedError(
            f"{finding} at step {step + 1}, where the learning rate is {rate:.3g}. {good} Try a smaller "
            f"--learning-rate (a third of this one), {clip}, or look for extreme values in the data "
            "with `unrolled inspect`."
        )

    def current_rate(self) -> float:
        """The learning rate of the last update."""
        return learning_rate(self.config, max(self.state.step - 1, 0), self.plan.total_steps)

    def checkpoint_is_due(self) -> bool:
        """Whether enough updates or seconds have passed since the last checkpoint."""
        every = self.config.checkpoint_every_steps
        if every is not None and self.state.step % every == 0:
            return True
        return time.perf_counter() - self.saved >= self.config.checkpoint_every_seconds

    def save(self) -> None:
        """Writes a checkpoint of the whole state."""
        self.write_lines()
        if self.store is None:
            return
        state = self.state
        if state.place:
            self.check_losses(self.figures_of_last(state.place))
        self.check_weights()
        for recorder in self.recorders:
            recorder.flush()
        state.seconds = self.requests.seconds
        self.store.save_last(state.tensors(), state.facts())
        self.saved = time.perf_counter()
