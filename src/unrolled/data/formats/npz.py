"""`.npz`, NumPy's archive of named arrays.

The arrays have one of two forms:

    X [N, T], one channel, or X [N, T, F] or [N, F, T], whose layout must be given
    values [S, F] and lengths [N], the steps of all sequences end to end: for unequal lengths

In both, ``y`` [N] holds the labels, as numbers or text; without it the sequences have no labels. Other arrays are
ignored.

Numbers are not scaled, not even bytes, since the file does not say that they are pixels. Arrays of Python objects
are refused: reading them would run code from the file. The sizes in the headers are compared with the archive's
before memory is allocated.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import numpy as np

from unrolled.data.files import MAX_EXPANSION, Request, naming, open_file, read_bytes, size_of
from unrolled.data.formats.npy import NUMBERS, Array, label_values, oriented, read_header
from unrolled.data.numbers import BEYOND_FLOAT32, to_float32
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

# what the zip and deflate code of the standard library raises for damaged archives
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


def read_npz(request: Request) -> Sequences:
    """The sequences in an ``.npz`` file.

    Raises:
        ReadError: for a damaged archive, arrays that are missing, of other shapes or of Python objects,
            and a 3-D array without a layout.
    """
    path = request.path
    with open_file(path) as file, naming(path), _open_archive(path, file) as archive:
        y = archive.array("y") if "y" in archive.names else None
        rows = y if request.in_windows and y is not None and y.ndim == 2 and y.shape[1] > 1 else None  # a label a step
        labels = None if y is None or rows is not None else label_values(path, y, request)
        if "X" in archive.names:
            array = oriented(path, archive.array("X"), request.config.layout)
            whole = Sequences.from_array(array, labels, padded=request.config.padded is not False)
            if rows is None:
                return whole
            return whole.with_steps([row[:length] for row, length in zip(rows, whole.lengths, strict=True)])
        if {"values", "lengths"} <= archive.names:
            return _ragged(path, archive, labels)
    found = ", ".join(sorted(archive.names)[:20]) or "no arrays at all"
    raise ReadError(
        path,
        f"found {found}; expected X (and y), or values and lengths (and y). Save it with numpy.savez(path, X=…, y=…).",
    )


# The archive


@dataclass(frozen=True)
class _Archive:
    """An open archive of ``size`` bytes."""

    path: Path
    zip: zipfile.ZipFile
    size: int

    @cached_property
    def names(self) -> set[str]:
        """The arrays in it."""
        return {name.removesuffix(".npy") for name in self.zip.namelist() if name.endswith(".npy")}

    def array(self, name: str) -> Array:
        """One array, writable, in memory that is taken once, after the sizes have proved possible."""
        with _damage(self.path):
            entry = self.zip.getinfo(f"{name}.npy")
            self._check_entry(entry, name)
            with self.zip.open(entry) as opened:
                member = cast(BufferedIOBase, opened)
                dtype, order, shape = read_header(self.path, member, name)
                size, room = math.prod(shape) * dtype.itemsize, entry.file_size - member.tell()
                if size != room:
                    raise ReadError(
                        self.path,
                        f"the header of {name} announces the shape {shape} of {dtype}, {size:,} bytes; the "
                        f"archive holds {room:,}. The file is damaged: copy or save it again.",
                    )
                content = read_bytes(self.path, member, size)  # its end makes zipfile compare the checksum
        if len(content) < size:
            raise ReadError(self.path, f"the array {name} is cut short. Copy or save the file again.")
        return content.view(dtype).reshape(shape, order=order)

    def _check_entry(self, entry: zipfile.ZipInfo, name: str) -> None:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ReadError(
                self.path,
                f"the array {name} is compressed in a way that numpy.savez does not use. Save it again.",
            )
        packed = min(entry.compress_size, self.size)
        if entry.file_size > packed * MAX_EXPANSION:
            raise ReadError(
                self.path,
                f"the array {name} claims {entry.file_size:,} bytes, more than {packed:,} compressed bytes "
                "can hold. The file is damaged: copy or save it again.",
            )


@contextmanager
def _open_archive(path: Path, file: BufferedIOBase) -> Iterator[_Archive]:
    with _damage(path):
        archive = zipfile.ZipFile(file)
    with archive:
        yield _Archive(path, archive, size_of(file))


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ReadError(
            path,
            f"the archive is damaged or no .npz file ({error}); expected what numpy.savez writes. Copy or "
            "save it again.",
        ) from None


def _ragged(path: Path, archive: _Archive, labels: list[Any] | Array | None) -> Sequences:
    """From ``values`` and ``lengths``."""
    lengths = archive.array("lengths")
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
        raise ReadError(path, f"lengths has the shape {lengths.shape} of {lengths.dtype}; expected whole numbers, [N].")
    values = archive.array("values")
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.dtype.kind not in NUMBERS:
        raise ReadError(
            path,
            f"values has the shape {values.shape} of {values.dtype}; expected numbers, [S, F], all steps end to end.",
        )
    wrong = np.flatnonzero((lengths < 1) | (lengths > len(values)))
    if wrong.size:
        raise ReadError(
            path,
            f"lengths[{wrong[0]}] is {lengths[wrong[0]]}; expected 1 to {len(values)}, the steps in values. "
            "Remove sequences without steps.",
        )
    steps = to_float32(values, lambda _: ReadError(path, f"values holds numbers {BEYOND_FLOAT32}."))
    return Sequences.from_steps(steps, lengths.astype(np.int64), labels)
