"""The table of named data, which `unrolled datasets` lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unrolled.config import HOW_TO_READ, DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.sources.count_ones import load_count_ones
from unrolled.data.sources.digits import load_digits_rows
from unrolled.data.sources.mnist import load_mnist_pixels, load_mnist_rows
from unrolled.data.sources.uea import load_japanese_vowels

OPTIONS_OF_NAMED_DATA = ("length", "train_size", "permute_seed")
SOURCE_OPTIONS = (*OPTIONS_OF_NAMED_DATA, *HOW_TO_READ, "test")
"""Fields of `DataConfig` that apply only to some sources."""


@dataclass(frozen=True)
class Source:
    """A named data set.

    Attributes:
        description: one sentence.
        load: reads or generates it.
        options: those of `SOURCE_OPTIONS` that apply to it.
    """

    description: str
    load: Callable[[DataConfig], Dataset]
    options: tuple[str, ...] = ()


SOURCES: dict[str, Source] = {
    "digits": Source(
        "scikit-learn's 1,797 handwritten digits of 8 × 8, read row by row; no download", load_digits_rows
    ),
    "count-ones": Source(
        "all 2^length binary strings, the label the number of ones; generated",
        load_count_ones,
        ("length", "train_size"),
    ),
    "mnist-rows": Source("MNIST's 70,000 handwritten digits: 28 steps of 28 pixels", load_mnist_rows),
    "mnist-pixels": Source(
        "MNIST pixel by pixel: 784 steps of 1, in rows or in a fixed random order", load_mnist_pixels, ("permute_seed",)
    ),
    "japanese-vowels": Source(
        "nine speakers saying a vowel: 12 channels, 7 to 29 steps (UEA archive)", load_japanese_vowels
    ),
}
