"""``unrolled evaluate``"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from unrolled.cli.options import AsJson, ModelFolder, with_file_options

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_file_options()
def evaluate(
    model: ModelFolder,
    data: Annotated[
        str | None,
        typer.Argument(help="A file of labelled sequences, or a named data set (default: the model's own data)."),
    ] = None,
    headline_sequences: Annotated[
        int | None, typer.Option(help="Also give the accuracy on this many first sequences.", min=1)
    ] = None,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Measure a trained model: accuracy with its interval, baselines, and a row for each class.

    Sequences that the model was trained on are left out as long as there are others, whatever the file's name.
    """
    from unrolled.cli.console import print_evaluation, print_json
    from unrolled.cli.data import unseen_sequences_for
    from unrolled.evaluation import evaluate as figures_of
    from unrolled.model import Model

    trained = Model.load(model)
    sequences = unseen_sequences_for(trained, data, options)
    evaluation = figures_of(trained, sequences, headline_sequences=headline_sequences)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_evaluation(evaluation)
