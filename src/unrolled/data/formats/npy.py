"""`.npy`, one array as NumPy saves it, and the code that `.npz`, an archive of such arrays, shares with it.

The array is [N, T], one channel, or [N, T, F] or [N, F, T], whose layout must be given. The labels are in a file of
the same folder whose name has ``y`` for ``X`` (``X_train.npy`` and ``y_train.npy``) or ``labels`` for ``data``;
without such a file the sequences have no labels. Arrays of Python objects are refused: reading them would run code
from the file.
"""

from __future__ import annotations

import math
import re
import sys
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from unrolled.config import Layout
from unrolled.data.files import Request, naming, open_file, read_bytes, size_of
from unrolled.data.labels import missing_labels
from unrolled.data.sequences import Sequences
from unrolled.data.tables import all_known
from unrolled.errors import ReadError

_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
"""By version of the .npy format; NumPy writes version 3 only for names of fields, which are not read here."""
_MAX_HEADER = 10_000
"""Bytes; NumPy's own limit, which it applies after it has read the header. Here a longer header is not read at all."""
_MAX_AXES = 32
"""Axes that every version of NumPy supports; later checks refuse other shapes by the array's name."""
NUMBERS, _TEXTS = "biuf", "US"
_BESIDE = ((re.compile(r"(?<![A-Za-z])[Xx](?![A-Za-z])"), "y"), (re.compile("data(?![A-Za-z])"), "labels"))

Array = npt.NDArray[Any]


def read_npy(request: Request) -> Sequences:
    """The sequences in an ``.npy`` file, with the labels from the file in the same folder.

    Raises:
        ReadError: for a damaged file, an array of another shape or of Python objects, and a 3-D array without a
            layout.
    """
    path = request.path
    beside = labels_beside(path)
    labels = None if beside is None else label_values(beside, _read_array(beside), request)
    if beside is not None:
        request.note(f"the labels are those in {beside.name}")
    with naming(path):
        array = oriented(path, _read_array(path), request.config.layout)
        return Sequences.from_array(array, labels, padded=request.config.padded is not False)


def labels_beside(path: Path) -> Path | None:
    """The file whose name says that it holds the labels of a file of sequences; None where there is none."""
    for pattern, name in _BESIDE:
        other = path.with_name(pattern.sub(name, path.stem) + path.suffix)
        if other != path and other.is_file():
            return other
    return None


def _read_array(path: Path) -> Array:
    with open_file(path) as file:
        dtype, order, shape = read_header(path, file, "the array")
        size, room = math.prod(shape) * dtype.itemsize, size_of(file) - file.tell()
        if size != room:
            raise ReadError(
                path,
                f"its header announces the shape {shape} of {dtype}, {size:,} bytes; the file holds {room:,}. It is "
                "damaged: copy or save it again.",
            )
        return read_bytes(path, file, size).view(dtype).reshape(shape, order=order)


def read_header(
    path: Path, member: BufferedIOBase, name: str
) -> tuple[np.dtype[Any], Literal["C", "F"], tuple[int, ...]]:
    """Reads an array's header: its type, order and shape.

    Raises:
        ReadError: for a header that NumPy refuses, and for an array of anything but numbers or text.
    """
    start = _Bounded(member)
    try:
        version = npy_format.read_magic(start)
    except ValueError:
        raise ReadError(path, f"{name} is no array as numpy.savez writes it. Save the file again.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's and NumPy's on how a header is written
            shape, fortran, dtype = _READERS[version](start, _MAX_HEADER)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        raise  # the file is damaged, not the header
    except Exception:  # NumPy parses the header as a Python literal, so damage may raise nearly anything
        raise ReadError(
            path, f"the header of {name} is not that of an array of numbers or text. Save it as a plain array."
        ) from None
    _check_type(path, name, dtype)
    if len(shape) > _MAX_AXES:
        raise ReadError(path, f"{name} has {len(shape)} axes; expected at most three.")
    if any(size < 1 for size in shape):
        raise ReadError(path, f"{name} has the shape {shape}, which holds nothing; expected at least one of each.")
    return dtype, "F" if fortran else "C", shape


@dataclass(frozen=True)
class _Bounded:
    """A file of which NumPy may read only as much as a header needs."""

    file: BufferedIOBase

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _MAX_HEADER:
            raise ValueError
        return self.file.read(size)


def _check_type(path: Path, name: str, dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise ReadError(
            path,
            f"{name} is an array of Python objects, which is not read, since that could run code from the "
            "file. Save labels as text, y.astype(str); save sequences of unequal lengths as values [S, F], "
            "all steps end to end, and lengths [N].",
        )
    if dtype.kind not in NUMBERS + _TEXTS or dtype.subdtype is not None:
        raise ReadError(path, f"{name} holds values of the type {dtype}; expected numbers, or text for labels.")
    if dtype.itemsize == 0:
        raise ReadError(path, f"{name} holds only empty text; expected labels.")


# From arrays to sequences


def oriented(path: Path, array: Array, layout: Layout | None) -> Array:
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


def label_values(path: Path, labels: Array, request: Request) -> list[str] | Array | None:
    """Labels from an array, [N]: numbers as they are, text decoded; None if some are missing and none are needed.

    Raises:
        ReadError: for another shape, invalid text, or missing labels.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ReadError(
            path,
            f"y has the shape {labels.shape}; expected one label a sequence, [N]. From one column a class: "
            "y.argmax(axis=1).",
        )
    if labels.dtype.kind not in _TEXTS:
        return labels if all_known(missing_labels(labels), request) else None
    try:
        if labels.dtype.kind == "U" and int(labels.view(_code_points(labels)).max()) > sys.maxunicode:
            raise ValueError  # Python itself fails on these
        texts = [text.decode("utf-8") if isinstance(text, bytes) else str(text) for text in labels.tolist()]
        "".join(texts).encode("utf-8")  # surrogates cannot be written to a file
    except ValueError:
        raise ReadError(path, "y holds text that is not valid Unicode. Save the labels again.") from None
    return texts if all_known(missing_labels(np.array(texts)), request) else None


def _code_points(texts: Array) -> np.dtype[np.uint32]:
    """The type that views NumPy's text as code points."""
    return np.dtype(np.uint32).newbyteorder(texts.dtype.byteorder)
