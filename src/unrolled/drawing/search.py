"""A search over settings: the result of each trial, and the importance of each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from unrolled.drawing.style import BLUE, GREY, INK, ORANGE, in_percent, in_plain_powers, new_figure, tidy, with_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_search(
    complete: Mapping[int, float], pruned: Mapping[int, float], monitor: str, importance: Mapping[str, float]
) -> Figure:
    """Draws each trial's validation figure, the best so far, and the share of the variance that each field explains.

    Args:
        complete: the figure of each completed trial, by the trial's number, in rising order; at least one.
        pruned: the last figure of each trial that was stopped early.
        monitor: the validation figure, ``"loss"`` or ``"accuracy"``.
        importance: share of the variance by the field's name; empty if it is not known.
    """
    figure = new_figure(9, 3.4, layout="constrained")
    history, mattered = figure.subplots(1, 2, width_ratios=(1.5, 1))
    _draw_history(history, complete, pruned, monitor)
    _draw_importance(mattered, importance)
    return figure


def _draw_history(axes: Axes, complete: Mapping[int, float], pruned: Mapping[int, float], monitor: str) -> None:
    if pruned:
        axes.plot(list(pruned), list(pruned.values()), "x", color=GREY, markersize=5, label="stopped early")
    numbers, values = list(complete), np.array(list(complete.values()))
    axes.plot(numbers, values, "o", color=BLUE, markersize=5, label="completed")
    best = (np.maximum if monitor == "accuracy" else np.minimum).accumulate(values)
    last = max(*numbers, *pruned, 0)
    axes.step([*numbers, last], [*best, best[-1]], where="post", color=ORANGE, linewidth=1.5, label="the best so far")
    place = int(np.flatnonzero(values == best[-1])[0])
    axes.plot(numbers[place], values[place], "o", markerfacecolor="none", markeredgecolor=ORANGE, markersize=11)
    axes.set(xlabel="trial", ylabel=f"validation {monitor}")
    with_ticks(axes.xaxis, whole=True)
    tidy(axes)
    if monitor == "loss" and min(*values, *pruned.values(), np.inf) > 0:
        axes.set_yscale("log")
        in_plain_powers(axes.yaxis)
    axes.legend(frameon=False, fontsize=8, loc="best")


def _draw_importance(axes: Axes, importance: Mapping[str, float]) -> None:
    axes.set_title("importance", fontsize=10, color=INK)
    if not importance:
        axes.text(0.5, 0.5, "too few trials", ha="center", va="center", color=GREY, transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(False)
        return
    names = sorted(importance, key=lambda name: importance[name])
    axes.barh(names, [importance[name] for name in names], color=BLUE, height=0.6)
    axes.set(xlabel="share of the variance explained (fANOVA)", xlim=(0, 1))
    in_percent(axes.xaxis)
    axes.tick_params(axis="y", length=0)
    tidy(axes, grid="x")
