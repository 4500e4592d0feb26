"""Named data: what `unrolled datasets` lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unrolled.config import HOW_TO_READ, DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.sources.count_ones import load_count_ones
from unrolled.data.sources.digits import load_digits_rows
from unrolled.data.sources.mnist import load_mnist_pixels, load_mnist_rows
from unrolled.data.sources.uea import load_japanese_vowels
from unrolled.errors import ConfigError

OPTIONS_OF_NAMED_DATA = ("length", "train_size", "permute_seed")
SOURCE_OPTIONS = (*OPTIONS_OF_NAMED_DATA, *HOW_TO_READ, "test")
"""Fields of `DataConfig` that only some sources have a meaning for."""


@dataclass(frozen=True)
class Source:
    """A named data set.

    Attributes:
        description: one sentence.
        load: makes it.
        options: those of `SOURCE_OPTIONS` that it takes.
    """

    description: str
    load: Callable[[DataConfig], Dataset]
    options: tuple[str, ...] = ()

    def check_options(self, config: DataConfig) -> None:
        """Refuses options that mean nothing here.

        Raises:
            ConfigError: naming the first such option.
        """
        for name in SOURCE_OPTIONS:
            if name not in self.options and getattr(config, name) is not None:
                takes = f"takes {', '.join(self.options)}" if self.options else "takes none of these"
                raise ConfigError(f"{config.source} has no option {name}; it {takes}. Leave it out.")


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
