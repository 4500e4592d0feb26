"""``unrolled evaluate``"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from unrolled.cli.options import AsJson, ModelFolder, with_file_options

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


class PartName(StrEnum):
    """Names of the sequences to evaluate on; see `unrolled.evaluation.Wanted`."""

    held_out = "held-out"
    train = "train"
    validation = "validation"
    test = "test"
    new = "new"
    all = "all"


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
    part: Annotated[
        PartName,
        typer.Option(
            help="The sequences to evaluate on, by their part in the training; held-out: test and new ones.",
            case_sensitive=False,
        ),
    ] = PartName.held_out,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Measure a trained model: accuracy with its interval, baselines, and a row for each class.

    Sequences that the model was trained on or validated by are known by their content, whatever the file's name, and
    left out; --part train asks for them.
    """
    from unrolled.cli.console import print_evaluation, print_json
    from unrolled.cli.data import chosen_sequences_for
    from unrolled.evaluation import evaluate as figures_of
    from unrolled.model import Model

    trained = Model.load(model)
    sequences = chosen_sequences_for(trained, data, options, part.value)
    evaluation = figures_of(trained, sequences, headline_sequences=headline_sequences)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_evaluation(evaluation)
