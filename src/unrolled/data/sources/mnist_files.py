"""The four files of MNIST, the handwritten digits of LeCun, Cortes and Burges."""

from __future__ import annotations

from pathlib import Path

from unrolled.data.sources.fetch import RemoteFile, obtain

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


def mnist_paths(*, quiet: bool = False) -> tuple[Path, Path, Path, Path]:
    """Training pictures and labels, test pictures and labels: IDX files, plain or ``.gz``.

    Raises:
        FetchError: where they are neither here nor to be had; says where to put them.
    """
    files = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    train_images, train_labels, test_images, test_labels = obtain(files, "mnist", quiet=quiet)
    return train_images, train_labels, test_images, test_labels
