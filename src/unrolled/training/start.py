"""Before the first update: checks of the settings against the data, the initial network, the number of threads."""

from __future__ import annotations

import torch

from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data import Sequences
from unrolled.errors import ConfigError
from unrolled.network import Network
from unrolled.nn import automatic_frame
from unrolled.runtime import choose_threads
from unrolled.training.augment import check_augmentation
from unrolled.training.losses import class_weights


def draw_network(config: ModelConfig, train: Sequences, seed: int) -> Network:
    """A network with random weights, whose preparation and frames are learned from the training data.

    Args:
        config: of the network.
        train: the training sequences. Of text, every symbol gets a vector.
        seed: of the weights.
    """
    if config.frame_steps == "auto":
        config = config.model_copy(update={"frame_steps": automatic_frame(int(train.lengths.max()))})
    symbols = None if train.symbols is None else len(train.symbols)
    network = Network(config, len(train.channels), len(train.classes), seed, symbols)
    network.preparation.learn(train)
    return network


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
        if getattr(config, name) and validation is None:
            raise ConfigError(
                f"{name} needs validation data; set validation_fraction above 0 (of SequenceClassifier, give fit "
                "validation=(X, y)), or leave it out."
            )
    if config.precision != "float32" and device.type == "cpu":
        raise ConfigError(f"precision = {config.precision!r} needs a GPU; use float32 on the CPU.")


def training_threads(config: TrainConfig, train: Sequences, network: Network) -> int:
    """CPU threads for training a network on these sequences; see `choose_threads`."""
    steps = train.num_steps / len(train) * min(config.batch_size, len(train))
    return choose_threads(config.threads, 3 * steps * network.flop_per_step())  # backward costs twice as much
