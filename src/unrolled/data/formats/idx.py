"""IDX, the format of the MNIST files: a big-endian header, then the bytes of one array.

    0  0  type  dimensions     four bytes; the type of unsigned bytes is 8
    size of each dimension     four bytes each
    data                       the last dimension runs fastest

The file may be packed by gzip. The array is read into one block of memory: the 60,000 pictures of MNIST take 47 MB.
LeCun, Cortes, Burges: The MNIST database of handwritten digits.
"""

from __future__ import annotations

import math
from io import BufferedIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request, check_file, naming, open_unpacked, read_bytes
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

_UNSIGNED_BYTE = 0x08
_TYPES = {
    0x08: "unsigned bytes",
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}


def read_idx(path: str | Path) -> npt.NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes with one to three dimensions.

    Args:
        path: the file, plain or packed by gzip.
    Returns:
        The array in the header's shape, writable.
    Raises:
        ReadError: for a file that is not IDX, holds another type, is too short or too long, or whose gzip stream is
            cut short or does not match its checksum.
    """
    path = Path(path)
    with open_unpacked(path) as (file, most):
        shape = _read_shape(path, file)
        size = math.prod(shape)
        room = most - 4 - 4 * len(shape)
        if size > room:  # before memory is allocated
            raise _cut_short(path, shape, room, "at most " if most != path.stat().st_size else "")
        array = read_bytes(path, file, size)
        if len(array) < size:
            raise _cut_short(path, shape, len(array))
        # at the end of the file gzip also compares its checksum
        if file.read(1):
            raise ReadError(
                path,
                f"there are more bytes after the {_product(shape)} that the header announces. The header "
                "or the file is damaged: copy or download it again.",
            )
    return array.reshape(shape)


def read_idx_pair(images: str | Path, labels: str | Path | None) -> Sequences:
    """Pictures as sequences: the rows are the steps, the columns the channels.

    The pixels stay bytes; ``scale`` maps them to 0 … 1 when a batch is made. The classes are the labels that occur, in
    the order of their numbers.

    Args:
        images: an IDX file of pictures, [N, rows, columns].
        labels: an IDX file of labels, [N]; None for pictures without labels.
    Raises:
        ReadError: as `read_idx`, for other shapes, and for unequal numbers of pictures and labels.
    """
    images = Path(images)
    targets = None if labels is None else _read_labels(Path(labels))
    pictures = read_idx(images)
    if pictures.ndim != 3:
        raise ReadError(images, _not_pictures(images, pictures.shape))
    count, rows, columns = pictures.shape
    if targets is not None and len(targets) != count:
        raise ReadError(
            images,
            f"found {count:,} pictures, but {len(targets):,} labels in {labels}; expected one label for "
            "each. Are both files of the same set?",
        )
    with naming(images):
        return Sequences.from_steps(
            pictures.reshape(count * rows, columns),
            np.full(count, rows, np.int64),
            targets,
            scale=1 / 255,
            pictures=True,
        )


def read_pictures(request: Request) -> Sequences:
    """Pictures from an IDX file, with the labels from the file in the same folder that has the matching name.

    The labels of ``train-images-idx3-ubyte.gz`` are in ``train-labels-idx1-ubyte``, with or without ``.gz``.
    Without such a file the sequences have no labels.

    Raises:
        ReadError: as `read_idx_pair`.
    """
    check_file(request.path)
    return read_idx_pair(request.path, labels_beside(request.path))


def labels_beside(images: Path) -> Path | None:
    """The file whose name says that it holds the labels of a file of pictures; None if there is none."""
    stem = images.name.removesuffix(".gz")
    name = stem.replace("images", "labels").replace("idx3", "idx1")
    if name == stem or "labels" not in name or "labels" in stem:
        return None
    names = [name + ".gz", name] if images.name.endswith(".gz") else [name, name + ".gz"]
    return next((images.with_name(each) for each in names if images.with_name(each).is_file()), None)


def _read_shape(path: Path, file: BufferedIOBase) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        raise ReadError(
            path,
            f"not an IDX file: it begins with the bytes {magic.hex(' ')}; expected 00 00 08 03 for pictures "
            "or 00 00 08 01 for labels.",
        )
    if magic[2] != _UNSIGNED_BYTE:
        raise ReadError(
            path, f"holds {_TYPES[magic[2]]}; only unsigned bytes are read. Convert it, or use an .npz file."
        )
    dimensions = magic[3]
    if not 1 <= dimensions <= 3:
        raise ReadError(path, f"holds an array of {dimensions} dimensions; expected one to three.")
    header = file.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise ReadError(path, "the file ends inside its header. Copy or download it again.")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    if 0 in shape:
        raise ReadError(path, f"the header announces {_product(shape)}; expected at least one of each.")
    return shape


def _read_labels(path: Path) -> npt.NDArray[np.uint8]:
    labels = read_idx(path)
    if labels.ndim != 1:
        raise ReadError(path, f"holds an array of {_product(labels.shape)}; expected labels, one dimension.")
    return labels


def _product(shape: tuple[int, ...]) -> str:
    sizes = " × ".join(str(size) for size in shape)
    return f"{sizes} = {math.prod(shape):,} bytes" if len(shape) > 1 else f"{shape[0]:,} bytes"


def _cut_short(path: Path, shape: tuple[int, ...], found: int, how: str = "") -> ReadError:
    return ReadError(
        path,
        f"the header announces {_product(shape)}, but the file holds {how}{max(found, 0):,}: it is cut "
        "short, or its header is damaged. Copy or download it again.",
    )


def _not_pictures(path: Path, shape: tuple[int, ...]) -> str:
    name = path.name.replace("labels", "images").replace("idx1", "idx3")
    advice = f" Give {name}; the labels are found in the same folder." if name != path.name else ""
    return f"holds {_product(shape)} in {len(shape)} dimension(s); expected pictures, [N, rows, columns]." + advice
