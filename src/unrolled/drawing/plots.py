"""Pictures: training curves, the belief over a sequence's steps, the confusion matrix.

Figures are made without pyplot, so that nothing global is touched and no window is looked for.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter

from unrolled.data import Sequences
from unrolled.model import Model
from unrolled.training import EpochLog

INK, GREY = "#222222", "#9a9a9a"
BLUE, ORANGE = "#0072b2", "#d55e00"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5195", "#6b6b6b")
"""Okabe and Ito's palette, which the colour-blind can tell apart."""

DrawStyle = Literal["default", "steps-mid"]

MOST_STEPS_NAMED = 60
"""Characters or words of a text that are written below a plot."""

MAX_NAMED = 5
"""Classes that a plot names; the rest are grey."""


def to_png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as a PNG file's content."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def to_pixels(figure: Figure, dpi: int = 100) -> npt.NDArray[np.uint8]:
    """The figure as pixels, [rows, columns, 3]."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def draw_curves(history: Sequence[EpochLog], title: str = "") -> Figure:
    """Loss and share of wrong answers by epoch, on training and on validation data, on logarithmic axes.

    The training figures are those of learning itself: with dropout, random changes and smoothed targets, and
    before each update. They may well be worse than those on validation data.
    """
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    loss, wrong = figure.subplots(1, 2)
    draw_loss(loss, history)
    draw_wrong(wrong, history)
    if title:
        figure.suptitle(plain(title), color=INK)
    return figure


def draw_loss(axes: Axes, history: Sequence[EpochLog]) -> None:
    """The loss by epoch."""
    for log_of, colour, label in _KINDS:
        epochs, values = _course(history, f"{log_of}_loss")
        axes.plot(epochs, values, color=colour, label=label, marker="o" if len(epochs) < 4 else None)
    _as_course(axes, "loss")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)


def draw_wrong(axes: Axes, history: Sequence[EpochLog]) -> None:
    """The share of wrong answers by epoch."""
    for log_of, colour, _ in _KINDS:
        epochs, values = _course(history, f"{log_of}_accuracy")
        axes.plot(epochs, 1 - values, color=colour, marker="o" if len(epochs) < 4 else None)
    _as_course(axes, "share of wrong answers")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))


_KINDS = (("train", BLUE, "training, while learning"), ("validation", ORANGE, "validation"))


def _course(history: Sequence[EpochLog], name: str) -> tuple[list[int], npt.NDArray[np.float64]]:
    """The epochs that have a figure, and the figure."""
    logs = [log for log in history if getattr(log, name) is not None]
    return [log.epoch for log in logs], np.array([getattr(log, name) for log in logs], float)


def _as_course(axes: Axes, name: str) -> None:
    for line in axes.lines:
        if not len(line.get_xdata()):  # type: ignore[arg-type]
            line.remove()
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(axes)
    _scale_by_logarithm(axes)


def _scale_by_logarithm(axes: Axes) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5, unless a value is 0 and has no logarithm."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    if values.min() <= 0:
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def draw_belief(model: Model, sequence: Sequences, title: str = "") -> Figure:
    """One sequence, and the probability of each class after each of its steps.

    A picture is drawn as a picture and its rows share their height with the steps; a text stands below its
    steps; anything else is a line for each channel.
    """
    belief = model.predict_steps(sequence)[0]  # [T, C]
    values = sequence.scaled(0)
    figure = Figure(figsize=(8, 4.2 if sequence.pictures else 4.8), layout="constrained")
    if sequence.pictures:
        shown, curve = figure.subplots(1, 2, width_ratios=(1, 1.25))
        draw_picture(shown, values)
        _draw_belief_down(curve, belief, model.classes)
    elif sequence.symbols is not None:
        curve = figure.subplots()
        _draw_belief_across(curve, belief, model.classes)
        _name_steps(curve, [sequence.symbols[code] for code in sequence[0][:, 0].tolist()])
    else:
        shown, curve = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.4))
        draw_series(shown, values, model.channels)
        _draw_belief_across(curve, belief, model.classes)
    said = model.classes[int(belief[-1].argmax())]
    true = "" if sequence.labels is None else f", the label {sequence.classes[int(sequence.targets[0])]!r}"
    figure.suptitle(plain(title or f"The network says {said!r}{true}"), color=INK)
    return figure


def draw_confusion(matrix: npt.NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """Cases by true class (rows) and predicted class (columns), shaded by the row's share."""
    size = max(3.5, min(12.0, 1.6 + 0.42 * len(classes)))
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(classes))
    names = [plain(name) for name in classes]
    axes.set_xticks(ticks, names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(ticks, names)
    axes.set(xlabel="predicted", ylabel="true")
    if len(classes) <= 25:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.5 else INK
                axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=8)
    return figure


def draw_picture(axes: Axes, values: npt.NDArray[np.float32]) -> None:
    rows, columns = values.shape
    axes.imshow(values, cmap="gray_r", aspect="auto", extent=(0, columns, rows + 0.5, 0.5))
    axes.set(xlabel="a step's values", ylabel="step (row of the picture)")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def draw_series(axes: Axes, values: npt.NDArray[np.float32], channels: Sequence[str]) -> None:
    steps = np.arange(1, len(values) + 1)
    style: DrawStyle = "steps-mid" if set(np.unique(values)) <= {0.0, 1.0} else "default"
    for index, name in enumerate(channels):
        axes.plot(
            steps,
            values[:, index],
            color=COLOURS[index % len(COLOURS)],
            linewidth=1.2,
            label=plain(name),
            drawstyle=style,
        )
    if 1 < len(channels) <= MAX_NAMED:
        axes.legend(frameon=False, ncols=len(channels), fontsize=8)
    axes.set(ylabel="values")
    tidy(axes)


def _name_steps(axes: Axes, tokens: Sequence[str]) -> None:
    """A text's characters or words at the steps where they are read, as far as they can be told apart."""
    if len(tokens) > MOST_STEPS_NAMED:
        return
    axes.set_xticks(range(1, len(tokens) + 1), [plain(token) for token in tokens])
    if max(map(len, tokens)) > 1:
        axes.tick_params("x", rotation=60)
    axes.set(xlabel="what has been read")


def _draw_belief_down(axes: Axes, belief: npt.NDArray[np.float32], classes: Sequence[str]) -> None:
    """Probabilities to the right, steps downwards beside the rows of a picture."""
    steps = np.arange(1, len(belief) + 1)
    for index, colour, label in _named(belief, classes):
        axes.plot(
            belief[:, index], steps, color=colour, label=label, linewidth=2 if label else 1, zorder=3 if label else 2
        )
    axes.set(xlabel="probability", xlim=(-0.02, 1.02), ylim=(len(belief) + 0.5, 0.5))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, title="class", loc="upper right")
    tidy(axes)


def _draw_belief_across(axes: Axes, belief: npt.NDArray[np.float32], classes: Sequence[str]) -> None:
    """Probabilities upwards, steps to the right below the sequence."""
    steps = np.arange(1, len(belief) + 1)
    for index, colour, label in _named(belief, classes):
        axes.plot(
            steps, belief[:, index], color=colour, label=label, linewidth=2 if label else 1, zorder=3 if label else 2
        )
    axes.set(xlabel="step", ylabel="probability", ylim=(-0.02, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.legend(frameon=False, title="class", loc="center left", bbox_to_anchor=(1.0, 0.5))
    tidy(axes)


def _named(belief: npt.NDArray[np.float32], classes: Sequence[str]) -> list[tuple[int, str, str | None]]:
    """Each class with its colour and, for the ones that were ever most believed, its name."""
    weight = belief.mean(0) + belief[-1]
    named = list(np.argsort(-weight)[:MAX_NAMED])
    found = []
    for index, name in enumerate(classes):
        place = named.index(index) if index in named else None
        found.append((index, GREY, None) if place is None else (index, COLOURS[place], plain(name)))
    return sorted(found, key=lambda item: item[2] is None or named.index(item[0]))


def plain(name: str) -> str:
    """A name from the data as plain text: a dollar sign begins no formula."""
    return name.replace("$", r"\$")


def tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
