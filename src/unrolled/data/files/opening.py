"""Opens files for all readers; allocates no memory on the word of a file."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unrolled.errors import DataError, ReadError, nearest

MAX_EXPANSION = 1032
"""Most bytes that one byte of a deflate stream can expand to: 258 from 2 bits."""

_CHUNK_BYTES = 1 << 18
_MOST_SIBLINGS = 10_000
_GZIP_MAGIC = b"\x1f\x8b"


def check_file(path: Path) -> None:
    """Checks that a path is a regular file that is not empty.

    Raises:
        ReadError: for no such file (with the nearest name in its folder), a folder, or an empty file.
    """
    with reading(path):
        try:
            status = path.stat()
        except FileNotFoundError:
            raise ReadError(path, f"there is no such file.{_nearest(path)}") from None
        except ValueError:  # a NUL character in the name
            raise ReadError(path, "this is not a name that a file can have.") from None
    if stat.S_ISDIR(status.st_mode):
        raise ReadError(path, "this is a folder; expected a file. Name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise ReadError(path, "this is not a regular file; save its content in one, and name that.")
    if status.st_size == 0:
        raise ReadError(path, "the file is empty (0 bytes). Copy or download it again.")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns the system's errors about a file into a `ReadError` with advice."""
    try:
        yield
    except PermissionError:
        raise ReadError(path, "no permission to read it. Change its permissions, or those of its folder.") from None
    except OSError as error:
        raise ReadError(path, f"it cannot be read: {error.strerror or error}.") from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds the name of a file to errors about its data."""
    try:
        yield
    except ReadError:
        raise
    except DataError as error:
        raise ReadError(path, str(error)) from error


@contextmanager
def open_file(path: Path) -> Iterator[BufferedIOBase]:
    """The file, open for reading bytes.

    Raises:
        ReadError: as `check_file`, and for errors of the system while the file is open.
    """
    check_file(path)
    with reading(path), path.open("rb") as file:
        yield file


@contextmanager
def open_unpacked(path: Path) -> Iterator[tuple[BufferedIOBase, int]]:
    """The file's content, unpacked if it is gzip, and the most bytes that it can hold.

    The first bytes tell whether a file is gzip, not its name: browsers unpack ``.gz`` files when they save them.

    Raises:
        ReadError: as `open_file`, and for a gzip stream that is cut short or damaged.
    """
    with open_file(path) as file:
        size = size_of(file)
        packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        file.seek(0)
        if not packed:
            yield file, size
            return
        try:
            with gzip.GzipFile(fileobj=file, mode="rb") as content:
                yield content, size * MAX_EXPANSION
        except EOFError:
            raise ReadError(
                path,
                f"the gzip stream is cut short after {size:,} bytes; expected it to run to its end "
                "mark. Copy or download the file again.",
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ReadError(path, f"the gzip stream is damaged ({error}). Copy or download the file again.") from None


def size_of(file: BufferedIOBase) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def read_bytes(path: Path, file: BufferedIOBase, size: int) -> npt.NDArray[np.uint8]:
    """The next ``size`` bytes, or fewer where the file ends, in one writable array.

    The caller has checked that the file can hold ``size`` bytes. They are read into the array, without a second copy.

    Raises:
        ReadError: if there is not enough memory.
    """
    try:
        array = np.empty(size, np.uint8)
    except MemoryError:
        raise ReadError(path, f"its {size:,} bytes do not fit into this machine's memory.") from None
    view, filled = array.data, 0
    while filled < size:
        # in pieces: GzipFile and ZipExtFile build a bytes object of the size asked for
        got = file.readinto(view[filled : filled + _CHUNK_BYTES])
        if not got:
            break
        filled += got
    return array[:filled]


def _nearest(path: Path) -> str:
    """A sentence with the most similar name in the folder, or with the folder that is missing."""
    folder = path.parent
    if not folder.is_dir():
        return f" There is no folder {folder} either."
    try:
        with os.scandir(folder) as entries:
            names = {entry.name.casefold(): entry.name for entry in islice(entries, _MOST_SIBLINGS)}
    except OSError:
        return ""
    near = nearest(path.name.casefold(), list(names))
    return f" Did you mean {names[near]!r}?" if near else " Check the path."
