"""Long recordings as coloured bands: the true label of each step above, the answer below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unrolled.data import Integers
from unrolled.drawing.style import GRID, WIDTH, colours, new_figure, plain, with_ticks
from unrolled.errors import shortened
from unrolled.evaluation import Strip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_RECORDINGS = 8
"""Recordings that are drawn."""

_THICK, _APART = 0.4, 1.4
"""Height of a band, and the distance of the recordings."""
_MINUTES = 600
"""Seconds from which on an axis has minutes."""
_LETTERS, _LEGEND_LETTERS = 48, 14


def draw_recordings(
    strips: Sequence[Strip], classes: Sequence[str], interval: float | None = None, width: float = WIDTH
) -> Figure:
    """Draws the steps of recordings as two bands each; steps that are not known or not answered stay grey.

    Args:
        strips: the recordings; at most `MOST_RECORDINGS` are drawn.
        classes: the names of the classes.
        interval: seconds between two steps; None for an axis of steps.
        width: of the figure, in inches.
    """
    shown = strips[:MOST_RECORDINGS]
    columns = max(int(width / (0.55 + 0.075 * min(max(map(len, classes)), _LEGEND_LETTERS))), 1)
    rows = -(-len(classes) // columns)
    top, bottom = 0.12 + 0.19 * rows, 0.45
    height = top + bottom + 0.48 * len(shown)
    figure = new_figure(width, height)
    axes = figure.add_axes((0.13, bottom / height, 0.84, 1 - (top + bottom) / height))
    longest = max(len(strip.truth) for strip in shown)
    scale, unit = _unit(longest, interval)
    palette = colours(len(classes))
    ticks: dict[float, str] = {}
    for place, strip in enumerate(shown):
        middle = -_APART * place
        both = {"true": (middle + 0.02, strip.truth), "answer": (middle - _THICK - 0.02, strip.predicted)}
        for words, (row, band) in both.items():
            axes.broken_barh([(0, len(band) * scale)], (row, _THICK), facecolors=GRID)
            _draw(axes, band, row, scale, palette)
            ticks[row + _THICK / 2] = words
        axes.text(0, middle + _THICK + 0.08, plain(shortened(strip.name, _LETTERS)), fontsize=8)
    axes.set(xlabel=unit, xlim=(0, longest * scale), ylim=(-_APART * (len(shown) - 1) - 0.5, 0.75))
    axes.set_yticks(list(ticks), list(ticks.values()), fontsize=7)
    axes.tick_params(axis="y", length=0)
    with_ticks(axes.xaxis, 6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    _add_legend(figure, palette, classes, columns)
    return figure


def _unit(longest: int, interval: float | None) -> tuple[float, str]:
    """The factor from steps to the axis, and its name."""
    if interval is None:
        return 1.0, "step"
    return (interval / 60, "minutes") if longest * interval >= _MINUTES else (interval, "seconds")


def _draw(axes: Axes, band: Integers, row: float, scale: float, palette: Sequence[str]) -> None:
    for index, colour in enumerate(palette):
        pieces = [(first * scale, (last - first) * scale) for first, last in _runs(band == index)]
        if pieces:
            axes.broken_barh(pieces, (row, _THICK), facecolors=colour)


def _runs(inside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[tuple[int, int]]:
    """The first step and the one after the last of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _add_legend(figure: Figure, palette: Sequence[str], classes: Sequence[str], columns: int) -> None:
    from matplotlib.patches import Patch

    named = zip(palette, classes, strict=True)
    patches = [Patch(color=colour, label=plain(shortened(name, _LEGEND_LETTERS))) for colour, name in named]
    figure.legend(
        handles=patches,
        loc="upper right",
        bbox_to_anchor=(0.99, 1.0),
        ncols=min(columns, len(classes)),
        frameon=False,
        fontsize=8,
        handlelength=1.0,
        handletextpad=0.4,
        columnspacing=1.0,
    )
