"""Entries beside each other: how accurate, how far from the best, at what cost."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
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

_NAME_WIDTH = 26

Interval = tuple[float, float]


@dataclass(frozen=True)
class Gap:
    """An entry's accuracy less that of the best one.

    Attributes:
        value: the difference.
        interval: its 95 % interval.
        shown: whether a test shows that there is a difference.
    """

    value: float
    interval: Interval
    shown: bool


@dataclass(frozen=True)
class ComparedRow:
    """What a row of the picture shows of an entry.

    Attributes:
        name: of the entry.
        accuracy: mean share of right answers over its runs.
        interval: its 95 % interval.
        runs: accuracy of each run.
        gap: from the best; None of the best one itself.
        training_seconds: of a training; None where it is not known.
        milliseconds: to classify a sequence.
    """

    name: str
    accuracy: float
    interval: Interval
    runs: Sequence[float]
    gap: Gap | None
    training_seconds: float | None
    milliseconds: float


def draw_comparison(rows: Sequence[ComparedRow]) -> Figure:
    """Accuracies with their intervals, differences from the best one, and what each costs: a row an entry."""
    names = [textwrap.fill(row.name, _NAME_WIDTH) for row in rows]
    deepest = max(name.count("\n") for name in names)
    figure = new_figure(10, 1.3 + len(rows) * (0.34 + 0.16 * deepest), layout="constrained")
    quality, gap, cost = figure.subplots(1, 3, sharey=True, width_ratios=(1.25, 1.25, 1))
    _draw_accuracies(quality, rows)
    _draw_gaps(gap, rows)
    _draw_costs(cost, rows)
    quality.set_yticks(range(len(rows)), [plain(name) for name in names])
    quality.set_ylim(len(rows) - 0.5, -0.5)
    for axes in (quality, gap, cost):
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        tidy(axes, grid="x")
    return figure


def _draw_accuracies(axes: Axes, rows: Sequence[ComparedRow]) -> None:
    several = any(len(row.runs) > 1 for row in rows)
    for place, row in enumerate(rows):
        _draw_interval(axes, row.accuracy, row.interval, place, BLUE)
        if len(row.runs) > 1:
            heights = np.full(len(row.runs), place + 0.2)
            axes.plot(row.runs, heights, "|", color=GREY, markersize=6, markeredgewidth=1.2)
    axes.set_title(f"accuracy, 95 % interval{', each run' if several else ''}", fontsize=9, color=INK)
    in_percent(axes.xaxis)
    with_ticks(axes.xaxis, 5)


def _draw_gaps(axes: Axes, rows: Sequence[ComparedRow]) -> None:
    axes.axvline(0, color=INK, linewidth=1)
    for place, row in enumerate(rows):
        if row.gap is None:
            axes.plot(0, place, "o", color=INK, markersize=6)
        else:
            ends = (100 * row.gap.interval[0], 100 * row.gap.interval[1])
            _draw_interval(axes, 100 * row.gap.value, ends, place, ORANGE if row.gap.shown else GREY)
    axes.set_title("points from the best; orange: a difference", fontsize=9, color=INK)
    with_ticks(axes.xaxis, 5)


def _draw_interval(axes: Axes, value: float, ends: Interval, place: int, colour: str) -> None:
    axes.plot(ends, [place, place], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(value, place, "o", color=colour, markersize=6)


def _draw_costs(axes: Axes, rows: Sequence[ComparedRow]) -> None:
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
