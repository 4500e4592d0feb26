"""Accuracies with their intervals: beside the baselines, by confidence, by length, and by share of the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from unrolled.drawing.style import BLUE, GREY, INK, WIDTH, in_percent, in_plain_powers, new_figure, plain, sheet, tidy
from unrolled.evaluation import LengthGroup, ShareSeen
from unrolled.statistics import Proportion, ReliabilityBin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_LETTERS_A_LINE = 20


def draw_standing(accuracies: Mapping[str, Proportion]) -> Figure:
    """Draws accuracies with their intervals as bars; the first bar is coloured.

    Args:
        accuracies: by the classifier's name, the network's first.
    """
    figure = new_figure(WIDTH, 0.55 + 0.42 * len(accuracies))
    height = figure.get_figheight()
    axes = figure.add_axes((0.33, 0.47 / height, 0.62, (height - 0.55) / height))
    places = np.arange(len(accuracies))
    values = [share.value for share in accuracies.values()]
    axes.barh(places, values, height=0.55, color=[BLUE, *[GREY] * (len(values) - 1)], alpha=0.75)
    for place, share in zip(places, accuracies.values(), strict=True):
        axes.plot([share.low, share.high], [place, place], color=INK, linewidth=1.5, marker="|", markersize=7)
    axes.set_yticks(places, [fill(plain(name), _LETTERS_A_LINE) for name in accuracies])
    axes.set(xlabel="accuracy, with its 95 % interval", xlim=(0, 1.02), ylim=(len(values) - 0.5, -0.5))
    in_percent(axes.xaxis)
    axes.tick_params(axis="y", length=0)
    tidy(axes, grid="x")
    return figure


def draw_reliability(bins: Sequence[ReliabilityBin]) -> Figure:
    """Draws accuracy against confidence, with Wilson's intervals, and the number of sequences in each bin."""
    figure = new_figure(WIDTH, 4.1)
    upper = figure.add_axes((0.18, 0.36, 0.78, 0.61))
    lower = figure.add_axes((0.18, 0.12, 0.78, 0.17), sharex=upper)
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as sure as right")
    _error_bars(upper, [b.confidence for b in bins], [b.accuracy for b in bins])
    upper.set(ylabel="share that is right", ylim=(-0.03, 1.03), xlim=(-0.03, 1.03))
    in_percent(upper.yaxis)
    upper.tick_params(labelbottom=False)
    upper.legend(frameon=False, loc="lower right")
    width = bins[0].high - bins[0].low
    lower.bar([b.low for b in bins], [b.accuracy.cases for b in bins], width * 0.9, align="edge", color=BLUE)
    lower.set(xlabel="largest probability (confidence)", ylabel="sequences", yscale="log")
    lower.set_ylim(bottom=0.7)
    in_plain_powers(lower.yaxis, at=(1,), most=4)
    in_percent(lower.xaxis)
    for axes in (upper, lower):
        tidy(axes)
    return figure


def draw_by_share(found: Sequence[ShareSeen]) -> Figure:
    """Draws accuracy against the share of the steps that were read."""
    figure, axes = sheet(2.9)
    shares = [seen.share for seen in found]
    axes.fill_between(
        shares, [s.accuracy.low for s in found], [s.accuracy.high for s in found], color=BLUE, alpha=0.2, linewidth=0
    )
    axes.plot(shares, [s.accuracy.value for s in found], color=BLUE, marker="o")
    axes.set(xlabel="share of the sequence read", ylabel="accuracy", ylim=(-0.03, 1.03), xlim=(0.05, 1.03))
    in_percent(axes.xaxis)
    in_percent(axes.yaxis)
    tidy(axes)
    return figure


def draw_by_length(groups: Sequence[LengthGroup]) -> Figure:
    """Draws accuracy by length."""
    figure, axes = sheet(2.9)
    places = list(range(len(groups)))
    _error_bars(axes, places, [group.accuracy for group in groups])
    names = [f"{g.shortest}" if g.shortest == g.longest else f"{g.shortest}–{g.longest}" for g in groups]
    long = _share_of_room(names) > 1
    names = [f"{g.longest}" for g in groups] if long else names
    axes.set_xticks(places, names, fontsize=10 / max(_share_of_room(names), 1))
    axes.set(
        xlabel="steps, up to" if long else "steps",
        ylabel="accuracy",
        ylim=(-0.03, 1.03),
        xlim=(-0.5, len(groups) - 0.5),
    )
    in_percent(axes.yaxis)
    tidy(axes)
    return figure


def _share_of_room(names: Sequence[str]) -> float:
    """The share of the room below the axes that these labels need, with a blank between them."""
    return len(names) * (max(map(len, names)) + 1) / 40


def _error_bars(axes: Axes, places: Sequence[float], shares: Sequence[Proportion]) -> None:
    values = np.array([share.value for share in shares])
    ends = np.array([[share.value - share.low, share.high - share.value] for share in shares]).T
    axes.errorbar(places, values, np.maximum(ends, 0), fmt="o", color=BLUE, capsize=2, linewidth=1.2, markersize=4)
