"""``unrolled predict``"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import with_file_options

if TYPE_CHECKING:
    from unrolled.data import Sequences
    from unrolled.model import Model, Probabilities

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How predictions are written."""

    csv = "csv"
    jsonl = "jsonl"


@app.command()
@with_file_options(format="--data-format")
def predict(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL_OR_RUN")],
    data: Annotated[str | None, typer.Argument(help="A file of sequences, or a named data set.")] = None,
    sequence: Annotated[
        str | None, typer.Option(help="One sequence: a text; or as 0110, or as 0.1,0.2:1,1.5 with : between channels.")
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="The probabilities after every step.")] = False,
    case: Annotated[int | None, typer.Option(help="Only the sequence of this number, from 0.", min=0)] = None,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    form: Annotated[Format, typer.Option("--format", help="CSV, or a JSON object a line.")] = Format.csv,
    plot: Annotated[Path | None, typer.Option(help="Draw one sequence and the belief over its steps as PNG.")] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Read a step a line from standard input; the belief after each at once.")
    ] = False,
    decide: Annotated[
        float | None, typer.Option(help="With --stream: stop once a class is that probable.", min=0, max=1)
    ] = None,
    at_least: Annotated[int, typer.Option(help="With --decide: steps to read first.", min=1)] = 5,
    state: Annotated[
        Path | None,
        typer.Option(help="With --stream: go on from this file (.npz or .json) if it exists; written at the end."),
    ] = None,
    *,
    options: dict[str, Any],
) -> None:
    """Class and probabilities of each sequence; with --steps, after each of its steps.

    With --stream the steps come from standard input, one a line, its values
    separated by commas; an empty line begins a new sequence.
    """
    from unrolled.model import Model
    from unrolled.storage import write_bytes, write_text

    if data is not None and sequence is not None:
        raise typer.BadParameter("give either DATA or --sequence, not both.")
    if stream:
        if any((data, sequence, steps, case is not None, output, plot, *options)):
            raise typer.BadParameter("--stream reads standard input and writes standard output; give no other data.")
        _stream(Model.load(model), form, decide, at_least, state)
        return
    if decide is not None or state is not None:
        raise typer.BadParameter("--decide and --state are for --stream.")
    trained = Model.load(model)
    sequences = trained.parse(sequence) if sequence is not None else _read(trained, data, options)
    if case is not None:
        sequences = _one(sequences, case)
    if plot is not None:
        from unrolled.drawing import draw_prediction, to_png

        write_bytes(plot, to_png(draw_prediction(trained, _one(sequences, 0))))
        typer.echo(f"drew {plot}", err=True)
        return
    first = case or 0
    rows = _step_rows(trained, sequences, first) if steps else _rows(trained, sequences, first)
    places = [*(["case"] if sequences.ids is None else ["case", "id"]), *(["step"] if steps else [])]
    lines = _as_csv(trained, rows, places) if form is Format.csv else _as_json(trained, rows)
    if output is None:
        sys.stdout.writelines(lines)
        sys.stdout.flush()
    else:
        write_text(output, "".join(lines))
        typer.echo(f"wrote {len(sequences):,} predictions to {output}", err=True)


def _read(model: Model, data: str | None, options: Mapping[str, Any]) -> Sequences:
    from unrolled.cli.console import notes
    from unrolled.cli.data import sequences_for
    from unrolled.cli.reading import ReadingBar
    from unrolled.data.files import Notes

    console = notes()
    with ReadingBar(console) as bar:
        return sequences_for(
            model, data, options, Notes(lambda text: console.print(f"note: {text}", markup=False), bar)
        )


def _stream(model: Model, form: Format, decide: float | None, at_least: int, state: Path | None) -> None:
    from unrolled.cli.stream import beliefs, until_decided

    def say(note: str) -> None:
        typer.echo(note, err=True)

    with closing(beliefs(model, sys.stdin.buffer, state, say)) as rows:
        shown = rows if decide is None else until_decided(rows, decide, at_least, say)
        for line in _as_csv(model, shown, ["case", "step"]) if form is Format.csv else _as_json(model, shown):
            sys.stdout.write(line)
            sys.stdout.flush()


Row = tuple[Mapping[str, object], "Probabilities"]
"""Where the probabilities belong (case, id where there is one, step), and the probabilities, [C]."""


def _rows(model: Model, sequences: Sequences, first: int) -> Iterator[Row]:
    answers = model.predict_proba(sequences)  # now: nothing is to be printed before what does not fit is refused
    return ((_name(sequences, index, first), probabilities) for index, probabilities in enumerate(answers))


def _step_rows(model: Model, sequences: Sequences, first: int) -> Iterator[Row]:
    model.warn_if_out_of_range(sequences)
    beliefs = model.predict_steps(sequences)  # now, as above
    return (
        ({**_name(sequences, index, first), "step": step}, probabilities)
        for index, belief in enumerate(beliefs)
        for step, probabilities in enumerate(belief, 1)
    )


def _name(sequences: Sequences, index: int, first: int) -> dict[str, object]:
    """The number of a sequence, counted from the first one's, and its name where it has one."""
    case: dict[str, object] = {"case": first + index}
    return case if sequences.ids is None else {**case, "id": sequences.ids[index]}


def _as_csv(model: Model, rows: Iterator[Row], places: list[str]) -> Iterator[str]:
    yield _csv_line([*places, "label", *(f"p({name})" for name in model.classes)])
    for place, probabilities in rows:
        label = model.classes[int(probabilities.argmax())]
        yield _csv_line([*map(str, place.values()), label, *(f"{value:.6f}" for value in probabilities)])


def _as_json(model: Model, rows: Iterator[Row]) -> Iterator[str]:
    for place, probabilities in rows:
        values = {name: round(float(value), 6) for name, value in zip(model.classes, probabilities, strict=True)}
        label = model.classes[int(probabilities.argmax())]
        yield json.dumps({**place, "label": label, "probabilities": values}, ensure_ascii=False) + "\n"


def _csv_line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _one(sequences: Sequences, case: int) -> Sequences:
    from unrolled.errors import DataError

    if case >= len(sequences):
        raise DataError(
            f"--case {case}: there are {len(sequences)} sequences, numbered from 0 to {len(sequences) - 1}."
        )
    return sequences.take(slice(case, case + 1))
