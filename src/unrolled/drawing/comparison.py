"""Entries of a comparison: their accuracies, their differences from the best one, their costs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from unrolled.drawing.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    in_percent,
    in_plain_powers,
    new_figure,
    plain,
    tidy,
    with_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from unrolled.comparison import Comparison

_NAME_WIDTH = 26


def draw_comparison(comparison: Comparison) -> Figure:
    """Draws accuracies with their intervals, differences from the best entry, and costs; one row an entry."""
    rows = comparison.rows
    names = [textwrap.fill(row.name, _NAME_WIDTH) for row in rows]
    deepest = max(name.count("\n") for name in names)
    figure = new_figure(10, 1.3 + len(rows) * (0.34 + 0.16 * deepest), layout="constrained")
    quality, difference, cost = figure.subplots(1, 3, sharey=True, width_ratios=(1.25, 1.25, 1))
    _draw_accuracies(quality, comparison)
    _draw_differences(difference, comparison)
    _draw_costs(cost, comparison)
    quality.set_yticks(range(len(rows)), [plain(name) for name in names])
    quality.set_ylim(len(rows) - 0.5, -0.5)
    for axes in (quality, difference, cost):
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        tidy(axes, grid="x")
    return figure


def _draw_accuracies(axes: Axes, comparison: Comparison) -> None:
    rows = comparison.rows
    several = any(len(row.runs) > 1 for row in rows)
    for place, row in enumerate(rows):
        _draw_interval(axes, row.accuracy, row.low, row.high, place, BLUE)
        if len(row.runs) > 1:
            heights = np.full(len(row.runs), place + 0.2)
            axes.plot(row.accuracies, heights, "|", color=GREY, markersize=6, markeredgewidth=1.2)
    axes.set_title(f"accuracy, 95 % interval{', each run' if several else ''}", fontsize=9, color=INK)
    in_percent(axes.xaxis)
    with_ticks(axes.xaxis, 5)


def _draw_differences(axes: Axes, comparison: Comparison) -> None:
    axes.axvline(0, color=INK, linewidth=1)
    axes.plot(0, 0, "o", color=INK, markersize=6)  # the best entry
    for place, pair in enumerate(comparison.against_best(), 1):
        value, low, high = (
            -100 * share for share in (pair.difference.value, pair.difference.high, pair.difference.low)
        )
        _draw_interval(axes, value, low, high, place, ORANGE if pair.shown else GREY)
    axes.set_title("points from the best; orange: a difference", fontsize=9, color=INK)
    with_ticks(axes.xaxis, 5)


def _draw_interval(axes: Axes, value: float, low: float, high: float, place: int, colour: str) -> None:
    axes.plot((low, high), [place, place], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(value, place, "o", color=colour, markersize=6)


def _draw_costs(axes: Axes, comparison: Comparison) -> None:
    rows = comparison.rows
    axes.set_title("training, s (and ms a sequence)", fontsize=9, color=INK)
    known = {place: row.training_seconds for place, row in enumerate(rows) if row.training_seconds}
    if not known:
        axes.set_xticks([])
        return
    axes.set_xscale("log")
    low, high = min(known.values()), max(known.values())
    axes.set_xlim(low / 1.8, high * 4)
    for place, seconds in known.items():
        axes.plot(seconds, place, "o", color=BLUE, markersize=6)
        text = f"{rows[place].milliseconds:.2g} ms"
        axes.annotate(text, (seconds, place), (7, 0), textcoords="offset points", va="center", fontsize=8, color=INK)
    in_plain_powers(axes.xaxis, (1, 2, 5) if high < 100 * low else (1,))
