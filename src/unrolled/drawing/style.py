"""The style of all pictures: colours, sizes, axes; and figures as PNG or pixels.

Figures are made without pyplot, which has global state and looks for a window system. matplotlib takes a second to
import, so the functions import it when something is drawn.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK, GREY, GRID = "#222222", "#9a9a9a", "#e6e6e6"
BLUE, ORANGE = "#0072b2", "#d55e00"
COLOURS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5195", "#6b6b6b")
"""Okabe and Ito's palette, which colour-blind people can tell apart. The report replaces it by its page's colours."""


def colours(count: int) -> list[str]:
    """As many different colours: those of `COLOURS`, or if these are too few, those of the rainbow."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in colormaps["turbo"](np.linspace(0.05, 0.95, count))]


WIDTH, WIDE = 4.5, 8.0
"""Inches: a picture in the report, which must be legible on a phone, and a picture in a file of its own."""


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty figure; width and height in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), **options)


def sheet(height: float, above: float = 0.05) -> tuple[Figure, Axes]:
    """A figure for the report: one pair of axes with room for labels, and a free share of the height above."""
    figure = new_figure(WIDTH, height)
    return figure, figure.add_axes((0.19, 0.17, 0.77, 0.83 - above))


def to_png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as a PNG file's content."""
    buffer = io.BytesIO()
    with quietly():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def to_pixels(figure: Figure, dpi: int = 100) -> npt.NDArray[np.uint8]:
    """The figure as pixels, [rows, columns, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    with quietly():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


@contextmanager
def quietly() -> Iterator[None]:
    """Silences warnings about letters in class names that matplotlib's font does not have."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def plain(name: str) -> str:
    """Escapes dollar signs in a name from the data, which would otherwise begin a formula."""
    return name.replace("$", r"\$")


def both_ends(name: str, most: int) -> str:
    """A name in few letters: of one that is longer than ``most`` both ends, since many differ at the end alone."""
    half = most // 2
    return name if len(name) <= most else f"{name[:half]}…{name[-half:]}"


def tidy(axes: Axes, grid: str = "both") -> None:
    """Removes the frame and draws a light grid in the direction ``grid``: ``"x"``, ``"y"`` or ``"both"``."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def in_percent(axis: Axis) -> None:
    """Labels shares in per cent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0))


def with_ticks(axis: Axis, most: int = 10, *, whole: bool = False) -> None:
    """Sets the largest number of ticks, and perhaps restricts them to whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=whole))


def in_plain_powers(axis: Axis, at: Sequence[float] = (1, 2, 5), most: int | None = None) -> None:
    """Labels a logarithmic axis with plain numbers, at these multiples of the powers of ten."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=at, numticks=most))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_locator(NullLocator())
