"""Problems of the UEA/UCR time-series classification archive, as published with the aeon toolkit."""

from __future__ import annotations

from pathlib import Path

from unrolled.config import DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.formats import read
from unrolled.data.sources.content import RemoteFile
from unrolled.data.sources.fetch import obtain
from unrolled.data.splits import hold_out_validation


def _file(problem: str, part: str, size_bytes: int, sha256: str) -> RemoteFile:
    name = f"{problem}_{part}.ts"
    urls = (
        # the file in aeon's repository, with these bytes
        f"https://raw.githubusercontent.com/aeon-toolkit/aeon/v1.4.0/aeon/datasets/data/{problem}/{name}",
        # the archive from which aeon downloads
        f"https://www.timeseriesclassification.com/aeon-toolkit/{problem}.zip",
    )
    return RemoteFile(name, sha256, size_bytes, urls)


JAPANESE_VOWELS_TRAIN = _file(
    "JapaneseVowels", "TRAIN", 487_971, "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd"
)
JAPANESE_VOWELS_TEST = _file(
    "JapaneseVowels", "TEST", 649_132, "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462"
)


def japanese_vowels_paths() -> list[Path]:
    """Training and test sequences of JapaneseVowels: ``.ts`` files, plain or ``.gz``.

    Raises:
        FetchError: for files that cannot be found or downloaded; says where to put them.
    """
    return obtain((JAPANESE_VOWELS_TRAIN, JAPANESE_VOWELS_TEST), "uea/JapaneseVowels")


def load_japanese_vowels(config: DataConfig) -> Dataset:
    """Kudo, Toyama and Shimbo's nine speakers: 270 sequences to train, 370 to test, 12 channels."""
    train_path, test_path = japanese_vowels_paths()
    train, validation = hold_out_validation(read(train_path), config)
    return Dataset(
        "japanese-vowels", train, validation, read(test_path), "JapaneseVowels of the UEA archive, its own split"
    )
