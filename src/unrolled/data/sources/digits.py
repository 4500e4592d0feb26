"""scikit-learn's handwritten digits: 1,797 pictures of 8 × 8 pixels, each row a step."""

from __future__ import annotations

import numpy as np

from unrolled.config import DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.sequences import Sequences
from unrolled.data.splits import hold_out_test, hold_out_validation


def digits() -> Sequences:
    """All 1,797 sequences: 8 steps of 8 values in 0..1, ten classes.

    The pixels run from 0 to 16 and are stored as bytes. Source: E. Alpaydin and C. Kaynak, 'Optical
    recognition of handwritten digits', UCI repository; it ships inside scikit-learn.
    """
    from sklearn.datasets import load_digits  # scikit-learn takes a second to import

    bunch = load_digits()
    pixels = bunch.images.astype(np.uint8).reshape(-1, 8)
    return Sequences.from_steps(pixels, np.full(len(bunch.target), 8), bunch.target, scale=1 / 16, pictures=True)


def load_digits_rows(config: DataConfig) -> Dataset:
    """`digits`, with a share of each class held out for the test and another for validation."""
    train, test = hold_out_test(digits(), config)
    train, validation = hold_out_validation(train, config)
    return Dataset("digits", train, validation, test, "scikit-learn's handwritten digits, split by class")
