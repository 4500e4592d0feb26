"""``unrolled evaluate``"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import AsJson, ModelFolder, Novelty, with_file_options

if TYPE_CHECKING:
    from unrolled.data import Sequences
    from unrolled.model import Model
    from unrolled.statistics import Proportion

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
        list[str] | None,
        typer.Argument(help="Files of labelled sequences, or a named data set (default: the model's own data)."),
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
    novelty: Novelty = None,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Measure a trained model: accuracy with its interval, baselines, and a row for each class.

    Sequences that the model was trained on or validated by are known by their content, whatever the file's name, and
    left out; --part train asks for them.
    """
    from dataclasses import asdict

    from unrolled.cli.console import out, print_evaluation, print_json
    from unrolled.cli.data import chosen_sequences_for
    from unrolled.data.formats import pattern_of
    from unrolled.evaluation import evaluate as figures_of
    from unrolled.model import Model

    trained = Model.load(model)
    sequences = chosen_sequences_for(trained, pattern_of(data) if data else None, options, part.value)
    evaluation = figures_of(trained, sequences, headline_sequences=headline_sequences)
    found = None if novelty is None else novel_share(trained, sequences, novelty)
    if as_json:
        print_json({**evaluation.to_dict(), **({} if found is None else {"novel": asdict(found)})})
        return
    print_evaluation(evaluation)
    if found is not None:
        out().print(f"\nunlike all training data, at {100 * (novelty or 0):g} % of false alarms: {found}")


def novel_share(model: Model, sequences: Sequences, rate: float) -> Proportion:
    """The share of sequences that the model takes for none of its classes."""
    from unrolled.statistics import Groups, share

    model.check_novelty(rate)
    novel = model.familiarity(sequences) <= rate
    return share(novel, Groups.of(sequences.groups, len(novel)))
