"""A training: loss and share of wrong answers by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unrolled.drawing.style import (
    BLUE,
    INK,
    ORANGE,
    WIDE,
    in_percent,
    in_plain_powers,
    new_figure,
    plain,
    sheet,
    tidy,
    with_ticks,
)
from unrolled.training import EpochLog

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = (("train", BLUE, "training, while learning"), ("validation", ORANGE, "validation"))


def draw_curves(history: Sequence[EpochLog], title: str = "") -> Figure:
    """Loss and share of wrong answers by epoch, on training and on validation data, on logarithmic axes.

    The training figures are those of learning itself: with dropout, random changes and smoothed targets, and
    before each update. They may well be worse than those on validation data.
    """
    figure = new_figure(WIDE, 3.2, layout="constrained")
    loss, wrong = figure.subplots(1, 2)
    _loss(loss, history)
    _wrong(wrong, history)
    if title:
        figure.suptitle(plain(title), color=INK)
    return figure


def draw_loss(history: Sequence[EpochLog]) -> Figure:
    """The loss by epoch, for the report."""
    figure, axes = sheet(2.9, above=0.1)  # where the legend stands
    _loss(axes, history)
    return figure


def draw_wrong(history: Sequence[EpochLog]) -> Figure:
    """The share of wrong answers by epoch, for the report."""
    figure, axes = sheet(2.9, above=0.1)
    _wrong(axes, history)
    return figure


def _loss(axes: Axes, history: Sequence[EpochLog]) -> None:
    for kind, colour, label in _KINDS:
        epochs, values = _by_epoch(history, f"{kind}_loss")
        axes.plot(epochs, values, color=colour, label=label, marker="o" if len(epochs) < 4 else None)
    _finish(axes, "loss")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)


def _wrong(axes: Axes, history: Sequence[EpochLog]) -> None:
    for kind, colour, _ in _KINDS:
        epochs, values = _by_epoch(history, f"{kind}_accuracy")
        axes.plot(epochs, 1 - values, color=colour, marker="o" if len(epochs) < 4 else None)
    _finish(axes, "share of wrong answers")
    in_percent(axes.yaxis)


def _by_epoch(history: Sequence[EpochLog], name: str) -> tuple[list[int], npt.NDArray[np.float64]]:
    """The epochs that have a figure, and the figure."""
    logs = [log for log in history if getattr(log, name) is not None]
    return [log.epoch for log in logs], np.array([getattr(log, name) for log in logs], float)


def _finish(axes: Axes, name: str) -> None:
    for line in axes.lines:
        if not len(line.get_xdata()):  # type: ignore[arg-type]
            line.remove()
    axes.set(xlabel="epoch", ylabel=name)
    with_ticks(axes.xaxis, whole=True)
    tidy(axes)
    if min(np.min(line.get_ydata()) for line in axes.lines) > 0:  # 0 has no logarithm
        axes.set_yscale("log")
        in_plain_powers(axes.yaxis)
