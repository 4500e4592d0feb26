"""Training curves: loss and share of wrong answers by epoch, or by update where there are few epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

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
from unrolled.training import EpochLog, StepLog

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = (("train", BLUE, "training, while learning"), ("validation", ORANGE, "validation"))

CurveName = Literal["loss", "wrong"]

FEW_EPOCHS = 5
"""With fewer epochs, and more lines of figures than epochs, the curve of the training is drawn by update."""


def draw_curves(history: Sequence[EpochLog], title: str = "", steps: Sequence[StepLog] = ()) -> Figure:
    """Draws loss and share of wrong answers by epoch, on training and on validation data, on logarithmic axes.

    Where there are few epochs, the training figures are those of ``steps``, by update.

    The training figures were measured while the network learned: with dropout, augmentation and label smoothing, and
    before each update. They may be worse than those on validation data.
    """
    figure = new_figure(WIDE, 3.2, layout="constrained")
    loss, wrong = figure.subplots(1, 2)
    _draw(loss, history, "loss", steps)
    _draw(wrong, history, "wrong", steps)
    if title:
        figure.suptitle(plain(title), color=INK)
    return figure


def draw_curve(history: Sequence[EpochLog], name: CurveName, steps: Sequence[StepLog] = ()) -> Figure:
    """Draws one of the two curves, for the report."""
    figure, axes = sheet(2.9, above=0.1)  # room for the legend
    _draw(axes, history, name, steps)
    return figure


def _draw(axes: Axes, history: Sequence[EpochLog], name: CurveName, steps: Sequence[StepLog]) -> None:
    figure = "loss" if name == "loss" else "accuracy"
    by_update = len(history) < FEW_EPOCHS and len(steps) > len(history)
    for kind, colour, label in _KINDS:
        logs: Sequence[StepLog | EpochLog] = [log for log in history if getattr(log, f"{kind}_{figure}") is not None]
        values = np.array([getattr(log, f"{kind}_{figure}") for log in logs], float)
        if by_update and kind == "train":
            logs, values = steps, np.array([getattr(log, figure) for log in steps], float)
        if len(logs):
            places = [log.step if by_update else log.epoch for log in logs]
            values = values if name == "loss" else 1 - values
            axes.plot(places, values, color=colour, label=label, marker="o" if len(logs) < FEW_EPOCHS else None)
    axes.set(xlabel="update" if by_update else "epoch", ylabel="loss" if name == "loss" else "share of wrong answers")
    with_ticks(axes.xaxis, whole=True)
    tidy(axes)
    if min(np.min(line.get_ydata()) for line in axes.lines) > 0:  # 0 has no logarithm
        axes.set_yscale("log")
        in_plain_powers(axes.yaxis)
    if name == "loss":
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    else:
        in_percent(axes.yaxis)
