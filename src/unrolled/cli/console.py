"""How results look in a terminal: tables, a table's worth of figures, and JSON for machines."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from unrolled.evaluation.evaluate import Evaluation
from unrolled.evaluation.metrics import Proportion


def out() -> Console:
    """The console for results: standard output, without colour where NO_COLOR or a pipe asks for it."""
    return Console(highlight=False, soft_wrap=True)


def notes() -> Console:
    """The console for everything that is not the result: standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """A value as one JSON document on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_table(headers: list[str], rows: list[list[str]], *, left: int = 1) -> None:
    """A plain table; the first ``left`` columns are text, the others numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        table.add_column(header, justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*[_plain(cell) for cell in row])
    out().print(table)


def print_evaluation(evaluation: Evaluation) -> None:
    """Accuracy with its interval, what is simple beside it, and the table of classes."""
    console = out()
    rows = [["this network", *_figure(evaluation.accuracy)]]
    if evaluation.logistic is not None:
        rows.append(["logistic regression", *_figure(evaluation.logistic)])
    if evaluation.majority is not None:
        rows.append([f"always {evaluation.majority_class!r}", *_figure(evaluation.majority)])
    print_table([f"on {evaluation.cases:,} sequences", "accuracy", "95 % interval (Wilson)", "wrong"], rows)
    if evaluation.logistic is not None:
        seen = "all values" if evaluation.logistic_features == "flattened" else "summaries of the channels"
        console.print(f"(the regression was fitted on {seen} of {evaluation.logistic_cases:,} training sequences)")
    if evaluation.headline is not None:
        first = evaluation.headline
        console.print(f"the first {first.cases} alone: {first} - what a headline from so few is worth")
    console.print(f"loss {evaluation.loss:.4f} (mean cross-entropy)")
    console.print()
    print_table(
        ["class", "sequences", "wrong", "precision", "recall", "F1"],
        [
            [
                row.name,
                f"{row.support:,}",
                f"{row.errors:,}",
                f"{row.precision:.4f}",
                f"{row.recall:.4f}",
                f"{row.f1:.4f}",
            ]
            for row in evaluation.classes
        ],
    )


def _figure(share: Proportion) -> list[str]:
    digits = 2 if share.cases < 100_000 else 4
    return [
        f"{100 * share.value:.{digits}f} %",
        f"{100 * share.low:.{digits}f} to {100 * share.high:.{digits}f} %",
        f"{share.cases - share.count:,}",
    ]


def _plain(text: str) -> str:
    """Text from the data is shown as it is, never read as markup."""
    return text.replace("[", "\\[")
