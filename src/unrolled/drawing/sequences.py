"""A drawing of one sequence, with axes over the same steps: on its right for a picture, below it otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences
from unrolled.drawing.style import WIDTH, both_ends, colours, new_figure, plain, tidy, with_ticks
from unrolled.model import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DrawStyle = Literal["default", "steps-mid"]

MOST_LINES = 6
"""Most channels that are drawn as lines; more are the rows of a heat map."""

MOST_NAMES = 24
"""Most channels of a heat map that are named."""

MOST_LETTERS_OF_NAME = 11
"""Letters of a channel's name."""

MOST_LETTERS = 44
"""Most letters, with a blank between them, of a text that is written below axes of `WIDTH`."""

MOST_WORDS = 60
"""Most steps of a text that is written below wide axes, upright if it is too long."""


@dataclass(frozen=True)
class ShownSequence:
    """One sequence to draw.

    Attributes:
        steps: its length.
        values: [T, F]; None for a text.
        channels: names, [F].
        picture: whether the sequence is a picture.
        tokens: the token of each step of a text; None otherwise.
    """

    steps: int
    values: npt.NDArray[np.float32] | None
    channels: Sequence[str]
    picture: bool
    tokens: Sequence[str] | None = None


def shown_sequence(model: Model, sequence: Sequences) -> ShownSequence:
    """The sequence as the network reads it, ready to draw."""
    accepted = model.accept(sequence)  # accepting may cut it
    steps = int(accepted.lengths[0])
    tokens = sequence.tokens(0)
    if tokens is None:
        return ShownSequence(steps, accepted.scaled(0), sequence.channels, sequence.pictures)
    return ShownSequence(steps, None, sequence.channels, False, tokens if len(tokens) == steps else None)


def beside(sequence: ShownSequence, above: float, width: float = WIDTH, title: str = "") -> tuple[Figure, Axes]:
    """Draws the sequence and makes empty axes over its steps.

    Args:
        sequence: the sequence.
        above: free inches above the axes, for a legend.
        width: width of the figure, in inches; the height follows.
        title: title of the figure.
    """
    large, head = width / WIDTH, 0.35 if title else 0.0
    if sequence.picture:
        figure, axes = _to_the_right(sequence, above + head, width, 1.7 * large, round(6 * large))
    else:
        upright = _stand_upright(sequence.tokens, large)
        below = 0.48 + (0.075 * max(map(len, sequence.tokens or [""])) if upright else 0.0)
        figure, axes = _below(sequence, above, head, below, width, 1.2 * large)
        axes.set_xlim(0.5, sequence.steps + 0.5)
        _name_steps(axes, sequence.tokens, large, upright)
    tidy(axes)
    if title:
        figure.suptitle(plain(title), y=1 - 0.08 / figure.get_figheight(), va="top")
    return figure, axes


def _to_the_right(sequence: ShownSequence, above: float, width: float, tall: float, ticks: int) -> tuple[Figure, Axes]:
    left, between, below = 0.585, 0.405, 0.48
    height, room = below + tall + above, width - left - between - 0.135
    figure = new_figure(width, height)
    low, high = below / height, tall / height
    assert sequence.values is not None  # noqa: S101  # a picture has values
    first = figure.add_axes((left / width, low, 0.453 * room / width, high))
    _draw_picture(first, sequence.values)
    axes = figure.add_axes((1 - (0.135 + 0.547 * room) / width, low, 0.547 * room / width, high))
    for one in (first, axes):
        one.set_ylim(sequence.steps + 0.5, 0.5)
        with_ticks(one.yaxis, ticks, whole=True)
    return figure, axes


def _below(
    sequence: ShownSequence, above: float, head: float, below: float, width: float, tall: float
) -> tuple[Figure, Axes]:
    left, right = 0.765 / width, 1 - 0.9 / width
    many = len(sequence.channels) > MOST_LINES
    own = max(tall, 0.16 * min(len(sequence.channels), MOST_NAMES)) if many else tall
    names = 0.22 * -(-len(sequence.channels) // _A_ROW) if not many and len(sequence.channels) > 1 else 0.0
    drawn = 0.0 if sequence.values is None else own + 0.14 + names
    height = below + tall + above + drawn + head
    figure = new_figure(width, height)
    first = None
    if sequence.values is not None:
        first = figure.add_axes((left, (below + tall + above + 0.07) / height, right, own / height))
        (draw_rows if many else _draw_series)(first, sequence.values, sequence.channels)
        first.tick_params(labelbottom=False)
    return figure, figure.add_axes((left, below / height, right, tall / height), sharex=first)


def _draw_picture(axes: Axes, values: npt.NDArray[np.float32]) -> None:
    rows, columns = values.shape
    axes.imshow(values, cmap="gray_r", aspect="auto", extent=(0, columns, rows + 0.5, 0.5))
    axes.set(xlabel="column", ylabel="row = step")


_A_ROW = 3
"""Names of channels in a row of the legend."""


def _draw_series(axes: Axes, values: npt.NDArray[np.float32], channels: Sequence[str]) -> None:
    """A line for each channel."""
    steps = np.arange(1, len(values) + 1)
    style: DrawStyle = "steps-mid" if set(np.unique(values)) <= {0.0, 1.0} else "default"
    for index, (name, colour) in enumerate(zip(channels, colours(len(channels)), strict=True)):
        label = _short(name)
        axes.plot(steps, values[:, index], color=colour, linewidth=1.2, label=label, drawstyle=style)
    if len(channels) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            borderaxespad=0.1,
            frameon=False,
            ncols=_A_ROW,
            fontsize=8,
            handlelength=1.4,
        )
    alone = len(channels) == 1 and not channels[0].isdigit()
    axes.set(ylabel=_short(channels[0]) if alone else "value")
    tidy(axes)


def draw_rows(
    axes: Axes,
    values: npt.NDArray[np.floating],
    channels: Sequence[str],
    *,
    around_zero: bool = False,
) -> None:
    """A heat map with a row for each channel: from its own least to its greatest value, or around zero.

    Args:
        axes: where to draw.
        values: [T, F].
        channels: names, [F].
        around_zero: whether blue is above zero and orange below, on one scale for all channels.
    """
    rows = np.asarray(values, np.float64).T
    low, high = np.nanmin(rows, 1, keepdims=True), np.nanmax(rows, 1, keepdims=True)
    bound = max(float(np.nanmax(np.abs(rows))), 1e-12)
    shown = rows / bound if around_zero else (rows - low) / np.where(high > low, high - low, 1.0)
    axes.imshow(
        shown,
        cmap="PuOr" if around_zero else "viridis",
        vmin=-1.0 if around_zero else 0.0,
        vmax=1.0,
        aspect="auto",
        interpolation="none",
        extent=(0.5, len(values) + 0.5, len(channels) - 0.5, -0.5),
    )
    if len(channels) <= MOST_NAMES:
        names = [_short(name) for name in channels]
        axes.set_yticks(range(len(channels)), names, fontsize=7)
    else:
        axes.set(ylabel="channel, from 0")
        with_ticks(axes.yaxis, 6, whole=True)


def channel_name(channel: str) -> str:
    """The name of a channel; one that is only a number is called so."""
    return f"channel {channel}" if channel.isdigit() else channel


def _short(channel: str) -> str:
    """The name of a channel in few letters."""
    return plain(both_ends(channel_name(channel), MOST_LETTERS_OF_NAME))


def _name_steps(axes: Axes, tokens: Sequence[str] | None, large: float, upright: bool) -> None:
    """Labels the steps by number, or those of a short text by their tokens."""
    if tokens is not None and (upright or _letters(tokens) <= MOST_LETTERS * large):
        axes.set(xlabel="token")
        axes.set_xticks(range(1, len(tokens) + 1), [plain(token) for token in tokens], rotation=90 if upright else 0)
    else:
        axes.set(xlabel="step")
        with_ticks(axes.xaxis, round(6 * large), whole=True)


def _stand_upright(tokens: Sequence[str] | None, large: float) -> bool:
    """Whether tokens are written upright: if they are too long for a wide picture, and few enough to be legible."""
    return tokens is not None and large > 1 and _letters(tokens) > MOST_LETTERS * large and len(tokens) <= MOST_WORDS


def _letters(tokens: Sequence[str]) -> float:
    """Letters that fit below the axes if no token touches the next, at equal distances."""
    halves = [len(token) / 2 for token in tokens]
    return len(tokens) * (1 + max((one + other for one, other in pairwise(halves)), default=2 * halves[0]))
