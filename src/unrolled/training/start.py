"""Before the first update: checks of the settings against the data, the initial network, the number of threads."""

from __future__ import annotations

import torch

from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data import Sequences
from unrolled.errors import ConfigError, option
from unrolled.network import Network
from unrolled.nn import LETTERS, WORDS, automatic_dilations, automatic_frame
from unrolled.runtime import check_memory, choose_threads
from unrolled.training.augment import check_augmentation
from unrolled.training.losses import class_weights


def draw_network(config: ModelConfig, train: Sequences, seed: int) -> Network:
    """A network with random weights, whose preparation and frames are learned from the training data.

    Args:
        config: of the network.
        train: the training sequences. Of text, every symbol gets a vector.
        seed: of the weights.
    """
    network = _network(config, train, seed)
    network.preparation.learn(train)
    return network


def _network(config: ModelConfig, train: Sequences, seed: int | None) -> Network:
    if config.frame_steps == "auto":
        config = config.model_copy(update={"frame_steps": automatic_frame(int(train.lengths.max()))})
    if config.skip_convolutions == "auto":
        found = 0 if train.symbols is not None else automatic_dilations(int(train.lengths.max()))
        config = config.model_copy(update={"skip_convolutions": found})
    if config.skip_ngrams == "auto":
        found = 0 if train.symbols is None else WORDS if train.text_kind == "words" else LETTERS
        config = config.model_copy(update={"skip_ngrams": found})
    symbols = None if train.symbols is None else len(train.symbols)
    return Network(config, len(train.channels), len(train.classes), seed, symbols)


def check_fits(config: ModelConfig, training: TrainConfig, train: Sequences, device: torch.device) -> None:
    """Refuses a network that cannot be trained in this machine's memory, before it is made.

    Raises:
        OutOfMemoryError: if not even what is sure to be needed fits: the weights with their gradients and the rule's
            memory, and two values of each unit at each step of a batch.
    """
    network = _network(config, train, None)
    weights = sum(parameter.numel() for parameter in network.parameters())
    copies = 4 if training.optimizer.startswith("adam") else 2
    steps = train.num_steps / len(train) * min(training.batch_size, len(train)) / network.frame_steps
    units = sum(layer.output_size for layer in network.recurrence())
    needed = 4 * (copies * weights + steps * (network.reads_of_a_step + 2 * units))
    there_is = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None
    check_memory(needed, f"to train {weights:,} weights on batches of {steps:,.0f} steps", there_is=there_is)


def check_settings(
    config: TrainConfig,
    augmentation: AugmentConfig,
    train: Sequences,
    validation: Sequences | None,
    device: torch.device,
) -> None:
    """Refuses settings that do not fit these data or this device, before anything is written.

    Raises:
        ConfigError: with what to set instead.
    """
    check_augmentation(augmentation, train)
    class_weights(config, train)
    for name in ("patience", "calibrate"):
        if getattr(config, name) not in (None, False, "auto") and validation is None:
            raise ConfigError(
                f"{option(name)} needs validation data; set {option('validation_fraction')} above 0 (of "
                "SequenceClassifier, give fit validation=(X, y)), or leave it out."
            )
    if config.precision != "float32" and device.type == "cpu":
        raise ConfigError(f"{option('precision', config.precision)} needs a GPU; use float32 on the CPU.")


def training_threads(config: TrainConfig, train: Sequences, network: Network) -> int:
    """CPU threads for training a network on these sequences; see `choose_threads`."""
    steps = train.num_steps / len(train) * min(config.batch_size, len(train))
    return choose_threads(config.threads, 3 * steps * network.flop_per_step())  # backward costs twice as much
