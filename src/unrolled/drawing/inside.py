"""A look inside the network while it reads one sequence: gates, states, and the contribution of each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from unrolled.drawing.sequences import MOST_NAMES, ShownSequence, beside, draw_rows
from unrolled.drawing.style import BLUE, INK, ORANGE, WIDTH, new_figure, with_ticks
from unrolled.network import Trace
from unrolled.statistics import Doubles

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor


def draw_gates(values: Mapping[str, Tensor], trace: Trace, frame: int = 1) -> Figure:
    """Draws the gates or the states of every unit over the steps; the figures of both have one height.

    Args:
        values: the gates or the states of the trace.
        trace: one direction of a layer; the units are ordered by the step at which their output h is strongest.
        frame: steps of the sequence that the network reads as one.
    """
    maps = {name: value.numpy() for name, value in values.items()}
    outputs = trace.states["h"].abs().numpy()
    order = np.lexsort((np.arange(outputs.shape[1]), outputs.argmax(0)))
    height = 0.5 + 0.98 * max(len(trace.gates), len(trace.states))
    each = (height - 0.5) / len(maps)
    figure = new_figure(WIDTH, height)
    for row, (name, value) in enumerate(maps.items()):
        bottom, tall = (0.45 + each * (len(maps) - 1 - row)) / height, (each - 0.27) / height
        axes = figure.add_axes((0.10, bottom, 0.76, tall))
        gate = name in trace.switches
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
        axes.set_title(trace.letters.get(name, name), fontsize=9, loc="left", pad=3)
        axes.set_yticks([])
        axes.set_ylabel(f"{len(order)} units", fontsize=8)
        axes.tick_params(labelbottom=row == len(maps) - 1, labelsize=8)
        with_ticks(axes.xaxis, 6, whole=True)
        bar = figure.add_axes((0.88, bottom, 0.02, tall))
        beyond = "both" if name == "c" else "neither"
        figure.colorbar(image, cax=bar, ticks=[low, bound], format="%.2g", extend=beyond).ax.tick_params(
            labelsize=8, length=2
        )
    axes.set_xlabel("step")
    return figure


def draw_attribution(channels: Doubles, sequence: ShownSequence) -> Figure:
    """Draws what each step adds to the score, beside the sequence; of several channels also what each of them adds.

    Args:
        channels: the contributions, [T, F].
        sequence: the sequence.
    """
    several = not sequence.picture and sequence.tokens is None and channels.shape[1] > 1
    rows = 0.16 * min(channels.shape[1], MOST_NAMES) + 0.1 if several else 0.0
    figure, bars = beside(sequence, 0.12 + rows)
    steps = channels.sum(1)
    places = np.arange(1, len(steps) + 1)
    colours = [BLUE if value >= 0 else ORANGE for value in steps]
    if sequence.picture:
        bars.barh(places, steps, color=colours)
        bars.set(xlabel="adds to the score")
        bars.axvline(0, color=INK, linewidth=0.8)
        with_ticks(bars.xaxis, 4)
        return figure
    bars.bar(places, steps, width=1.0 if len(steps) > 60 else 0.8, color=colours)
    bars.set(ylabel="adds to the score")
    bars.axhline(0, color=INK, linewidth=0.8)
    if several:
        place, tall = bars.get_position(), figure.get_figheight()
        above = figure.add_axes((place.x0, place.y1 + 0.07 / tall, place.width, (rows - 0.1) / tall), sharex=bars)
        draw_rows(above, channels, sequence.channels, around_zero=True)
        above.tick_params(labelbottom=False)
    return figure
