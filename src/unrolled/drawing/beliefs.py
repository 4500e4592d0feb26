"""What the network says after each step of a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences
from unrolled.drawing.sequences import ShownSequence, beside, shown_sequence
from unrolled.drawing.style import BLUE, COLOURS, GREY, ORANGE, WIDE, WIDTH, in_percent, plain
from unrolled.errors import shortened
from unrolled.model import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LETTERS = 12
"""Of a class's name in the legend."""


def draw_prediction(model: Model, sequence: Sequences, title: str = "") -> Figure:
    """One sequence, and the probability of each class after each of its steps, as a picture of its own.

    A picture is drawn as a picture and its rows share their height with the steps; a text stands below its
    steps; anything else is a line for each channel.
    """
    belief = model.predict_steps(sequence)[0]  # [T, C]
    said = model.classes[int(belief[-1].argmax())]
    true = None if sequence.labels is None else sequence.classes[int(sequence.targets[0])]
    return draw_belief(
        shown_sequence(model, sequence),
        np.arange(1, len(belief) + 1),
        belief,
        model.classes,
        model.classes.index(true) if true in model.classes else None,
        width=WIDE,
        others=3,
        believed=0.0,
        title=title or f"The network says {said!r}" + ("" if true is None else f", the label {true!r}"),
    )


def draw_belief(
    sequence: ShownSequence,
    steps: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
    true: int | None,
    *,
    width: float = WIDTH,
    others: int = 1,
    believed: float = 0.2,
    title: str = "",
) -> Figure:
    """One sequence, and the probabilities of its classes after its steps.

    Args:
        sequence: the sequence.
        steps: after which the probabilities are, [K].
        probabilities: [K, C].
        classes: names, [C].
        true: index of the true class; None where it is not known.
        width: of the figure, in inches.
        others: at most so many classes are named that are neither said nor true, the most believed ones.
        believed: the least probability that such a class had after one of the steps.
        title: of the figure.
    """
    figure, axes = beside(sequence, 0.42, width, title)
    named = list(_named(probabilities, classes, true, others, believed))
    for index in sorted(set(range(len(classes))) - {index for index, *_ in named}):
        _plot(axes, sequence, steps, probabilities[:, index], color=GREY, linewidth=0.8)
    for index, label, colour, style in reversed(named):  # what was said lies on top
        _plot(axes, sequence, steps, probabilities[:, index], color=colour, linestyle=style, linewidth=2.0, label=label)
    if sequence.picture:
        axes.set(xlabel="probability", xlim=(-0.03, 1.03), xticks=np.linspace(0, 1, 3 if width == WIDTH else 6))
        in_percent(axes.xaxis)
    else:
        axes.set(ylabel="probability", ylim=(-0.03, 1.03))
        in_percent(axes.yaxis)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1],
        labels[::-1],
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(named),
        borderaxespad=0.1,
        handlelength=2.4,
        columnspacing=1.2,
    )
    return figure


def _plot(
    axes: Axes, sequence: ShownSequence, steps: npt.NDArray[np.int64], values: npt.NDArray[np.float32], **style: Any
) -> None:
    """A line over the steps, which run downwards beside a picture."""
    places = (values, steps) if sequence.picture else (steps, values)
    axes.plot(*places, marker="o" if len(steps) == 1 else None, **style)


def _named(
    probabilities: npt.NDArray[np.float32], classes: Sequence[str], true: int | None, others: int, believed: float
) -> Iterator[tuple[int, str, str, str]]:
    """Index, label, colour and line style of the classes that are named, the one that was said first."""
    names = [plain(shortened(name, MOST_LETTERS)) for name in classes]
    said = int(probabilities[-1].argmax())
    yield said, f"said: {names[said]}", BLUE, "-"
    if true is not None and true != said:
        yield true, f"true: {names[true]}", ORANGE, "--"
    most = probabilities.max(0)
    rest = [int(index) for index in np.argsort(-most) if index not in (said, true) and most[index] > believed]
    for index, colour in zip(rest[:others], COLOURS[2:], strict=False):
        yield index, names[index], colour, "-."
