"""Folders of pictures, in a folder for each class: ``root/<label>/*.png``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request
from unrolled.data.formats.file_sets import find_files
from unrolled.data.formats.pictures import read_picture
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

PICTURES = (".png",)


def read_png_folder(request: Request) -> Sequences:
    """The pictures in a folder, in shades of grey and of one size, each row a step.

    Raises:
        ReadError: for a folder without such files, a damaged picture, and one of another size.
    """
    files = find_files(request, PICTURES)
    first = read_picture(files.paths[0], request)
    rows, columns = first.shape
    pixels: npt.NDArray[np.uint8] = np.empty((len(files.paths), rows, columns), np.uint8)
    for index, file in enumerate(files.paths):
        picture = read_picture(file, request) if index else first
        if picture.shape != first.shape:
            raise ReadError(
                file,
                f"this picture has {picture.shape[0]} rows of {picture.shape[1]} pixels where {files.paths[0].name} "
                f"has {rows} of {columns}; every picture needs the same size. Resize it.",
            )
        pixels[index] = picture
        request.observer.progress(index, len(files.paths))
    request.observer.progress(1, 1)
    sequences = Sequences.from_steps(
        pixels.reshape(-1, columns), np.full(len(pixels), rows), scale=1 / 255, pictures=True, ids=files.ids
    )
    return files.label(sequences, request)
