"""``unrolled evaluate``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL_OR_RUN")],
    data: Annotated[
        str | None,
        typer.Argument(help="A file of labelled sequences, or a named data set; by default what it was trained on."),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="Axes of a 3-D .npz array.", metavar="time-first|channels-first")
    ] = None,
    headline_cases: Annotated[int | None, typer.Option(help="Also give the accuracy on the first so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Figures of a trained model: accuracy with its interval, baselines, a line for each class.

    For a named data set, and for the file it was trained on, these are the held-out test sequences.
    """
    from unrolled.cli.console import notes, print_evaluation, print_json
    from unrolled.cli.data import unseen_sequences_for
    from unrolled.evaluation.evaluate import evaluate as figures_of
    from unrolled.model import Model

    trained = Model.load(model)
    sequences, note = unseen_sequences_for(trained, data, layout)
    if note is not None:
        notes().print(f"note: {note}", markup=False)
    evaluation = figures_of(trained, sequences, headline_cases=headline_cases)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_evaluation(evaluation)
