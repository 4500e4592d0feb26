"""MNIST, the handwritten digits of LeCun, Cortes and Burges, with a row or a pixel as a step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from unrolled.config import DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.formats import read_idx_pair
from unrolled.data.sequences import Sequences
from unrolled.data.sources.content import RemoteFile
from unrolled.data.sources.fetch import obtain

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",  # torchvision's
    "https://storage.googleapis.com/cvdf-datasets/mnist/",  # TensorFlow Datasets'
    "http://yann.lecun.com/exdb/mnist/",  # the authors' own, which often refuses
)


def _file(name: str, size_bytes: int, sha256: str) -> RemoteFile:
    return RemoteFile(name, sha256, size_bytes, tuple(f"{mirror}{name}.gz" for mirror in MIRRORS))


TRAIN_IMAGES = _file(
    "train-images-idx3-ubyte", 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
)
TRAIN_LABELS = _file(
    "train-labels-idx1-ubyte", 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
)
TEST_IMAGES = _file(
    "t10k-images-idx3-ubyte", 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
)
TEST_LABELS = _file(
    "t10k-labels-idx1-ubyte", 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
)

VALIDATION_PICTURES = 5_000
"""The first training pictures, which TensorFlow's tutorials also use for validation."""

_CHUNK = 4096


def load_mnist_rows(config: DataConfig) -> Dataset:
    """28 steps of 28 values in 0..1, stored as bytes; the standard 60,000 to train and 10,000 to test."""
    return _split("mnist-rows", *_read(), config)


def load_mnist_pixels(config: DataConfig) -> Dataset:
    """784 steps of one value, the pixels row by row or in a random order that is the same for all pictures.

    The order is ``numpy.random.default_rng(permute_seed).permutation(784)``. Source of the problem: Le,
    Jaitly and Hinton 2015, arXiv 1504.00941.
    """
    train, test = (_as_pixels(rows, config.permute_seed) for rows in _read())
    dataset = _split("mnist-pixels", train, test, config)
    if config.permute_seed is None:
        return dataset
    return replace(dataset, note=f"{dataset.note}; pixels in the random order of seed {config.permute_seed}")


def _read() -> tuple[Sequences, Sequences]:
    train_images, train_labels, test_images, test_labels = mnist_paths()
    return read_idx_pair(train_images, train_labels), read_idx_pair(test_images, test_labels)


def mnist_paths() -> list[Path]:
    """Training pictures and labels, test pictures and labels: IDX files, plain or ``.gz``.

    Raises:
        FetchError: for files that cannot be found or downloaded; says where to put them.
    """
    return obtain((TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS), "mnist")


def _split(name: str, train: Sequences, test: Sequences, config: DataConfig) -> Dataset:
    share = config.validation_fraction
    count = VALIDATION_PICTURES if share is None else round(share * len(train))
    return Dataset(
        name,
        train.take(slice(count, None)),
        train.take(slice(0, count)) if count else None,
        test,
        f"MNIST: the first {count:,} training pictures for validation, the standard 10,000 for the test",
    )


def _as_pixels(rows: Sequences, seed: int | None) -> Sequences:
    """Pictures with a pixel as a step, in the same memory; permutes them in place, a few at a time."""
    pictures = rows.values.reshape(len(rows), -1)  # [N, 784]
    if seed is not None:
        order = np.random.default_rng(seed).permutation(pictures.shape[1])
        for low in range(0, len(pictures), _CHUNK):
            pictures[low : low + _CHUNK] = pictures[low : low + _CHUNK, order]
    return replace(
        rows,
        values=pictures.reshape(-1, 1),
        starts=np.arange(len(rows), dtype=np.int64) * pictures.shape[1],
        lengths=np.full(len(rows), pictures.shape[1], np.int64),
        channels=("pixel",),
        pictures=False,
    )
