"""A look inside the network while it reads one sequence: gates, states, and what each step adds to the score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from unrolled.drawing.sequences import ShownSequence, beside
from unrolled.drawing.style import BLUE, INK, ORANGE, WIDTH, new_figure, with_ticks
from unrolled.statistics import Doubles

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor


def draw_gates(
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
        height: of the figure, in inches; `gates_height` says what the maps need.
        frame: steps of the sequence that are one here.
        switches: letters of gates between 0 and 1.
    """
    maps = {name: value.numpy() for name, value in values.items()}
    order = np.lexsort((np.arange(outputs.shape[1]), outputs.abs().numpy().argmax(0)))
    each = (height - 0.5) / len(maps)
    figure = new_figure(WIDTH, height)
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
        with_ticks(axes.xaxis, 6, whole=True)
        bar = figure.add_axes((0.88, bottom, 0.02, tall))
        beyond = "both" if name == "c" else "neither"
        figure.colorbar(image, cax=bar, ticks=[low, bound], format="%.2g", extend=beyond).ax.tick_params(
            labelsize=8, length=2
        )
    axes.set_xlabel("step")
    return figure


def gates_height(count: int) -> float:
    """Inches that so many heat maps need."""
    return 0.5 + 0.98 * count


def draw_attribution(steps: Doubles, sequence: ShownSequence) -> Figure:
    """What each step adds to the score, beside the sequence.

    Args:
        steps: what it is, [T].
        sequence: the sequence.
    """
    figure, bars = beside(sequence, 0.12)
    places = np.arange(1, len(steps) + 1)
    colours = [BLUE if value >= 0 else ORANGE for value in steps]
    if sequence.picture:
        bars.barh(places, steps, color=colours)
        bars.set(xlabel="adds to the score")
        bars.axvline(0, color=INK, linewidth=0.8)
        with_ticks(bars.xaxis, 4)
    else:
        bars.bar(places, steps, width=1.0 if len(steps) > 60 else 0.8, color=colours)
        bars.set(ylabel="adds to the score")
        bars.axhline(0, color=INK, linewidth=0.8)
    return figure
