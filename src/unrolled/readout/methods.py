"""A network by the method that its recipe asks for: fitted, trained, or fitted and then challenged by training."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from unrolled.config import LENGTHS, ModelConfig, Recipe, TrainConfig
from unrolled.data import Integers, Sequences
from unrolled.network import Network
from unrolled.readout.aside import choose_aside
from unrolled.readout.challenge import Challenge, FittedOnly, FittedStart, is_informative
from unrolled.readout.filters import learn_convolutions, scale_filters
from unrolled.readout.ridge import start_readout
from unrolled.runtime import StopRequest, using_threads
from unrolled.statistics import FEWEST_LOSSES, Groups
from unrolled.training import (
    CheckpointStore,
    Selection,
    TrainState,
    Weights,
    Workers,
    check_fits,
    check_settings,
    copy_weights,
    draw_network,
    fit,
    make_plan,
    measure,
    new_state,
    sequence_weights,
    training_batcher,
    training_threads,
)
from unrolled.training.recorders import Recorder

FEW = 1_000
"""Training sequences below which a fitted start with convolutions is kept without a training beside it: an assumption,
which saves most of the time of small problems."""

MOST_WORK, FEWEST_EPOCHS = 4.5e12, 4
"""Floating-point operations of a training without a given length, about two minutes on two cores; and the fewest
epochs, whatever they cost."""

FLOP_PER_SECOND, SECONDS_PER_UPDATE = 3e10, 0.002
"""Of one thread of a usual processor, for words on how long a training takes."""

MOST_MEASURED = 2_000
"""Training sequences at most by which a start is called solved."""

SOLVED = 0.05
"""A fitted start with less than this cross-entropy on its own training data leaves gradients little to learn."""


@dataclass(frozen=True)
class Training:
    """A training before its first update, with the arguments of `fit`.

    Attributes:
        recipe: all settings.
        state: the state before the first update; a checkpoint may be restored into it.
        train: the training sequences.
        validation: the sequences by which epochs are compared; None where there are none.
        config: the settings of the training.
        sample_weights: weight of each training sequence in the loss, [N]; equal where None.
        validation_weights: weight of each validation sequence, [N]; equal where None.
        method: how the network learns, in words.
        seconds: duration of the fit in closed form.
    """

    recipe: Recipe
    state: TrainState
    train: Sequences
    validation: Sequences | None
    config: TrainConfig
    sample_weights: Weights | None
    validation_weights: Weights | None
    method: str
    seconds: float = 0.0

    @property
    def outlook(self) -> str:
        """What is still to be done, in words: epochs at most, and about how long they take on a processor's threads."""
        if isinstance(self.state.selection, FittedOnly):
            return "no epochs"
        network, plan = self.state.network, make_plan(self.config, self.train)
        threads = training_threads(self.config, self.train, network)
        work = 3 * network.flop_per_step() * self.train.num_steps * plan.total_steps / plan.order.updates_per_epoch
        seconds = work / (FLOP_PER_SECOND * threads) + plan.total_steps * SECONDS_PER_UPDATE
        about = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{max(seconds, 1):.0f} s"
        return f"at most {plan.epochs:,} epochs, about {about} on {threads} threads of a processor"

    def choosing_by(self, selection: Selection, method: str) -> Training:
        """The same training from the present weights, with another selection."""
        return replace(self, state=new_state(self.state.network, self.config, selection), method=method)

    def fit(
        self,
        recorders: Sequence[Recorder] = (),
        store: CheckpointStore | None = None,
        enough: StopRequest | None = None,
        workers: Workers | None = None,
    ) -> TrainState:
        """Trains from the state; see `unrolled.training.fit`."""
        return fit(
            self.state,
            self.train,
            self.validation,
            self.config,
            self.recipe.augment,
            sample_weights=self.sample_weights,
            validation_weights=self.validation_weights,
            recorders=recorders,
            store=store,
            enough=enough,
            workers=workers,
        )


def set_up(
    recipe: Recipe,
    train: Sequences,
    validation: Sequences | None,
    device: torch.device,
    sample_weights: Weights | None = None,
) -> Training:
    """A new network and its training, by the recipe's method.

    Args:
        recipe: settings of the network, the training and its method, and the split of the data.
        train: labelled sequences, prepared.
        validation: the sequences by which epochs are compared, prepared.
        device: of the network.
        sample_weights: weight of each training sequence, [N]; equal where None.
    Raises:
        ConfigError: for settings that do not fit these data or this device.
    """
    config, started = recipe.train, time.perf_counter()
    check_settings(config, recipe.augment, train, validation, device)
    check_fits(recipe.model, config, train, device)
    weights = sequence_weights(config, train, sample_weights)
    fitted = config.method == "fitted"
    with using_threads(config.threads):
        network = build_network(recipe.model, train, config.seed, weights, fitted=fitted).to(device)
        state = new_state(network, config)
        training = Training(recipe, state, train, validation, config, sample_weights, None, _TRAINED)
        if fitted:
            training = training.choosing_by(FittedOnly(config), _FITTED)
        elif config.method == "auto" and _starts_fitted(recipe):
            training = _challenge(training, weights)
    return replace(training, seconds=time.perf_counter() - started)


def go_on(
    recipe: Recipe,
    network: Network,
    train: Sequences,
    validation: Sequences | None,
    sample_weights: Weights | None = None,
) -> Training:
    """As `set_up`, from the weights of an earlier fit (a warm start), which do not count as a fitted start.

    By the method ``fitted`` the output layer is fitted again.
    """
    config = recipe.train
    check_settings(config, recipe.augment, train, validation, network.output.weight.device)
    selection = Selection(config, start_counts=config.method == "auto" and _starts_fitted(recipe))
    if config.method == "fitted":
        with using_threads(config.threads):
            start_readout(network, train, sequence_weights(config, train, sample_weights), config.seed)
        selection = FittedOnly(config)
    state = new_state(network, config, selection)
    return Training(recipe, state, train, validation, config, sample_weights, None, _TRAINED)


def build_network(
    config: ModelConfig, train: Sequences, seed: int, weights: Weights | None = None, *, fitted: bool = False
) -> Network:
    """Builds and initialises the network; filters are scaled, and a ridge readout is fitted, to the training data.

    Args:
        config: of the network.
        train: the training sequences.
        seed: of the weights.
        weights: weight of each sequence in the fit of the readout, [N]; equal where None.
        fitted: fits the readout whatever ``config`` says.
    """
    network = draw_network(config, train, seed)
    if config.initializer == "filters":
        scale_filters(network, train, seed)
    learn_convolutions(network, train, seed)
    if fitted or config.output_initializer == "ridge":
        start_readout(network, train, weights, seed)
    return network


def _challenge(training: Training, weights: Weights | None) -> Training:
    """The same training against the fitted start, if there are enough sequences for a significant difference.

    Args:
        training: of a network whose readout is fitted to all training sequences.
        weights: weight of each of them times that of its class, [N]; equal where None.
    """
    network, train, validation = training.state.network, training.train, training.validation
    config, fitted = training.config, copy_weights(network)
    beside = network.convolutions is not None or network.ngrams is not None
    if beside and not _has_length(config):
        if network.convolutions is not None and len(train) < FEW and is_informative(fitted):
            return _unchallenged(training, fitted, f"{len(train):,} training sequences are")
        config = config.model_copy(update={"max_epochs": _affordable_epochs(network, train, config)})
        training = replace(training, config=config)
    if _loss(network, train, weights, config.seed) < SOLVED:
        training = replace(training, config=_one_epoch(config))
        config = training.config
    if validation is not None:
        groups = Groups.of(validation.groups, len(validation))
        if len(validation) < FEWEST_LOSSES:
            return _unchallenged(training, fitted, f"{len(validation)} validation sequences are")
        start = _alone(network, train, weights, config.seed)
        challenge = Challenge(config, fitted, set_aside=False, groups=groups, start=start)
        return training.choosing_by(challenge, f"{_UNLESS} on the validation data")
    aside = choose_aside(train, config.seed, training.recipe.data)
    if aside is None:
        return _unchallenged(training, fitted, "the training sequences that can be set aside are")
    rest = np.setdiff1d(np.arange(len(train)), aside)
    start_readout(network, train.take(rest), _of(weights, rest), config.seed)
    start = _alone(network, train.take(rest), _of(weights, rest), config.seed)
    training = replace(
        training,
        train=train.take(rest),
        validation=train.take(aside),
        sample_weights=_of(training.sample_weights, rest),
        validation_weights=None if weights is None else weights[aside],
    )
    groups = Groups.of(train.groups, len(train)).take(aside)
    where = f"{len(aside):,} training sequences that are set aside"
    challenge = Challenge(config, fitted, set_aside=True, groups=groups, start=start)
    return training.choosing_by(challenge, f"{_UNLESS} on {where}")


def _alone(network: Network, train: Sequences, weights: Weights | None, seed: int) -> Network | None:
    """Fits the readout without what stands beside the recurrence, which training leaves out; returns the former one."""
    if network.convolutions is None and network.ngrams is None:
        return None
    before = copy.deepcopy(network)
    start_readout(network, train, weights, seed, beside=False)
    return before


def _loss(network: Network, train: Sequences, weights: Weights | None, seed: int) -> float:
    """The cross-entropy on the training sequences, of many on a random choice."""
    if len(train) > MOST_MEASURED:
        picked = np.sort(np.random.default_rng(seed).choice(len(train), MOST_MEASURED, replace=False))
        train, weights = train.take(picked), None if weights is None else weights[picked]
    return measure(network, training_batcher(train, network.output.weight.device, weights)).loss


def _affordable_epochs(network: Network, train: Sequences, config: TrainConfig) -> int:
    """The epochs of a training without a given length; see `MOST_WORK`."""
    usual = make_plan(config, train).epochs
    work = 3 * network.flop_per_step() * train.num_steps  # backward costs twice as much as forward
    return min(usual, max(FEWEST_EPOCHS, int(MOST_WORK / work)))


def _has_length(config: TrainConfig) -> bool:
    return any(getattr(config, name) is not None for name in LENGTHS)


def _unchallenged(training: Training, fitted: Mapping[str, Tensor], what: str) -> Training:
    """The same without a challenge: an informative start is kept, and otherwise training decides."""
    few = f"{what} too few to show that training is better"
    if is_informative(fitted):
        return training.choosing_by(FittedOnly(training.config), f"{_FITTED}: {few}")
    return training.choosing_by(FittedStart(training.config), f"{_TRAINED}: the closed form finds nothing, and {few}")


_TRAINED = "trained by gradients"
_FITTED = "fitted in closed form without training"
_UNLESS = "fitted in closed form, and kept unless training is significantly better"


def _of(weights: Weights | None, chosen: Integers) -> Weights | None:
    """The weights of some sequences, scaled to mean 1."""
    return None if weights is None else weights[chosen] / weights[chosen].mean()


def _starts_fitted(recipe: Recipe) -> bool:
    """Whether a fitted start is among the weights that are chosen from."""
    return recipe.model.output_initializer == "ridge" and recipe.train.keep == "best"


def _one_epoch(config: TrainConfig) -> TrainConfig:
    """The same settings with a single epoch, unless they give a length."""
    return config if _has_length(config) else config.model_copy(update={"max_epochs": 1})
