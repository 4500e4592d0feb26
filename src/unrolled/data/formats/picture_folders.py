"""Pictures: a folder of them, with a folder for each class (``root/<label>/*.png``), or one to predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request
from unrolled.data.formats.file_sets import find_files
from unrolled.data.formats.pictures import PICTURES, fitted, is_dark, read_picture
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

_SAMPLE = 200
"""Pictures that show whether the ground is dark."""


def read_png_folder(request: Request) -> Sequences:
    """The pictures in a folder, in shades of grey, each row a step; of one size, or scaled to one by an option.

    Raises:
        ReadError: for a folder without such files, a damaged picture, and one of another size.
    """
    files = find_files(request, PICTURES)
    first = read_picture(files.paths[0], request)
    size = _size(request)
    rows, columns = first.shape if size is None else size
    pixels: npt.NDArray[np.uint8] = np.empty((len(files.paths), rows, columns), np.uint8)
    for index, file in enumerate(files.paths):
        picture = read_picture(file, request) if index else first
        if size is not None:
            picture = fitted(picture, size)
        elif picture.shape != first.shape:
            raise ReadError(
                file,
                f"this picture has {picture.shape[0]} rows of {picture.shape[1]} pixels where {files.paths[0].name} "
                f"has {rows} of {columns}; every picture needs the same size. Scale them all: "
                f"--picture-size {rows}x{columns}.",
            )
        pixels[index] = picture
        request.observer.progress(index, len(files.paths))
    request.observer.progress(1, 1)
    sequences = Sequences.from_steps(
        pixels.reshape(-1, columns), np.full(len(pixels), rows), scale=1 / 255, pictures=True, ids=files.ids
    )
    return files.label(sequences, request)


def read_one_picture(request: Request) -> Sequences:
    """One picture, scaled to the size of those of the training.

    Raises:
        ReadError: for a damaged picture.
    """
    picture, size = read_picture(request.path, request), _size(request)
    if size is not None and picture.shape != size:
        found = " x ".join(map(str, picture.shape))
        request.note(f"the picture of {found} pixels is scaled to {size[0]} x {size[1]}")
        picture = fitted(picture, size)
    if "dark" in request.like and bool(request.like["dark"]) != is_dark(picture):
        request.note("light and dark are exchanged, as the pictures of the training are on the other ground")
        picture = 255 - picture
    return Sequences.from_steps(picture, [len(picture)], scale=1 / 255, pictures=True, ids=[request.path.name])


def _size(request: Request) -> tuple[int, int] | None:
    """The rows and columns that pictures are scaled to: an option's, or those of the training; None to leave them."""
    text, before = request.config.picture_size, request.like.get("picture")
    if text is not None:
        rows, _, columns = str(text).partition("x")
        return int(rows), int(columns or rows)
    return None if before is None else (int(before[0]), int(before[1]))


def picture_facts(sequences: Sequences) -> dict[str, Any]:
    """What a later picture must have in common with these: their size, and whether their ground is dark.

    Returns:
        The facts; none for sequences that are no pictures of one size.
    """
    rows = sequences.equal_length
    if not sequences.pictures or rows is None:
        return {}
    some = np.stack([sequences.scaled(index) * 255 for index in range(min(len(sequences), _SAMPLE))])
    return {"picture": [rows, len(sequences.channels)], "dark": is_dark(some.astype(np.uint8))}
