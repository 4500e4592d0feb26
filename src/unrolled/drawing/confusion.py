"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unrolled.drawing.style import GREY, WIDTH, both_ends, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNTS_AND_SHARES = 12
"""Most classes for which a cell shows both its count and its share."""

MOST_CLASSES = 50
"""Most classes for which the matrix shows names and numbers, and the report shows the matrix."""


def draw_confusion(matrix: npt.NDArray[np.int64], classes: Sequence[str], shown: Sequence[str] | None = None) -> Figure:
    """Draws the number of sequences by true class (rows) and predicted class (columns), shaded by the row's share.

    Args:
        matrix: [C, C].
        classes: names, [C].
        shown: contents of a cell, ``"counts"``, ``"shares"`` or both; by default both, for many classes the counts.
    """
    count = len(classes)
    shown = shown or (("counts", "shares") if count <= COUNTS_AND_SHARES else ("counts",))
    cell = 0.4 if count <= COUNTS_AND_SHARES else 0.3
    names = [plain(both_ends(name, 16)) for name in classes]
    longest = max(map(len, names))
    margin = 0.55 + 0.075 * longest
    size = max(WIDTH, margin + 0.15 + cell * min(count, MOST_CLASSES))
    figure = new_figure(size, size)
    side = (size - margin - 0.1) / size
    axes = figure.add_axes((margin / size, margin / size, side, side))
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    right = np.eye(count, dtype=bool)
    axes.imshow(np.where(right & (matrix > 0), shares, np.nan), cmap="Blues", vmin=0, vmax=1.8)
    axes.imshow(np.where(right | (matrix == 0), np.nan, np.sqrt(shares)), cmap="Oranges", vmin=0, vmax=1.8)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_color(GREY)
    if count > MOST_CLASSES:
        return figure
    axes.set_xticks(range(count), names, rotation=90 if longest > 2 else 0)
    axes.set_yticks(range(count), names)
    size_of_text = 8 if count <= COUNTS_AND_SHARES else 6
    for (row, column), cases in np.ndenumerate(matrix):
        if cases:
            texts = {"counts": f"{cases}", "shares": _rounded(shares[row, column])}
            text = "\n".join(texts[name] for name in shown)
            axes.text(
                column, row, text, ha="center", va="center", color="#111111", fontsize=size_of_text, linespacing=1.1
            )
    return figure


def _rounded(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.01 else f"{100 * share:.1f}%"
