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
_HALF = 128
PICTURES = (".png", ".jpg", ".jpeg")


def read_picture(path: Path, request: Request) -> npt.NDArray[np.uint8]:
    """The pixels of a PNG or JPEG file, [rows, columns], 0 for black to 255 for white.

    Raises:
        ReadError: for another or a damaged file, and one that claims more pixels than it can hold.
    """
    with open_file(path) as file:
        try:
            picture = Image.open(cast(IO[bytes], file), formats=["PNG", "JPEG"])
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
            raise ReadError(
                path, f"not a PNG or JPEG file, or a damaged one ({str(error)[:100]}). Copy it again."
            ) from None


def fitted(pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A picture scaled into a size, [rows, columns], with its sides in proportion and in the middle.

    What it does not cover has the shade that most of its edge has.
    """
    if pixels.shape == size:
        return pixels
    factor = min(size[0] / pixels.shape[0], size[1] / pixels.shape[1])
    rows, columns = (max(1, min(round(side * factor), most)) for side, most in zip(pixels.shape, size, strict=True))
    method = Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR
    scaled = np.asarray(Image.fromarray(pixels).resize((columns, rows), method))
    whole = np.full(size, np.bincount(_edge(pixels)).argmax(), np.uint8)
    top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
    whole[top : top + rows, left : left + columns] = scaled
    return whole


def is_dark(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether the ground of a picture, or of many, [..., rows, columns], is dark, as its edge shows."""
    return bool(np.median(_edge(pixels)) < _HALF)


def _edge(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    sides = (pixels[..., 0, :], pixels[..., -1, :], pixels[..., :, 0], pixels[..., :, -1])
    return np.concatenate([side.ravel() for side in sides])
