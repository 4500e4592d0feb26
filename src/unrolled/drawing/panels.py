"""The report's pictures, each small enough to be read on a phone.

Everything is drawn in the few colours that `pictures` turns into the page's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter
from torch import Tensor

from unrolled.drawing.plots import (
    BLUE,
    COLOURS,
    GREY,
    INK,
    MAX_NAMED,
    draw_loss,
    draw_picture,
    draw_series,
    draw_wrong,
    plain,
    tidy,
)
from unrolled.evaluation import LengthGroup, ShareSeen
from unrolled.statistics import Doubles, Proportion, ReliabilityBin
from unrolled.training import EpochLog

WIDTH = 4.5
"""Inches, of every picture: 432 pixels where there is room."""

COUNTS_AND_SHARES = 12
"""Classes up to which a cell of the confusion matrix holds both its count and its share."""

MOST_CELLS = 50
"""Classes up to which the cells hold numbers at all."""

MOST_LETTERS = 44
"""Of a text whose steps are named below a picture, blanks between them included."""

Role = Literal["said", "true", "other"]

_STYLES: dict[Role, tuple[str, str]] = {"said": (BLUE, "-"), "true": (COLOURS[1], "--"), "other": (COLOURS[2], "-.")}


@dataclass(frozen=True)
class Line:
    """A class whose probability is drawn by name.

    Attributes:
        index: of the class.
        name: of it, short.
        role: whether it was said in the end, is true, or was only believed on the way.
    """

    index: int
    name: str
    role: Role


@dataclass(frozen=True)
class Shape:
    """One sequence, as it is drawn.

    Attributes:
        steps: how many it has.
        values: [T, F]; None where it is not drawn (text).
        channels: names, [F].
        picture: whether it is one.
        tokens: of a text, what is read at each step; None of anything else.
    """

    steps: int
    values: npt.NDArray[np.float32] | None
    channels: Sequence[str]
    picture: bool
    tokens: Sequence[str] | None = None


def learning_curves(history: Sequence[EpochLog]) -> tuple[Figure, Figure]:
    """Loss and share of wrong answers, by epoch."""
    figures = []
    for draw in (draw_loss, draw_wrong):
        figure, axes = _sheet(2.9, above=0.1)  # where the legend stands
        draw(axes, history)
        figures.append(figure)
    return figures[0], figures[1]


def standing(accuracies: Mapping[str, Proportion]) -> Figure:
    """Accuracies with their intervals, a bar each; the first one's is coloured.

    Args:
        accuracies: by what they are of, the one that counts first.
    """
    figure = Figure(figsize=(WIDTH, 0.55 + 0.42 * len(accuracies)))
    height = figure.get_figheight()
    axes = figure.add_axes((0.33, 0.47 / height, 0.62, (height - 0.55) / height))
    places = np.arange(len(accuracies))
    values = [share.value for share in accuracies.values()]
    axes.barh(places, values, height=0.55, color=[BLUE, *[GREY] * (len(values) - 1)], alpha=0.75)
    for place, share in zip(places, accuracies.values(), strict=True):
        axes.plot([share.low, share.high], [place, place], color=INK, linewidth=1.5, marker="|", markersize=7)
    axes.set_yticks(places, [plain(name) for name in accuracies])
    axes.set(xlabel="accuracy, with its 95 % interval", xlim=(0, 1.02), ylim=(len(values) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.tick_params(axis="y", length=0)
    tidy(axes)
    axes.grid(visible=False, axis="y")
    return figure


def confusion(
    matrix: npt.NDArray[np.int64], classes: Sequence[str], shown: Sequence[str] = ("counts", "shares")
) -> Figure:
    """Cases by true class (rows) and predicted class (columns), shaded by the row's share.

    Args:
        matrix: [C, C].
        classes: names, [C].
        shown: what the cells hold.
    """
    count = len(classes)
    cell = 0.4 if count <= COUNTS_AND_SHARES else 0.3
    names = [plain(name if len(name) <= 16 else name[:15] + "…") for name in classes]
    longest = max(map(len, names))
    margin = 0.55 + 0.075 * longest
    size = max(WIDTH, margin + 0.15 + cell * count)
    figure = Figure(figsize=(size, size))
    side = (size - margin - 0.1) / size
    axes = figure.add_axes((margin / size, margin / size, side, side))
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    right = np.eye(count, dtype=bool)
    axes.imshow(np.where(right & (matrix > 0), shares, np.nan), cmap="Blues", vmin=0, vmax=1.8)
    axes.imshow(np.where(right | (matrix == 0), np.nan, np.sqrt(shares)), cmap="Oranges", vmin=0, vmax=1.8)
    axes.set_xticks(range(count), names, rotation=90 if longest > 2 else 0)
    axes.set_yticks(range(count), names)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_color(GREY)
    size_of_text = 8 if count <= COUNTS_AND_SHARES else 6
    for (row, column), cases in np.ndenumerate(matrix):
        if cases:
            texts = {"counts": f"{cases}", "shares": _rounded(shares[row, column])}
            text = "\n".join(texts[name] for name in shown)
            axes.text(
                column, row, text, ha="center", va="center", color="#111111", fontsize=size_of_text, linespacing=1.1
            )
    return figure


def reliability(bins: Sequence[ReliabilityBin]) -> Figure:
    """Accuracy beside confidence, with Wilson's intervals, and how many cases each bin has."""
    figure = Figure(figsize=(WIDTH, 4.1))
    upper = figure.add_axes((0.18, 0.36, 0.78, 0.61))
    lower = figure.add_axes((0.18, 0.12, 0.78, 0.17), sharex=upper)
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as sure as right")
    _error_bars(upper, [b.confidence for b in bins], [b.accuracy for b in bins], "o")
    upper.set(ylabel="share that is right", ylim=(-0.03, 1.03), xlim=(-0.03, 1.03))
    upper.yaxis.set_major_formatter(PercentFormatter(1.0))
    upper.tick_params(labelbottom=False)
    upper.legend(frameon=False, loc="lower right")
    width = bins[0].high - bins[0].low
    lower.bar([b.low for b in bins], [b.accuracy.cases for b in bins], width * 0.9, align="edge", color=BLUE)
    lower.set(xlabel="largest probability (confidence)", ylabel="cases", yscale="log")
    lower.set_ylim(bottom=0.7)
    lower.yaxis.set_major_locator(LogLocator(numticks=4))
    lower.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    lower.yaxis.set_minor_formatter(NullFormatter())
    lower.xaxis.set_major_formatter(PercentFormatter(1.0))
    for axes in (upper, lower):
        tidy(axes)
    return figure


def by_share(found: Sequence[ShareSeen]) -> Figure:
    """Accuracy against the share of the steps seen."""
    figure, axes = _sheet(2.9)
    shares = [seen.share for seen in found]
    axes.fill_between(
        shares, [s.accuracy.low for s in found], [s.accuracy.high for s in found], color=BLUE, alpha=0.2, linewidth=0
    )
    axes.plot(shares, [s.accuracy.value for s in found], color=BLUE, marker="o")
    axes.set(xlabel="share of the sequence seen", ylabel="accuracy", ylim=(-0.03, 1.03), xlim=(0.05, 1.03))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    tidy(axes)
    return figure


def by_length(groups: Sequence[LengthGroup]) -> Figure:
    """Accuracy by length."""
    figure, axes = _sheet(2.9)
    places = range(len(groups))
    _error_bars(axes, list(places), [group.accuracy for group in groups], "o")
    names = [f"{g.shortest}" if g.shortest == g.longest else f"{g.shortest}–{g.longest}" for g in groups]
    axes.set_xticks(list(places), names)
    axes.set(xlabel="steps", ylabel="accuracy", ylim=(-0.03, 1.03), xlim=(-0.5, len(groups) - 0.5))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    tidy(axes)
    return figure


def belief(
    steps: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    lines: Sequence[Line],
    shown: Shape,
) -> Figure:
    """One sequence, and the probabilities of its classes after its steps.

    Args:
        steps: after which the probabilities are, [K].
        probabilities: [K, C].
        lines: the classes to be named; the first is drawn over the others.
        shown: the sequence.
    """
    figure, curve = _beside(shown, shown.picture, top=0.15)
    marker = "o" if len(steps) == 1 else None
    for index, style, label in _styled(lines, probabilities.shape[1]):
        places, values = (probabilities[:, index], steps) if shown.picture else (steps, probabilities[:, index])
        curve.plot(places, values, label=label, marker=marker, **style)
    if shown.picture:
        curve.set(xlabel="probability", xlim=(-0.03, 1.03))
        curve.set_xticks([0, 0.5, 1])
        curve.xaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        curve.set(ylabel="probability", ylim=(-0.03, 1.03))
        curve.yaxis.set_major_formatter(PercentFormatter(1.0))
    handles, labels = curve.get_legend_handles_labels()
    curve.legend(
        handles[::-1],  # the first line was drawn last
        labels[::-1],
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(lines),
        borderaxespad=0.1,
        handlelength=2.4,
        columnspacing=1.2,
    )
    return figure


def _beside(shown: Shape, across: bool, top: float) -> tuple[Figure, Axes]:
    """The sequence, and axes over the same steps: to its right for a picture, below it for anything else.

    Args:
        shown: the sequence.
        across: whether the axes stand to the right and their steps run downwards.
        top: share of the height that is left free above the axes.
    """
    values, last = shown.values, shown.steps + 0.5
    if across and values is not None:
        figure = Figure(figsize=(WIDTH, 2.3 + 1.3 * top))
        first = figure.add_axes((0.13, 0.17, 0.34, 0.80 - top))
        draw_picture(first, values)
        first.set(xlabel="column", ylabel="row, step")
        axes = figure.add_axes((0.56, 0.17, 0.41, 0.80 - top))
        for one in (first, axes):
            one.set_ylim(last, 0.5)
            one.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    else:
        figure = Figure(figsize=(WIDTH, 2.1 if values is None else 3.4))
        if values is None:
            axes = figure.add_axes((0.17, 0.22, 0.80, 0.73 - top))
        else:
            axes = figure.add_axes((0.17, 0.13, 0.80, 0.41 - top / 2))
            first = figure.add_axes((0.17, 0.61, 0.80, 0.37), sharex=axes)
            draw_series(first, values, shown.channels)
            first.tick_params(labelbottom=False)
            if len(shown.channels) > MAX_NAMED:
                first.set(ylabel=f"{len(shown.channels)} channels")
        axes.set_xlim(0.5, last)
        _name_the_steps(axes, shown.tokens)
    tidy(axes)
    return figure, axes


def _name_the_steps(axes: Axes, tokens: Sequence[str] | None) -> None:
    """Steps by number, or those of a short text by what is read there."""
    if tokens is None or sum(map(len, tokens)) + len(tokens) > MOST_LETTERS:
        axes.set(xlabel="step")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    else:
        axes.set(xlabel="what is read")
        axes.set_xticks(range(1, len(tokens) + 1), [plain(token) for token in tokens])


def heat_maps(
    values: Mapping[str, Tensor],
    outputs: Tensor,
    names: Mapping[str, str],
    height: float,
    frame: int = 1,
    switches: str = "",
) -> Figure:
    """Gates or states of every unit over the steps.

    Args:
        values: by the gate's or state's letter, [T, H].
        outputs: h, [T, H]: the units are ordered by when theirs is strongest.
        names: what each gate and state is called.
        height: of the figure, in inches; `maps_height` says what the maps need.
        frame: steps of the sequence that are one here.
        switches: letters of gates between 0 and 1.
    """
    maps = {name: value.numpy() for name, value in values.items()}
    order = np.lexsort((np.arange(outputs.shape[1]), outputs.abs().numpy().argmax(0)))
    each = (height - 0.5) / len(maps)
    figure = Figure(figsize=(WIDTH, height))
    for row, (name, value) in enumerate(maps.items()):
        bottom, tall = (0.45 + each * (len(maps) - 1 - row)) / height, (each - 0.27) / height
        axes = figure.add_axes((0.10, bottom, 0.76, tall))
        gate = name in switches
        bound = 1.0 if gate or name != "c" else max(float(np.quantile(np.abs(value), 0.99)), 1e-6)
        low = 0.0 if gate else -bound
        image = axes.imshow(
            value[:, order].T,
            cmap="viridis" if gate else "RdBu_r",
            vmin=low,
            vmax=bound,
            aspect="auto",
            interpolation="none",
            extent=(0.5, len(value) * frame + 0.5, len(order), 0),
        )
        axes.set_title(names.get(name, name), fontsize=9, loc="left", pad=3)
        axes.set_yticks([])
        axes.set_ylabel(f"{len(order)} units", fontsize=8)
        axes.tick_params(labelbottom=row == len(maps) - 1, labelsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        bar = figure.add_axes((0.88, bottom, 0.02, tall))
        beyond = "both" if name == "c" else "neither"
        figure.colorbar(image, cax=bar, ticks=[low, bound], format="%.2g", extend=beyond).ax.tick_params(
            labelsize=8, length=2
        )
    axes.set_xlabel("step")
    return figure


def maps_height(count: int) -> float:
    """Inches that so many heat maps need."""
    return 0.5 + 0.98 * count


def attribution(steps: Doubles, shown: Shape) -> Figure:
    """What each step adds to the score, beside the sequence.

    Args:
        steps: what it is, [T].
        shown: the sequence.
    """
    figure, bars = _beside(shown, shown.picture, top=0.02)
    places = np.arange(1, len(steps) + 1)
    colours = [BLUE if value >= 0 else COLOURS[1] for value in steps]
    if shown.picture:
        bars.barh(places, steps, color=colours)
        bars.set(xlabel="adds to the score")
        bars.axvline(0, color=INK, linewidth=0.8)
        bars.xaxis.set_major_locator(MaxNLocator(4))
    else:
        bars.bar(places, steps, width=1.0 if len(steps) > 60 else 0.8, color=colours)
        bars.set(ylabel="adds to the score")
        bars.axhline(0, color=INK, linewidth=0.8)
    return figure


def _sheet(height: float, above: float = 0.05) -> tuple[Figure, Axes]:
    """A figure with one axes that leaves room for its labels, and a share of the height above it."""
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.add_axes((0.19, 0.17, 0.77, 0.83 - above))


def _error_bars(axes: Axes, places: Sequence[float], shares: Sequence[Proportion], marker: str) -> None:
    values = np.array([share.value for share in shares])
    ends = np.array([[share.value - share.low, share.high - share.value] for share in shares]).T
    axes.errorbar(places, values, np.maximum(ends, 0), fmt=marker, color=BLUE, capsize=2, linewidth=1.2, markersize=4)


def _styled(lines: Sequence[Line], classes: int) -> list[tuple[int, dict[str, Any], str | None]]:
    """Every class with its line's style; the named ones last, so that they lie on top."""
    named = {line.index for line in lines}
    found: list[tuple[int, dict[str, Any], str | None]] = [
        (index, {"color": GREY, "linewidth": 0.8}, None) for index in range(classes) if index not in named
    ]
    for line in reversed(lines):
        colour, style = _STYLES[line.role]
        label = plain(f"{line.role}: {line.name}" if line.role != "other" else line.name)
        found.append((line.index, {"color": colour, "linestyle": style, "linewidth": 2.0}, label))
    return found


def _rounded(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.01 else f"{100 * share:.1f}%"
