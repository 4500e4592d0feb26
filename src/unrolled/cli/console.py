"""How results look in a terminal: tables, a table's worth of figures, and JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from unrolled.evaluation import Evaluation
from unrolled.reports import SEEN
from unrolled.statistics import Proportion


class Patient(Console):
    """Goes on in silence where the reader has gone, as in `| head -1`: a training is worth more than its lines."""

    def on_broken_pipe(self) -> None:
        """See rich's `Console`, which would end the process."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def out() -> Console:
    """The console for results: standard output, without colour where NO_COLOR or a pipe asks for it."""
    return Patient(highlight=False, soft_wrap=True)


def notes() -> Console:
    """The console for everything that is not the result: standard error."""
    return Patient(stderr=True, highlight=False, soft_wrap=True)


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
    """Accuracy with its interval, what is simple beside it, the other figures, and the table of classes."""
    console = out()
    rows = [["this network", *share_cells(evaluation.accuracy)]]
    if evaluation.logistic is not None:
        rows.append(["logistic regression", *share_cells(evaluation.logistic)])
    if evaluation.majority is not None:
        rows.append([f"always {evaluation.majority_class!r}", *share_cells(evaluation.majority)])
    print_table([f"on {evaluation.cases:,} sequences", "accuracy", "95 % interval (Wilson)", "wrong"], rows)
    if evaluation.logistic is not None:
        seen = SEEN[evaluation.logistic_features or "summary"]
        console.print(f"(the regression was fitted on {seen} of {evaluation.logistic_cases:,} training sequences)")
    if evaluation.headline is not None:
        first = evaluation.headline
        console.print(f"the first {first.cases} alone: {first} - what a headline from so few is worth")
    console.print()
    _print_figures(evaluation)
    console.print()
    print_table(
        ["class", "sequences", "wrong", "precision", "recall", "F1"],
        [
            [
                row.name,
                f"{row.support:,}",
                f"{row.errors:,}",
                _number(row.precision.value if row.precision else None),
                _number(row.recall.value if row.recall else None),
                _number(row.f1.value),
            ]
            for row in evaluation.classes
        ],
    )


def _print_figures(evaluation: Evaluation) -> None:
    """The figures beside the accuracy, and what there is to say about those that are not whole."""
    quality = evaluation.quality
    figures = {
        "balanced accuracy": evaluation.balanced_accuracy,
        "macro F1": evaluation.macro_f1,
        "area under the ROC curve": evaluation.roc_auc,
        "log loss": quality.log_loss,
        "Brier score": quality.brier,
        "calibration error": quality.calibration_error,
    }
    rows = [[name, _number(f.value), _range(f.low, f.high), f.method] for name, f in figures.items()]
    for k, found in evaluation.top.items():
        rows.append([f"among the {k} most probable", *share_cells(found)[:2], found.method])
    print_table(["figure", "value", "95 % interval", "method"], rows)
    for name, figure in figures.items():
        if figure.note is not None:
            out().print(f"note: {name}: {figure.note}", markup=False)
    if evaluation.uncalibrated is not None:
        before = evaluation.uncalibrated
        out().print(
            f"the probabilities have the temperature {evaluation.temperature:.3f}; without it the log loss was "
            f"{_number(before.log_loss.value)}, the calibration error {_number(before.calibration_error.value)}"
        )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def share_cells(share: Proportion) -> list[str]:
    """A share of cases as three cells: in per cent, its interval, and the cases that do not count."""
    digits = 2 if share.cases < 100_000 else 4
    return [
        f"{100 * share.value:.{digits}f} %",
        f"{100 * share.low:.{digits}f} to {100 * share.high:.{digits}f} %",
        f"{share.cases - share.count:,}",
    ]


def _plain(text: str) -> str:
    """Text from the data is shown as it is, never read as markup."""
    return text.replace("[", "\\[")
