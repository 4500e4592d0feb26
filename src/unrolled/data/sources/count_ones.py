"""All binary strings of a length, with the number of ones as the label: a generated problem."""

from __future__ import annotations

import numpy as np

from unrolled.config import DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError

DEFAULT_LENGTH = 20
DEFAULT_TRAIN_SIZE = 10_000


def count_ones(length: int = DEFAULT_LENGTH) -> Sequences:
    """All 2^length strings in the order of the numbers that they spell, the highest bit first.

    Args:
        length: bits in a string, 4 to 24.
    Returns:
        Sequences of ``length`` steps of one value, 0 or 1, stored as bytes; classes 0 … length.
    """
    numbers = np.arange(2**length, dtype=np.uint32)
    bits = np.empty((len(numbers), length), np.uint8)
    for step in range(length):
        bits[:, step] = (numbers >> (length - 1 - step)) & 1
    return Sequences.from_steps(
        bits.reshape(-1, 1),
        np.full(len(bits), length),
        bits.sum(1, dtype=np.int64),
        classes=[str(count) for count in range(length + 1)],
        channels=["bit"],
    )


def load_count_ones(config: DataConfig) -> Dataset:
    """Random strings to train on, a share of them for validation; all others are the test sequences.

    The strings are not drawn by class: as in real data, the rare classes are hardly among them.
    """
    length = config.length or DEFAULT_LENGTH
    size = config.train_size or min(DEFAULT_TRAIN_SIZE, 2**length // 2)
    if size >= 2**length:
        raise ConfigError(
            f"train_size = {size}: there are {2**length} strings of length {length}, and some must remain for the "
            f"test; choose at most {2**length - 1}."
        )
    everything = count_ones(length)
    order = np.random.default_rng(config.split_seed).permutation(len(everything))
    validation_size = round((config.validation_fraction or 0.0) * size)
    return Dataset(
        "count-ones",
        everything.take(order[validation_size:size]),
        everything.take(order[:validation_size]) if validation_size else None,
        everything.take(np.sort(order[size:])),
        f"{size:,} of the {2**length:,} binary strings of length {length} drawn to train on, all others to test",
    )
