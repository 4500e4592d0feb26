"""Draws the pictures of docs/kernels.md.

python scripts/draw_kernel.py            # into docs/images
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

INK, PALE, LINE = "#1f2937", "#eef2f7", "#c3ccd8"
GATES = {"i": "#4c78a8", "f": "#59a14f", "g": "#e08e2b", "o": "#b0547a"}
WARM, COOL = "#e08e2b", "#4c78a8"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "docs" / "images")
    folder = parser.parse_args().folder
    plt.rcParams.update({"font.size": 10, "text.color": INK, "font.family": "DejaVu Sans"})
    for name, draw in {"shards": draw_shards, "tile": draw_tile, "panel": draw_panel}.items():
        draw().savefig(folder / f"kernel-{name}.png", dpi=150, facecolor="white", bbox_inches="tight", pad_inches=0.15)


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty sheet in the units of the drawing, its origin at the top left."""
    figure = plt.figure(figsize=(width / 4, height / 4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.axis("off")
    return figure, axes


def box(axes: Axes, x: float, y: float, width: float, height: float, fill: str = PALE, edge: str = LINE) -> None:
    axes.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=edge, linewidth=0.8))


def grid(axes: Axes, x: float, y: float, rows: int, columns: int, fill: str = PALE, width: float = 1) -> None:
    """Cells of height 1."""
    for row in range(rows):
        for column in range(columns):
            box(axes, x + column * width, y + row, width, 1, fill)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=INK, linewidth=1.1))


def draw_shards() -> Figure:
    """Eight sequences in two shards, each sorted by length."""
    figure, axes = canvas(38, 16)
    lengths = [12, 11, 9, 8, 6, 5, 3, 2]
    axes.text(0, 0.8, "a batch, its longest sequence first", weight="bold")
    for row, length in enumerate(lengths):
        colour = COOL if row % 2 == 0 else WARM
        for step in range(12):
            box(axes, 1 + step, 2.6 + row * 1.2, 1, 1, colour if step < length else "white")
    axes.text(7, 13.6, "steps →     white: padding", ha="center", color="#6b7280")
    arrow(axes, (14.2, 5.6), (17.3, 4.9))
    arrow(axes, (14.2, 8.6), (17.3, 10.3))
    for shard, (top, colour) in enumerate(((2.6, COOL), (9.2, WARM))):
        mine = lengths[shard::2]
        axes.text(18, top - 0.55, f"shard {shard}: one thread, all its steps", color=colour, weight="bold")
        for row, length in enumerate(mine):
            for step in range(length):
                box(axes, 18 + step, top + row, 1, 1, colour)
        for step in range(max(mine)):
            active = sum(length > step for length in mine)
            axes.text(18.5 + step, top + 4.75, str(active), ha="center", va="center", fontsize=9)
        axes.text(18.4 + max(mine), top + 4.75, "active rows", va="center", fontsize=9, color="#6b7280")
    return figure


def draw_tile() -> Figure:
    """C += A P, the tile in registers."""
    figure, axes = canvas(40, 22)
    axes.text(0, 0.8, "one tile of a step's product: sums += inputs × weights", weight="bold")
    left, top, depth = 1.0, 12.0, 9
    grid(axes, left, top, 8, depth)
    for row in range(6):
        box(axes, left + 4, top + row, 1, 1, "#6b7280")
    axes.text(left + depth / 2, top + 8.9, "inputs: [ h | x ] of each row", ha="center")
    axes.text(left - 0.35, top + 3, "6 rows", rotation=90, ha="right", va="center")
    across = 13.0
    grid(axes, across, 2.2, depth, 4, width=3)
    for column, colour in enumerate(GATES.values()):
        box(axes, across + 3 * column, 2.2 + 4, 3, 1, colour)
    axes.text(
        across + 12.6,
        2.2 + depth / 2,
        "a panel of packed weights:\n4 vectors side by side,\none row for each input",
        va="center",
    )
    grid(axes, across, top, 8, 4, "white", width=3)
    for column, (name, colour) in enumerate(GATES.items()):
        for row in range(6):
            box(axes, across + 3 * column, top + row, 3, 1, colour, "white")
        axes.text(across + 3 * column + 1.5, top + 8.9, name, ha="center", weight="bold", color=colour)
    axes.text(
        across + 12.6,
        top + 3,
        "the tile: 6 × 4 sums in 24 registers\nwhile the whole depth passes by;\n"
        "each vector of weights is\nloaded once and used 6 times",
        va="center",
    )
    arrow(axes, (left + depth + 0.3, top + 3), (across - 0.3, top + 3))
    arrow(axes, (across + 6, 2.2 + depth + 0.1), (across + 6, top - 0.1))
    return figure


def draw_panel() -> Figure:
    """From PyTorch's order of weights to panels."""
    figure, axes = canvas(40, 17)
    axes.text(0, 0.8, "weights packed for an LSTM of 32 units, vectors of 16", weight="bold")
    axes.text(1, 2.6, "as PyTorch keeps them: gate after gate")
    for place, (name, colour) in enumerate(GATES.items()):
        for half in range(2):
            x = 1 + (place * 2 + half) * 4.5
            box(axes, x, 3.2, 4.5, 2.6, colour, "white")
            text = f"{name}  {'0–15' if half == 0 else '16–31'}"
            axes.text(x + 2.25, 4.5, text, ha="center", va="center", color="white", weight="bold")
    axes.text(1, 8.4, "panel 0: units 0 to 15")
    axes.text(20.5, 8.4, "panel 1: units 16 to 31")
    for panel in range(2):
        for place, (name, colour) in enumerate(GATES.items()):
            x = 1 + panel * 19.5 + place * 4.5
            box(axes, x, 9, 4.5, 4.6, colour, "white")
            text = f"{name}\n{'0–15' if panel == 0 else '16–31'}"
            axes.text(x + 2.25, 11.3, text, ha="center", va="center", color="white", weight="bold")
    axes.text(
        20,
        15.3,
        "a tile's four sums are i, f, g and o of the same units: c and h follow while they are near",
        ha="center",
        color="#4b5563",
    )
    return figure


if __name__ == "__main__":
    main()
