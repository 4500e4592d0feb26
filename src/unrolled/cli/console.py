"""How results are printed: tables, the figures of an evaluation, notes, and JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from unrolled.evaluation import Evaluation, RegressionFigures, accuracies, further_figures, further_shares
from unrolled.reports import UNTESTED, changes_in_words, early_rows, held_out_in_turn, promised
from unrolled.statistics import Proportion, counted


class Patient(Console):
    """Plain text. If the reader of a pipe ends, as in `| head -1`, a training goes on without output."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Prints nothing from now on; rich's `Console` would end the process."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def out() -> Console:
    """The console for results: standard output, without colour in a pipe or with NO_COLOR."""
    return Patient()


def notes() -> Console:
    """The console for everything but results: standard error."""
    return Patient(stderr=True)


def print_note(text: str) -> None:
    """A note that belongs to no result, on standard error."""
    notes().print(f"note: {text}")


def line_printer(console: Console, *, silent: bool) -> Callable[[str], None] | None:
    """What prints the lines of a function with ``say``; None for silence."""
    return None if silent else console.print


def print_json(value: Any) -> None:
    """A value as one JSON document on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_table(headers: list[str], rows: list[list[str]], *, left: int = 1) -> None:
    """A plain table; the first ``left`` columns hold text, the others numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        table.add_column(header, justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    out().print(table)


def in_time(seconds: float) -> str:
    """A duration in its two largest units, such as ``5 min 20 s``."""
    whole = round(seconds)
    parts = {"d": whole // 86_400, "h": whole // 3600 % 24, "min": whole // 60 % 60, "s": whole % 60}
    shown = [f"{count} {unit}" for unit, count in parts.items() if count]
    return " ".join(shown[:2]) or "0 s"


def print_evaluation(evaluation: Evaluation) -> None:
    """Accuracy with its interval beside the baselines, the other figures, and a table of the classes."""
    console, crossed = out(), evaluation.cross_validation
    if crossed is not None:
        console.print(f"{held_out_in_turn(crossed)}. {UNTESTED}")
    judged = [evaluation.cases, *(one.accuracy.cases for one in evaluation.regressions), evaluation.cases]
    rows = [
        [name if cases == evaluation.cases else f"{name}, {cases:,} of them", *share_cells(share)]
        for (name, share), cases in zip(accuracies(evaluation).items(), judged, strict=False)
    ]
    tested = counted(evaluation.cases, evaluation.groups)
    tested = tested if crossed is None else tested.replace("sequences", "answers", 1)
    used = "Wilson" if evaluation.groups is None else "groups"
    print_table([f"on {tested}", "accuracy", f"95 % interval ({used})", "wrong"], rows)
    if evaluation.regressions:
        console.print(f"(logistic regressions, fitted to {_fitted_to(evaluation.regressions)} training sequences)")
    if evaluation.parts is not None:
        console.print(f"(of the model's data {parts_in_words(evaluation.parts)})")
    if evaluation.unlearned is not None:
        rest = evaluation.unlearned
        console.print(f"without the sequences whose content was learned: {rest} of {rest.cases:,}")
    if evaluation.headline is not None:
        first = evaluation.headline
        console.print(f"the first {first.cases} alone: {first} - the value of a headline figure from so few")
    console.print()
    _print_figures(evaluation)
    _print_early(evaluation)
    _print_windows(evaluation)
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


def _fitted_to(regressions: Sequence[RegressionFigures]) -> str:
    """The numbers of sequences that regressions were fitted to."""
    return " and ".join(f"{cases:,}" for cases in dict.fromkeys(one.cases for one in regressions))


def _print_figures(evaluation: Evaluation) -> None:
    """The figures beside the accuracy, with notes on the incomplete ones."""
    figures = {name: figure for name, (figure, _) in further_figures(evaluation).items()}
    rows = [[name, _number(f.value), _range(f.low, f.high), f.method] for name, f in figures.items()]
    for name, (found, _) in further_shares(evaluation).items():
        rows.append([name, *share_cells(found)[:2], found.method])
    print_table(["figure", "value", "95 % interval", "method"], rows)
    for name, figure in figures.items():
        if figure.note is not None:
            out().print(f"note: {name}: {figure.note}")
    if evaluation.uncalibrated is not None:
        before = evaluation.uncalibrated
        out().print(
            f"the probabilities have the temperature {evaluation.temperature:.3f}; without it the log loss was "
            f"{_number(before.log_loss.value)}, the calibration error {_number(before.calibration_error.value)}"
        )


def _print_early(evaluation: Evaluation) -> None:
    """What becomes of sequences that are decided before their end."""
    if evaluation.early:
        out().print()
        out().print("decided early, by predict --stream --decide:")
        headers = ["at", "decided", "of these right", "95 % interval", "after steps (mean)"]
        print_table(headers, [list(row) for row in early_rows(evaluation)])
        out().print(f"({promised(evaluation)})")


def _print_windows(evaluation: Evaluation) -> None:
    """The steps of the recordings, and the changes of their label."""
    found = evaluation.windows
    if found is None:
        return
    out().print()
    headers = ["of the recordings", "accuracy", f"95 % interval ({found.groups})", "wrong"]
    print_table(headers, [[f"{found.steps.cases:,} steps", *share_cells(found.steps)]])
    out().print(changes_in_words(found))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def parts_in_words(parts: Mapping[str, int]) -> str:
    """The number of sequences by part, such as ``12 held out, 3 new``."""
    return ", ".join(f"{count:,} {name}" for name, count in parts.items())


def share_cells(share: Proportion) -> list[str]:
    """The accuracy as three cells: the value and its interval in per cent, and the number of wrong answers."""
    digits = 2 if share.cases < 100_000 else 4
    return [
        f"{100 * share.value:.{digits}f} %",
        f"{100 * share.low:.{digits}f} to {100 * share.high:.{digits}f} %",
        f"{share.cases - share.count:,}",
    ]
