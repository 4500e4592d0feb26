"""A search as a picture: what each trial gave, and which fields mattered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from unrolled.drawing.plots import BLUE, GREY, INK, ORANGE

if TYPE_CHECKING:
    from unrolled.tuning import Tuning


def draw_tuning(found: Tuning) -> Figure:
    """Each trial's validation figure with the best so far, and the share of its variance that each field explains."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    history, importance = figure.subplots(1, 2, width_ratios=(1.5, 1))
    _draw_history(history, found)
    _draw_importance(importance, found)
    for axes in (history, importance):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
    return figure


def _draw_history(axes: Axes, found: Tuning) -> None:
    complete, pruned = _of_state(found, "complete"), _of_state(found, "pruned")
    if pruned:
        axes.plot(*zip(*pruned, strict=True), "x", color=GREY, markersize=5, label="given up early")
    numbers, values = (np.array(part) for part in zip(*complete, strict=True))
    axes.plot(numbers, values, "o", color=BLUE, markersize=5, label="to the end")
    best = (np.maximum if found.monitor == "accuracy" else np.minimum).accumulate(values)
    last = max(trial.number for trial in found.trials)
    axes.step([*numbers, last], [*best, best[-1]], where="post", color=ORANGE, linewidth=1.5, label="the best so far")
    axes.plot(found.best, found.value, "o", markerfacecolor="none", markeredgecolor=ORANGE, markersize=11)
    axes.set(xlabel="trial", ylabel=f"validation {found.monitor}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="#e6e6e6", linewidth=0.8)
    everything = np.array([value for _, value in complete + pruned])
    if found.monitor == "loss" and everything.min() > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.legend(frameon=False, fontsize=8, loc="best")


def _of_state(found: Tuning, state: str) -> list[tuple[int, float]]:
    """Number and value of the trials of a state."""
    return [(one.number, one.value) for one in found.trials if one.state == state and one.value is not None]


def _draw_importance(axes: Axes, found: Tuning) -> None:
    axes.set_title("what mattered", fontsize=10, color=INK)
    if not found.importance:
        axes.text(0.5, 0.5, "too few trials to say", ha="center", va="center", color=GREY, transform=axes.transAxes)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    names = sorted(found.importance, key=lambda name: found.importance[name])
    axes.barh(names, [found.importance[name] for name in names], color=BLUE, height=0.6)
    axes.set(xlabel="share of the variance explained (fANOVA)", xlim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
