"""A comparison as a picture and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from unrolled.comparison.comparison import Comparison, Pair, Row
from unrolled.drawing import BLUE, GREY, INK, ORANGE, to_png
from unrolled.statistics import p_text
from unrolled.storage import make_folder, write_bytes, write_json, write_text

MAX_PAIRS = 15
"""Of more pairs, text shows only those of the most accurate contender; comparison.json has all."""

_NAME_WIDTH = 26


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Writes ``comparison.json``, ``comparison.md`` and ``comparison.png`` into a folder.

    Raises:
        StorageError: if they cannot be written.
    """
    make_folder(folder)
    write_json(folder / "comparison.json", comparison.to_dict())
    write_text(folder / "comparison.md", to_markdown(comparison))
    write_bytes(folder / "comparison.png", to_png(draw_comparison(comparison)))
    return folder


def shown_pairs(comparison: Comparison) -> list[Pair]:
    """The pairs that text shows."""
    return list(comparison.pairs) if len(comparison.pairs) <= MAX_PAIRS else comparison.against_best()


def row_cells(row: Row, label: str | None = None) -> list[str]:
    """A row's cells, in the order of `ROW_HEADERS`; ``label`` in the place of its name."""
    return [
        label or row.name,
        str(len(row.runs)) if len(row.runs) > 1 else "",
        f"{100 * row.accuracy:.2f} %",
        interval_text(row.low, row.high),
        "" if row.deviation is None else f"{100 * row.deviation:.2f}",
        "" if row.log_loss is None else f"{row.log_loss:.4f}",
        "" if row.parameters is None else f"{row.parameters:,.0f}",
        "" if row.training_seconds is None else f"{row.training_seconds:,.1f}",
        f"{row.milliseconds:.3f}",
    ]


ROW_HEADERS = ["", "runs", "accuracy", "95 % interval", "±", "loss", "weights", "train s", "ms"]


def pair_cells(pair: Pair, labels: Mapping[str, str] | None = None) -> list[str]:
    """A pair's cells, in the order of `PAIR_HEADERS`; ``labels`` in the place of the names."""
    found = pair.difference
    first, second = (labels[name] if labels else name for name in (pair.first, pair.second))
    return [
        f"{first} − {second}",
        f"{100 * found.value:+.2f}".replace("-", "−"),
        interval_text(found.low, found.high),
        p_text(found.p).removeprefix("p = ").removeprefix("p "),
        p_text(pair.p_corrected).removeprefix("p = ").removeprefix("p "),
        "yes" if pair.shown else "not shown",
    ]


PAIR_HEADERS = ["", "points", "95 % interval", "p", "p (Holm)", "a difference"]


def interval_text(low: float, high: float) -> str:
    """An interval in per cent, with a true minus."""
    return f"{100 * low:.2f} to {100 * high:.2f}".replace("-", "−")


def legend(comparison: Comparison) -> str:
    """What the tables' columns are, and how the intervals and tests were made."""
    intervals = dict.fromkeys(pair.difference.interval for pair in comparison.pairs)
    tests = dict.fromkeys(pair.difference.test for pair in comparison.pairs)
    used = ["loss: mean log loss", "train s: of a training", "ms: to classify a sequence, in batches"]
    if any(row.deviation is not None for row in comparison.rows):
        used.insert(0, "±: standard deviation over the seeds, in points")
    used.append(f"differences: intervals by {' and '.join(intervals)}, tests by {' and '.join(tests)}")
    if len(comparison.pairs) > 1:
        used.append(f"p values corrected for {len(comparison.pairs)} comparisons by Holm's method")
    return "; ".join(used)


def to_markdown(comparison: Comparison) -> str:
    """Both tables, the verdict and what stands below them."""
    cases = " or ".join(dict.fromkeys(f"{row.cases:,}" for row in comparison.rows))
    lines = [f"**{comparison.verdict}**", "", f"On {cases} test sequences:", ""]
    lines += _table(ROW_HEADERS, [row_cells(row) for row in comparison.rows])
    lines += ["", *_table(PAIR_HEADERS, [pair_cells(pair) for pair in shown_pairs(comparison)]), ""]
    lines += [f"({legend(comparison)})"]
    lines += [f"- {note}" for note in comparison.notes]
    return "\n".join(lines) + "\n"


def _table(headers: list[str], rows: list[list[str]]) -> list[str]:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(headers), "|" + "|".join(["---"] * len(headers)) + "|", *(line(row) for row in rows)]


def draw_comparison(comparison: Comparison) -> Figure:
    """Accuracies with their intervals, differences from the best one, and what each costs: a row a contender."""
    rows = comparison.rows
    names = [textwrap.fill(row.name, _NAME_WIDTH) for row in rows]
    deepest = max(name.count("\n") for name in names)
    height = 1.3 + len(rows) * (0.34 + 0.16 * deepest)
    figure = Figure(figsize=(10, height), layout="constrained")
    quality, gap, cost = figure.subplots(1, 3, sharey=True, width_ratios=(1.25, 1.25, 1))
    places = np.arange(len(rows))
    _draw_accuracies(quality, rows)
    _draw_gaps(gap, comparison)
    _draw_costs(cost, rows)
    quality.set_yticks(places, [name.replace("$", r"\$") for name in names])
    quality.set_ylim(len(rows) - 0.5, -0.5)
    for axes in (quality, gap, cost):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
    return figure


def _draw_accuracies(axes: Axes, rows: tuple[Row, ...]) -> None:
    for place, row in enumerate(rows):
        axes.plot([row.low, row.high], [place, place], color=BLUE, linewidth=2, solid_capstyle="butt")
        if len(row.accuracies) > 1:
            heights = np.full(len(row.accuracies), place + 0.2)
            axes.plot(row.accuracies, heights, "|", color=GREY, markersize=6, markeredgewidth=1.2)
        axes.plot(row.accuracy, place, "o", color=BLUE, markersize=6)
    seeds = ", each run" if any(len(row.accuracies) > 1 for row in rows) else ""
    axes.set_title(f"accuracy, 95 % interval{seeds}", fontsize=9, color=INK)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _draw_gaps(axes: Axes, comparison: Comparison) -> None:
    place = {row.name: index for index, row in enumerate(comparison.rows)}
    axes.axvline(0, color=INK, linewidth=1)
    for pair in comparison.against_best():
        found, colour = pair.difference, ORANGE if pair.shown else GREY
        height = place[pair.second]
        ends = [-100 * found.high, -100 * found.low]
        axes.plot(ends, [height, height], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(-100 * found.value, height, "o", color=colour, markersize=6)
    axes.plot(0, 0, "o", color=INK, markersize=6)
    axes.set_title("points from the best; orange: a difference", fontsize=9, color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _draw_costs(axes: Axes, rows: tuple[Row, ...]) -> None:
    known = [(place, row.training_seconds) for place, row in enumerate(rows) if row.training_seconds]
    if known:
        values = [seconds for _, seconds in known]
        axes.set_xscale("log")
        low, high = min(values), max(values)
        axes.set_xlim(low / 1.8, high * 4)
        for place, seconds in known:
            axes.plot(seconds, place, "o", color=BLUE, markersize=6)
            text = f"{rows[place].milliseconds:.2g} ms"
            axes.annotate(
                text, (seconds, place), (7, 0), textcoords="offset points", va="center", fontsize=8, color=INK
            )
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high < 100 * low else LogLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(FixedLocator([]))
    axes.set_title("training, s (and ms a sequence)", fontsize=9, color=INK)
