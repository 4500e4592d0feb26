"""Whether there is something to be seen in a picture, not only a file that begins as one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def assert_drawn(content: bytes) -> None:
    """A readable PNG file in which lines, marks and letters cover a part of the background, all over."""
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB"), int)
    height, width, _ = pixels.shape
    assert min(height, width) > 150
    background = pixels[0, 0]
    ink = (np.abs(pixels - background) > 32).any(2)
    assert ink.mean() > 0.005
    for half in (ink[: height // 2], ink[height // 2 :], ink[:, : width // 2], ink[:, width // 2 :]):
        assert half.any()
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10  # smooth edges of letters and lines
