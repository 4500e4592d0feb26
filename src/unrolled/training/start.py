"""What stands before the first step: the network that fits the training data, and the threads that serve it."""

from __future__ import annotations

import torch

from unrolled.config import ModelConfig, TrainConfig
from unrolled.data.sequences import Sequences
from unrolled.data.statistics import channel_statistics, overall_statistics
from unrolled.devices import choose_threads
from unrolled.nn.network import Network


def build_network(config: ModelConfig, train: Sequences, seed: int) -> Network:
    """The network at its start, its normaliser set from the training data.

    Args:
        config: of the network.
        train: what will be learned from; nothing else is looked at.
        seed: of the weights.
    """
    network = Network(config, len(train.channels), len(train.classes), seed)
    if config.normalisation != "none":
        statistics = channel_statistics if config.normalisation == "channel" else overall_statistics
        mean, deviation = statistics(train)
        network.normaliser.set_statistics(torch.from_numpy(mean), torch.from_numpy(deviation))
    return network


def training_threads(config: TrainConfig, train: Sequences, network: Network) -> int:
    """CPU threads for training a network on these sequences; see `choose_threads`."""
    steps = train.num_steps / len(train) * min(config.batch_size, len(train))
    return choose_threads(config.threads, 3 * steps * network.flop_per_step())  # backward costs twice as much
