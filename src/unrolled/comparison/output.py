"""A comparison as a picture and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unrolled.comparison.comparison import Comparison, ComparisonPair, ComparisonRow
from unrolled.drawing import draw_comparison, to_png
from unrolled.statistics import counted, p_text
from unrolled.storage import make_folder, write_bytes, write_json, write_text

MAX_PAIRS = 15
"""Most pairs for which text shows all; otherwise it shows those of the best entry. comparison.json has all."""


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Writes ``comparison.json``, ``comparison.md`` and ``comparison.png`` into a folder.

    Args:
        comparison: what `compare` or `compare_settings` gave.
        folder: made where it is missing.
    Returns:
        The folder.
    Raises:
        StorageError: if they cannot be written.

    Example:
        >>> from pathlib import Path
        >>> found = unrolled.compare(["runs/levels/1"], against=["sklearn:GaussianNB"], data=dataset)
        >>> folder = unrolled.write_comparison(found, Path("comparison"))
        >>> sorted(path.name for path in folder.iterdir())
        ['comparison.json', 'comparison.md', 'comparison.png']
    """
    make_folder(folder)
    write_json(folder / "comparison.json", comparison.to_dict())
    write_text(folder / "comparison.md", to_markdown(comparison))
    write_bytes(folder / "comparison.png", to_png(draw_comparison(comparison)))
    return folder


def shown_pairs(comparison: Comparison) -> list[ComparisonPair]:
    """The pairs that text shows."""
    return list(comparison.pairs) if len(comparison.pairs) <= MAX_PAIRS else comparison.against_best()


def row_cells(row: ComparisonRow, label: str | None = None) -> list[str]:
    """A row's cells, in the order of `ROW_HEADERS`; ``label`` replaces its name."""
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


def pair_cells(pair: ComparisonPair, labels: Mapping[str, str] | None = None) -> list[str]:
    """A pair's cells, in the order of `PAIR_HEADERS`; ``labels`` replace the names."""
    found = pair.difference
    first, second = (labels[name] if labels else name for name in (pair.first, pair.second))
    return [
        f"{first} − {second}",
        f"{100 * found.value:+.2f}".replace("-", "−"),
        interval_text(found.low, found.high),
        *(p_text(p).removeprefix("p = ").removeprefix("p ") for p in (found.p, pair.p_corrected)),
        "yes" if pair.shown else "not shown",
    ]


PAIR_HEADERS = ["", "points", "95 % interval", "p", "p (Holm)", "a difference"]


def interval_text(low: float, high: float) -> str:
    """An interval in per cent, with a true minus."""
    return f"{100 * low:.2f} to {100 * high:.2f}".replace("-", "−")


def legend(comparison: Comparison) -> str:
    """The meaning of the tables' columns, and the methods of intervals and tests."""
    intervals = dict.fromkeys(pair.difference.interval for pair in comparison.pairs)
    tests = dict.fromkeys(pair.difference.test for pair in comparison.pairs)
    used = ["loss: mean log loss", "train s: of a training", "ms: to classify a sequence, in batches"]
    if any(row.deviation is not None for row in comparison.rows):
        used.insert(0, "±: standard deviation over the seeds, in points")
    used.append(f"differences: intervals by {' and '.join(intervals)}, tests by {' and '.join(tests)}")
    if len(comparison.pairs) > 1:
        used.append(f"p values corrected for {len(comparison.pairs)} comparisons by Holm's method")
    return "; ".join(used)


def tested_on(comparison: Comparison) -> str:
    """The number of test sequences, and of their groups."""
    return " or ".join(dict.fromkeys(counted(row.cases, row.groups) for row in comparison.rows))


def to_markdown(comparison: Comparison) -> str:
    """The verdict, both tables, the legend and the notes."""
    lines = [f"**{comparison.verdict}**", "", f"On {tested_on(comparison)}:", ""]
    lines += _table(ROW_HEADERS, [row_cells(row) for row in comparison.rows])
    lines += ["", *_table(PAIR_HEADERS, [pair_cells(pair) for pair in shown_pairs(comparison)]), ""]
    lines += [f"({legend(comparison)})"]
    lines += [f"- {note}" for note in comparison.notes]
    return "\n".join(lines) + "\n"


def _table(headers: list[str], rows: list[list[str]]) -> list[str]:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(headers), "|" + "|".join(["---"] * len(headers)) + "|", *(line(row) for row in rows)]
