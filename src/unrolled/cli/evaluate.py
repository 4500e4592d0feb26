"""``unrolled evaluate``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from unrolled.cli.options import with_file_options

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_file_options()
def evaluate(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL_OR_RUN")],
    data: Annotated[
        str | None,
        typer.Argument(help="A file of labelled sequences, or a named data set; by default what it was trained on."),
    ] = None,
    headline_sequences: Annotated[int | None, typer.Option(help="Also give the accuracy on the first so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    *,
    options: dict[str, Any],
) -> None:
    """Figures of a trained model: accuracy with its interval, baselines, a line for each class.

    Sequences that the model was trained on do not count, whatever the file is called, as long as there are others.
    """
    from unrolled.cli.console import notes, print_evaluation, print_json
    from unrolled.cli.data import unseen_sequences_for
    from unrolled.cli.reading import ReadingBar
    from unrolled.data.files import Notes
    from unrolled.evaluation import evaluate as figures_of
    from unrolled.model import Model

    trained = Model.load(model)
    console = notes()
    with ReadingBar(console) as bar:
        observer = Notes(lambda text: console.print(f"note: {text}", markup=False), bar)
        chosen = unseen_sequences_for(trained, data, options, observer)
    if chosen.note is not None:
        console.print(f"note: {chosen.note}", markup=False)
    evaluation = figures_of(trained, chosen.sequences, headline_sequences=headline_sequences)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_evaluation(evaluation)
