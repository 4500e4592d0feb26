"""Files of labelled sequences: one reader a format, chosen by the file's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unrolled.config import Layout
from unrolled.data.readers.idx import is_idx_name, read_pictures
from unrolled.data.readers.npz import read_npz
from unrolled.data.readers.opening import check_file
from unrolled.data.readers.ts import read_ts
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError


@dataclass(frozen=True)
class Reader:
    """One format.

    Attributes:
        name: what the format is called.
        suffixes: how the names of its files end, for people to read.
        fits: whether a file's name is one of this format.
        read: reads a file, given the axes of a 3-D array.
    """

    name: str
    suffixes: str
    fits: Callable[[str], bool]
    read: Callable[[Path, Layout | None], Sequences]


READERS = (
    Reader(
        ".ts",
        ".ts (time series)",
        lambda name: name.lower().endswith(".ts"),
        lambda path, _layout: read_ts(path),
    ),
    Reader(
        ".npz",
        ".npz (NumPy arrays)",
        lambda name: name.lower().endswith(".npz"),
        lambda path, layout: read_npz(path, layout=layout),
    ),
    Reader(
        "IDX",
        "-idx3-ubyte, .idx3-ubyte, -ubyte, .idx, each also with .gz (pictures, as MNIST)",
        is_idx_name,
        lambda path, _layout: read_pictures(path),
    ),
)


def read(path: str | Path, *, layout: Layout | None = None) -> Sequences:
    """The sequences in a file; the reader is chosen by the file's name.

    Args:
        path: a ``.ts``, ``.npz`` or IDX file.
        layout: axes of a 3-D array in an ``.npz`` file; the other formats say it themselves.
    Raises:
        ReadError: for a file that is missing, empty, of no known format, or wrong inside; with line
            and column where there are such.
    """
    path = Path(path)
    return reader_of(path).read(path, layout)


def reader_of(path: str | Path) -> Reader:
    """The reader for a file.

    Raises:
        ReadError: for a file that is missing or empty, a folder, or a name of no known format.
    """
    path = Path(path)
    check_file(path)
    for reader in READERS:
        if reader.fits(path.name):
            return reader
    packed = " Unpack it first." if path.suffix.lower() in {".gz", ".zip", ".bz2", ".xz", ".zst"} else ""
    known = "; ".join(reader.suffixes for reader in READERS)
    raise ReadError(
        path, f"no reader for names like {path.name!r}.{packed} Known endings: {known}. Convert or rename it."
    )
