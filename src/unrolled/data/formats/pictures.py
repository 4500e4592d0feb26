"""One picture from a file, in shades of grey, by Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from unrolled.data.files import MAX_EXPANSION, Request, open_file, size_of
from unrolled.errors import ReadError

_PIXELS_PER_BYTE = 8
"""Of a picture in black and white, one bit a pixel."""
_GREY = {"1", "L"}


def read_picture(path: Path, request: Request) -> npt.NDArray[np.uint8]:
    """The pixels of a PNG file, [rows, columns], 0 for black to 255 for white.

    Raises:
        ReadError: for another or a damaged file, and one that claims more pixels than it can hold.
    """
    with open_file(path) as file:
        try:
            picture = Image.open(cast(IO[bytes], file), formats=["PNG"])
            width, height = picture.size
            if width * height > MAX_EXPANSION * _PIXELS_PER_BYTE * size_of(file):
                raise ReadError(path, f"it claims {height:,} rows of {width:,} pixels, more than its bytes can hold.")
            if picture.mode not in _GREY:
                request.note("colours are read as shades of grey")
            if picture.mode.startswith("I"):  # 16 bits a pixel
                return (np.asarray(picture, np.uint32) >> 8).astype(np.uint8)
            return np.array(picture.convert("L"), np.uint8)
        except ReadError:
            raise
        except Exception as error:  # Pillow raises nearly anything for a damaged file
            raise ReadError(path, f"not a PNG file, or a damaged one ({str(error)[:100]}). Copy it again.") from None
