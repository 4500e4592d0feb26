"""IDX files: what is written comes back, and a damaged file is refused with advice."""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unrolled.data.formats import read
from unrolled.data.formats.idx import labels_beside, read_idx, read_idx_pair
from unrolled.data.formats.registry import READERS
from unrolled.errors import ReadError, UnrolledError

IMAGES, LABELS = "some-images-idx3-ubyte", "some-labels-idx1-ubyte"
RANDOM = np.random.default_rng(0)

# from the data folder's README: SHA-256 of the decompressed content
MNIST = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def idx_bytes(array: np.ndarray, kind: int = 8) -> bytes:
    """The form as LeCun's page defines it."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + array.tobytes()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def pictures(count: int = 5, rows: int = 4, columns: int = 3) -> np.ndarray:
    return RANDOM.integers(0, 256, (count, rows, columns), np.uint8)


arrays = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6))


@given(array=arrays, packed=st.booleans())
@settings(max_examples=40, deadline=None)
def test_reading_returns_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, packed: bool
) -> None:
    content = idx_bytes(array)
    path = written(tmp_path_factory.mktemp("idx") / "a.idx", gzip.compress(content) if packed else content)
    found = read_idx(path)
    assert found.dtype == np.uint8
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)


@given(data=st.data(), packed=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_mutated_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, packed: bool
) -> None:
    content = idx_bytes(np.arange(60, dtype=np.uint8).reshape(5, 4, 3))
    content = bytearray(gzip.compress(content, mtime=0) if packed else content)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    path = written(tmp_path_factory.mktemp("idx") / IMAGES, bytes(content))
    try:
        read(path)
    except UnrolledError as error:
        assert str(path) in str(error)  # noqa: PT017


@pytest.mark.parametrize("packed", [False, True])
def test_reading_takes_memory_for_one_copy(tmp_path: Path, packed: bool) -> None:
    array = np.zeros((2000, 64, 64), np.uint8)  # 8 MB
    content = idx_bytes(array)
    path = written(tmp_path / IMAGES, gzip.compress(content, 1) if packed else content)
    written(tmp_path / LABELS, idx_bytes(np.arange(2000).astype(np.uint8) % 10))
    del content
    tracemalloc.start()
    sequences = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sequences.values.nbytes == array.nbytes
    assert peak < 1.2 * array.nbytes


def test_a_header_that_announces_too_much_takes_no_memory(tmp_path: Path) -> None:
    header = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**31, 2**31)
    for content in (header + b"123", gzip.compress(header + b"123")):
        with pytest.raises(ReadError, match=r"at most|holds 3"):
            read_idx(written(tmp_path / IMAGES, content))


def test_truncated_file_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    content = idx_bytes(pictures(5, 4, 3))
    with pytest.raises(ReadError, match=r"announces 5 × 4 × 3 = 60 bytes, but the file holds 50.*again"):
        read_idx(written(tmp_path / IMAGES, content[:-10]))
    # also where the gzip stream itself is whole
    with pytest.raises(ReadError, match=r"60 bytes, but the file holds 50"):
        read_idx(written(tmp_path / IMAGES, gzip.compress(content[:-10])))


@pytest.mark.parametrize("size", [5, 9, 15])
def test_file_that_ends_in_its_header_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(ReadError, match="inside its header"):
        read_idx(written(tmp_path / IMAGES, idx_bytes(pictures())[:size]))


@pytest.mark.parametrize("packed", [False, True])
def test_trailing_bytes_are_refused(tmp_path: Path, packed: bool) -> None:
    content = idx_bytes(pictures()) + b"\0"
    with pytest.raises(ReadError, match="more bytes after"):
        read_idx(written(tmp_path / IMAGES, gzip.compress(content) if packed else content))


def test_gzip_cut_short_at_any_place_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(idx_bytes(pictures()), mtime=0)
    for size in range(2, len(content)):
        with pytest.raises(ReadError, match=r"cut short|damaged"):
            read_idx(written(tmp_path / IMAGES, content[:size]))


def test_gzip_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(idx_bytes(pictures())))
    content[-8] ^= 1  # the CRC
    with pytest.raises(ReadError, match=r"gzip stream is damaged.*CRC"):
        read_idx(written(tmp_path / IMAGES, bytes(content)))


def test_other_content_is_refused_with_the_bytes_found(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="not an IDX file: it begins with the bytes 3c 68 74 6d"):
        read_idx(written(tmp_path / IMAGES, b"<html>404</html>"))


def test_other_element_types_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="32-bit floats"):
        read_idx(written(tmp_path / IMAGES, idx_bytes(np.zeros((2, 2), ">f4"), kind=0x0D)))


def test_four_dimensions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="4 dimensions"):
        read_idx(written(tmp_path / IMAGES, idx_bytes(np.zeros((2, 2, 2, 2), np.uint8))))


def test_an_array_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="at least one"):
        read_idx(written(tmp_path / IMAGES, idx_bytes(np.zeros((0, 28, 28), np.uint8))))


def test_pair_makes_rows_steps_and_keeps_bytes(tmp_path: Path) -> None:
    array, labels = pictures(4, 5, 3), np.array([7, 1, 7, 10], np.uint8)
    sequences = read_idx_pair(
        written(tmp_path / IMAGES, idx_bytes(array)), written(tmp_path / LABELS, idx_bytes(labels))
    )
    assert sequences.pictures
    assert sequences.scale == pytest.approx(1 / 255)
    assert sequences.values.dtype == np.uint8
    assert sequences.channels == ("0", "1", "2")
    assert sequences.classes == ("1", "7", "10")
    assert sequences.targets.tolist() == [1, 0, 1, 2]
    for index in range(4):
        np.testing.assert_array_equal(sequences[index], array[index])


@pytest.mark.parametrize("images_end", ["", ".gz"])
@pytest.mark.parametrize("labels_end", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-idx", ".idx"])
def test_labels_are_found_beside_the_pictures(tmp_path: Path, images_end: str, labels_end: str, mark: str) -> None:
    images = tmp_path / f"t10k-images{mark}3-ubyte{images_end}"
    labels = tmp_path / f"t10k-labels{mark}1-ubyte{labels_end}"
    images.write_bytes(idx_bytes(pictures(3)))
    labels.write_bytes(idx_bytes(np.array([2, 0, 2], np.uint8)))
    assert labels_beside(images) == labels
    assert read(images).targets.tolist() == [1, 0, 1]


def test_without_a_labels_file_there_are_no_labels(tmp_path: Path) -> None:
    assert read(written(tmp_path / IMAGES, idx_bytes(pictures()))).labels is None


def test_a_labels_file_alone_is_refused_with_the_file_to_give(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=f"Give {IMAGES}"):
        read(written(tmp_path / LABELS, idx_bytes(np.zeros(3, np.uint8))))


def test_pictures_as_labels_are_refused(tmp_path: Path) -> None:
    images = written(tmp_path / IMAGES, idx_bytes(pictures()))
    with pytest.raises(ReadError, match="expected labels"):
        read_idx_pair(images, images)


def test_unequal_numbers_of_pictures_and_labels_are_refused(tmp_path: Path) -> None:
    images = written(tmp_path / IMAGES, idx_bytes(pictures(3)))
    labels = written(tmp_path / LABELS, idx_bytes(np.zeros(2, np.uint8)))
    with pytest.raises(ReadError, match="3 pictures, but 2 labels"):
        read_idx_pair(images, labels)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("train-images-idx3-ubyte", True),
        ("train-images-idx3-ubyte.gz", True),
        ("train-images.idx3-ubyte", True),
        ("emnist-ubyte.GZ", True),
        ("some.idx", True),
        ("some.idx3.gz", True),
        ("idx.npz", False),
        ("some.gz", False),
        ("idx3-ubyte.txt", False),
    ],
)
def test_idx_names_are_told_from_others(name: str, fits: bool) -> None:
    reader = next(reader for reader in READERS if reader.name == "idx")
    assert reader.fits(Path(name)) is fits


@pytest.mark.data
@pytest.mark.parametrize("name", MNIST)
def test_mnist_has_the_published_content(name: str) -> None:
    folder = os.environ.get("UNROLLED_DATA")
    if not folder:
        pytest.skip("UNROLLED_DATA is not set: no folder with the real data")
    array = read_idx(Path(folder) / "mnist" / name)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    digest = hashlib.sha256(header)
    digest.update(array.data)
    assert digest.hexdigest() == MNIST[name]
    assert math.prod(array.shape) in (47_040_000, 7_840_000, 60_000, 10_000)


@pytest.mark.data
def test_mnist_by_path_is_ten_thousand_labelled_pictures() -> None:
    folder = os.environ.get("UNROLLED_DATA")
    if not folder:
        pytest.skip("UNROLLED_DATA is not set: no folder with the real data")
    sequences = read(Path(folder) / "mnist" / "t10k-images-idx3-ubyte.gz")
    assert len(sequences) == 10_000
    assert sequences.equal_length == 28
    assert sequences.classes == tuple("0123456789")
    assert sequences.channels == tuple(str(column) for column in range(28))
    assert sequences.class_counts().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
