"""The probability of each class after each step of a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences
from unrolled.drawing.sequences import ShownSequence, beside, shown_sequence
from unrolled.drawing.style import BLUE, COLOURS, GREY, ORANGE, WIDE, WIDTH, both_ends, in_percent, plain
from unrolled.model import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LETTERS = 12
"""Letters of a class's name in the legend, at most."""

_LETTERS_AN_INCH, _LETTERS_OF_A_LINE = 11.2, 5
"""Letters that fit into an inch of the legend, and those in whose place one of its lines stands."""


def draw_prediction(model: Model, sequence: Sequences, title: str = "") -> Figure:
    """Draws one sequence and the probability of each class after each of its steps, for a file of its own.

    A picture is drawn as a picture, its rows level with the steps; a text is written below the steps; any other
    sequence has a line for each channel.
    """
    probabilities = model.predict_steps(sequence)[0]  # [T, C]
    predicted = model.classes[int(probabilities[-1].argmax())]
    true = None if sequence.labels is None else sequence.classes[int(sequence.targets[0])]
    return draw_probabilities(
        shown_sequence(model, sequence),
        np.arange(1, len(probabilities) + 1),
        probabilities,
        model.classes,
        model.classes.index(true) if true in model.classes else None,
        width=WIDE,
        others=3,
        least=0.0,
        title=title or f"The network says {predicted!r}" + ("" if true is None else f", the label {true!r}"),
    )


def draw_probabilities(
    sequence: ShownSequence,
    steps: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
    true: int | None,
    *,
    width: float = WIDTH,
    others: int = 1,
    least: float = 0.2,
    title: str = "",
) -> Figure:
    """Draws one sequence and the running probabilities of the classes.

    Args:
        sequence: the sequence.
        steps: the steps after which the probabilities were computed, [K].
        probabilities: [K, C].
        classes: names, [C].
        true: index of the true class; None if it is not known.
        width: width of the figure, in inches.
        others: how many classes besides the predicted and the true one are named at most, the most probable ones.
        least: the probability that such a class must have exceeded after one of the steps.
        title: title of the figure.
    """
    figure, axes = beside(sequence, 0.42, width, title)
    named = list(_named(probabilities, true, others, least))
    letters = _letters([(words, classes[index]) for index, words, *_ in named], width)
    for index in sorted(set(range(len(classes))) - {index for index, *_ in named}):
        _plot(axes, sequence, steps, probabilities[:, index], color=GREY, linewidth=0.8)
    for index, words, colour, style in reversed(named):  # the predicted class lies on top
        label = words + plain(both_ends(classes[index], letters))
        _plot(axes, sequence, steps, probabilities[:, index], color=colour, linestyle=style, linewidth=2.0, label=label)
    if sequence.picture:
        axes.set(xlabel="probability", xlim=(-0.03, 1.03), xticks=np.linspace(0, 1, 3 if width == WIDTH else 6))
        in_percent(axes.xaxis)
    else:
        axes.set(ylabel="probability", ylim=(-0.03, 1.03))
        in_percent(axes.yaxis)
    axes.legend(
        reverse=True,
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(named),
        borderaxespad=0.1,
        handlelength=2.4,
        columnspacing=1.2,
    )
    return figure


def _letters(labels: Sequence[tuple[str, str]], width: float) -> int:
    """The most letters of each name with which a legend of words and names fits into a width in inches."""

    def needed(letters: int) -> int:
        return sum(len(words) + min(len(name), letters) + _LETTERS_OF_A_LINE for words, name in labels)

    return next((n for n in range(MOST_LETTERS, 1, -1) if needed(n) <= _LETTERS_AN_INCH * width), 1)


def _plot(
    axes: Axes, sequence: ShownSequence, steps: npt.NDArray[np.int64], values: npt.NDArray[np.float32], **style: Any
) -> None:
    """Draws a line over the steps, which run downwards beside a picture."""
    places = (values, steps) if sequence.picture else (steps, values)
    axes.plot(*places, marker="o" if len(steps) == 1 else None, **style)


def _named(
    probabilities: npt.NDArray[np.float32], true: int | None, others: int, least: float
) -> Iterator[tuple[int, str, str, str]]:
    """Index, words before the name, colour and line style of the classes in the legend, the predicted one first."""
    predicted = int(probabilities[-1].argmax())
    yield predicted, "predicted: ", BLUE, "-"
    if true is not None and true != predicted:
        yield true, "true: ", ORANGE, "--"
    most = probabilities.max(0)
    rest = [int(index) for index in np.argsort(-most) if index not in (predicted, true) and most[index] > least]
    for index, colour in zip(rest[:others], COLOURS[2:], strict=False):
        yield index, "", colour, "-."
