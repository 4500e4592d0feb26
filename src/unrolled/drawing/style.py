"""How all pictures look: colours, sizes, axes; and a figure as PNG or pixels.

Figures are made without pyplot, so that nothing global is touched and no window is looked for. matplotlib takes a
second to import, so it is imported here alone, and only when something is drawn.
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
"""Okabe and Ito's palette, which the colour-blind can tell apart. The report exchanges these for its page's own."""

WIDTH, WIDE = 4.5, 8.0
"""Inches: a picture of the report, to be read on a phone, and one that is a file of its own."""


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), **options)


def sheet(height: float, above: float = 0.05) -> tuple[Figure, Axes]:
    """A figure of the report with one axes that leaves room for its labels, and a share of the height above it."""
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
    """Names of classes may hold letters that matplotlib's font has not; nobody can mend that while it draws."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def plain(name: str) -> str:
    """A name from the data as plain text: a dollar sign begins no formula."""
    return name.replace("$", r"\$")


def tidy(axes: Axes, grid: str = "both") -> None:
    """Axes without a frame, over a light grid in the direction of ``grid``: ``"x"``, ``"y"`` or ``"both"``."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def in_percent(axis: Axis) -> None:
    """Shares are written in per cent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0))


def with_ticks(axis: Axis, most: int = 10, *, whole: bool = False) -> None:
    """At most so many ticks, and perhaps only at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=whole))


def in_plain_powers(axis: Axis, at: Sequence[float] = (1, 2, 5), most: int | None = None) -> None:
    """Plain numbers on a logarithmic axis, at these multiples of the powers of ten."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=at, numticks=most))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_locator(NullLocator())
