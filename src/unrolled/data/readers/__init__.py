"""Files of labelled sequences: one reader a format, chosen by the file's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unrolled.config import DataConfig, Layout
from unrolled.data.readers.idx import is_idx_name, read_pictures
from unrolled.data.readers.npz import read_npz
from unrolled.data.readers.observer import SILENT, Observer
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
        read: reads a file, given the options of the data, telling an observer what it finds.
    """

    name: str
    suffixes: str
    fits: Callable[[str], bool]
    read: Callable[[Path, DataConfig, Observer], Sequences]


READERS = (
    Reader(
        ".ts",
        ".ts (time series)",
        lambda name: name.lower().endswith(".ts"),
        lambda path, _config, _observer: read_ts(path),
    ),
    Reader(
        ".npz",
        ".npz (NumPy arrays)",
        lambda name: name.lower().endswith(".npz"),
        lambda path, config, _observer: read_npz(path, layout=config.layout),
    ),
    Reader(
        "IDX",
        "-idx3-ubyte, .idx3-ubyte, -ubyte, .idx, each also with .gz (pictures, as MNIST)",
        is_idx_name,
        lambda path, _config, _observer: read_pictures(path),
    ),
)


def read(
    path: str | Path,
    config: DataConfig | None = None,
    *,
    layout: Layout | None = None,
    observer: Observer = SILENT,
) -> Sequences:
    """The sequences in a file; the reader is chosen by the file's name.

    Args:
        path: a ``.ts``, ``.npz`` or IDX file.
        config: what is known of the file: its format, the names of its columns and so on; ``source`` is not
            looked at. By default all is found out.
        layout: axes of a 3-D array in an ``.npz`` file, in the place of the config's.
        observer: is told what was found without being named, and how far the reading is.
    Raises:
        ReadError: for a file that is missing, empty, of no known format, or wrong inside; with line
            and column where there are such.
    """
    path = Path(path)
    options = config or DataConfig()
    if layout is not None:
        options = options.model_copy(update={"layout": layout})
    return reader_of(path).read(path, options, observer)


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
