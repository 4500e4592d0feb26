"""`.npz`, NumPy's archive of named arrays.

Either of two forms:

    X [N, T], one channel, or X [N, T, F] or [N, F, T], whose layout must be given
    values [S, F] and lengths [N], the steps of all sequences end to end: for unequal lengths

and, in both, ``y`` [N], the labels: numbers or text; without it the sequences have no labels. Other
arrays in the file are not looked at.

Numbers of any type become 32-bit floats as they are; nothing is scaled, bytes neither, since the file does
not say that they are pixels. Arrays of Python objects are refused: reading them would run code from the
file. What the headers announce is compared with what the archive holds before memory is taken for it.
"""

from __future__ import annotations

import math
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from unrolled.config import Layout
from unrolled.data.readers.opening import MAX_EXPANSION, naming, open_file, read_bytes, size_of
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

_NPY_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
"""Bytes of the header's length, by version of the .npy format."""
_MAX_HEADER = 10_000
_MAX_AXES = 32
"""What every version of NumPy can hold; which shapes make sense is said later, with the name of the array."""
_HEADER = re.compile(
    r"\{'descr': '([^']{1,32})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,200})\),? ?\}\s*"
)
_DESCR = re.compile(r"[<>|=]?([a-zA-Z])[0-9]{0,9}")
_NUMBERS, _TEXTS = "biuf", "US"

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

Array = npt.NDArray[Any]


def read_npz(path: str | Path, *, layout: Layout | None = None) -> Sequences:
    """The sequences in an ``.npz`` file.

    Args:
        path: the file.
        layout: axes of ``X`` where it has three: ``"time-first"`` is [N, T, F], ``"channels-first"``
            [N, F, T]. It is never guessed.
    Raises:
        ReadError: for a damaged archive, arrays that are missing, of other shapes or of Python objects,
            and a 3-D array without a layout.
    """
    path = Path(path)
    with open_file(path) as file, naming(path), _open_archive(path, file) as archive:
        labels = _labels(path, archive) if "y" in archive.names else None
        if "X" in archive.names:
            array = _oriented(path, archive.array("X"), layout)
            with _float_range(path, "X"):
                return Sequences.from_array(array, labels)
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
                dtype, order, shape = _read_header(self.path, member, name)
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


def _read_header(
    path: Path, member: BufferedIOBase, name: str
) -> tuple[np.dtype[Any], Literal["C", "F"], tuple[int, ...]]:
    """Type, order and shape from an array's header.

    NumPy's own reader evaluates the header as a Python literal; this one takes only what NumPy writes.
    """
    start = member.read(8)
    width = _LENGTH_BYTES.get(start[6]) if len(start) == 8 and start.startswith(_NPY_MAGIC) else None
    if width is None:
        raise ReadError(path, f"{name} is no array as numpy.savez writes it. Save the file again.")
    length = int.from_bytes(member.read(width), "little")
    text = member.read(length).decode("latin-1") if length <= _MAX_HEADER else ""
    match = _HEADER.fullmatch(text)
    if match is None:
        raise ReadError(
            path,
            f"the header of {name} is not that of an array of numbers or text. Save it as a plain array.",
        )
    descr, fortran, sizes = match.groups()
    shape = tuple(int(size) for size in re.findall("[0-9]+", sizes))
    if len(shape) > _MAX_AXES:
        raise ReadError(path, f"{name} has {len(shape)} axes; expected at most three.")
    if 0 in shape:
        raise ReadError(path, f"{name} has the shape {shape}, which holds nothing; expected at least one of each.")
    return _dtype(path, name, descr), "F" if fortran == "True" else "C", shape


def _dtype(path: Path, name: str, descr: str) -> np.dtype[Any]:
    kind = match.group(1) if (match := _DESCR.fullmatch(descr)) else ""
    if kind == "O":
        raise ReadError(
            path,
            f"{name} is an array of Python objects, which is not read, since that could run code from the "
            "file. Save labels as text, y.astype(str); save sequences of unequal lengths as values [S, F], "
            "all steps end to end, and lengths [N].",
        )
    if not kind or kind not in _NUMBERS + _TEXTS:
        raise ReadError(path, f"{name} holds values of the type {descr!r}; expected numbers, or text for labels.")
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError):
        raise ReadError(path, f"{name} holds values of the type {descr!r}, which NumPy does not know here.") from None
    if dtype.itemsize == 0:
        raise ReadError(path, f"{name} holds only empty text; expected labels.")
    return dtype


# From arrays to sequences


def _oriented(path: Path, array: Array, layout: Layout | None) -> Array:
    """``X`` as [N, T] or [N, T, F]."""
    if array.ndim not in (2, 3):
        raise ReadError(
            path,
            f"X has the shape {array.shape}; expected [N, T] for one channel, or three axes with a layout.",
        )
    if array.ndim == 2 or layout == "time-first":
        return array
    if layout == "channels-first":
        return array.transpose(0, 2, 1)
    count, second, third = array.shape
    raise ReadError(
        path,
        f"X has the shape {array.shape}, and which axis is time cannot be told from it. Say so: --layout "
        f"time-first for {count} sequences of {second} steps and {third} channels, --layout channels-first "
        f"for {third} steps and {second} channels (in Python: layout=…).",
    )


def _ragged(path: Path, archive: _Archive, labels: list[Any] | Array | None) -> Sequences:
    """From ``values`` and ``lengths``."""
    lengths = archive.array("lengths")
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
        raise ReadError(path, f"lengths has the shape {lengths.shape} of {lengths.dtype}; expected whole numbers, [N].")
    values = archive.array("values")
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.dtype.kind not in _NUMBERS:
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
    with _float_range(path, "values"):
        steps = np.ascontiguousarray(values, np.float32)
    return Sequences.from_steps(steps, lengths.astype(np.int64), labels)


def _labels(path: Path, archive: _Archive) -> list[str] | Array:
    labels = archive.array("y")
    if labels.ndim != 1:
        raise ReadError(
            path,
            f"y has the shape {labels.shape}; expected one label a sequence, [N]. From one column a class: "
            "y.argmax(axis=1).",
        )
    if labels.dtype.kind not in _TEXTS:
        return labels
    try:
        if labels.dtype.kind == "U" and int(labels.view(_code_points(labels)).max()) > sys.maxunicode:
            raise ValueError  # Python itself stumbles over these
        texts = [text.decode("utf-8") if isinstance(text, bytes) else str(text) for text in labels.tolist()]
        "".join(texts).encode("utf-8")  # code points that no file could hold again
    except ValueError:
        raise ReadError(path, "y holds text that is not valid Unicode. Save the labels again.") from None
    return texts


def _code_points(texts: Array) -> np.dtype[np.uint32]:
    """The type that shows NumPy's text as the numbers of its characters."""
    return np.dtype(np.uint32).newbyteorder(texts.dtype.byteorder)


@contextmanager
def _float_range(path: Path, name: str) -> Iterator[None]:
    """Refuses 64-bit values that a 32-bit float cannot hold, instead of making them infinite."""
    try:
        with np.errstate(over="raise", invalid="ignore"):
            yield
    except FloatingPointError:
        raise ReadError(path, f"{name} holds values beyond the range of 32-bit numbers (3.4e38); scale them.") from None
