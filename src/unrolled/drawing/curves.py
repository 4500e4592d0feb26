"""Training curves: loss and share of wrong answers by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

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

CurveName = Literal["loss", "wrong"]


def draw_curves(history: Sequence[EpochLog], title: str = "") -> Figure:
    """Draws loss and share of wrong answers by epoch, on training and on validation data, on logarithmic axes.

    The training figures were measured while the network learned: with dropout, augmentation and label smoothing, and
    before each update. They may be worse than those on validation data.
    """
    figure = new_figure(WIDE, 3.2, layout="constrained")
    loss, wrong = figure.subplots(1, 2)
    _draw(loss, history, "loss")
    _draw(wrong, history, "wrong")
    if title:
        figure.suptitle(plain(title), color=INK)
    return figure


def draw_curve(history: Sequence[EpochLog], name: CurveName) -> Figure:
    """Draws one of the two curves, for the report."""
    figure, axes = sheet(2.9, above=0.1)  # room for the legend
    _draw(axes, history, name)
    return figure


def _draw(axes: Axes, history: Sequence[EpochLog], name: CurveName) -> None:
    for kind, colour, label in _KINDS:
        epochs, values = _by_epoch(history, f"{kind}_loss" if name == "loss" else f"{kind}_accuracy")
        if epochs:
            values = values if name == "loss" else 1 - values
            axes.plot(epochs, values, color=colour, label=label, marker="o" if len(epochs) < 4 else None)
    axes.set(xlabel="epoch", ylabel="loss" if name == "loss" else "share of wrong answers")
    with_ticks(axes.xaxis, whole=True)
    tidy(axes)
    if min(np.min(line.get_ydata()) for line in axes.lines) > 0:  # 0 has no logarithm
        axes.set_yscale("log")
        in_plain_powers(axes.yaxis)
    if name == "loss":
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    else:
        in_percent(axes.yaxis)


def _by_epoch(history: Sequence[EpochLog], name: str) -> tuple[list[int], npt.NDArray[np.float64]]:
    """The epochs that have a figure, and the figure."""
    logs = [log for log in history if getattr(log, name) is not None]
    return [log.epoch for log in logs], np.array([getattr(log, name) for log in logs], float)
