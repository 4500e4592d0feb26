"""Problems of the UEA and UCR time-series classification archive."""

from __future__ import annotations

from unrolled.config import DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.formats import read_ts
from unrolled.data.sources.uea_files import japanese_vowels_paths
from unrolled.data.splits import hold_out_validation


def load_japanese_vowels(config: DataConfig) -> Dataset:
    """Kudo, Toyama and Shimbo's nine speakers: 270 sequences to train, 370 to test, 12 channels."""
    train_path, test_path = japanese_vowels_paths()
    train, validation = hold_out_validation(read_ts(train_path), config)
    return Dataset(
        "japanese-vowels", train, validation, read_ts(test_path), "JapaneseVowels of the UEA archive, its own split"
    )
