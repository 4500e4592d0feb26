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

from unrolled.cli.options import ModelFolder, Novelty, with_file_options

if TYPE_CHECKING:
    from unrolled.data import Sequences
    from unrolled.model import Model, Probabilities

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


class By(StrEnum):
    """What has a prediction of its own in long recordings."""

    window = "window"
    step = "step"


class Format(StrEnum):
    """Formats of predictions."""

    csv = "csv"
    jsonl = "jsonl"


@app.command()
@with_file_options(format="--data-format")
def predict(
    model: ModelFolder,
    data: Annotated[list[str] | None, typer.Argument(help="Files of sequences, or a named data set.")] = None,
    sequence: Annotated[
        str | None, typer.Option(help="One sequence: a text, 0110, or 0.1,0.2:1,1.5 with : between channels.")
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Give the probabilities after every step.")] = False,
    by: Annotated[
        By | None,
        typer.Option(
            help="A model of windows: a label for each window (default), or for each step by all windows over it.",
            case_sensitive=False,
        ),
    ] = None,
    number: Annotated[int | None, typer.Option(help="Only the sequence with this number, from 0.", min=0)] = None,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    output_format: Annotated[
        Format, typer.Option(help="Form of the predictions: CSV, or one JSON object per line.", case_sensitive=False)
    ] = Format.csv,
    form: Annotated[str | None, typer.Option("--format", hidden=True)] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw one sequence and its running probabilities as a PNG file.")
    ] = None,
    novelty: Novelty = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Read one step per line from standard input, and answer each at once.")
    ] = False,
    decide: Annotated[
        float | None,
        typer.Option(
            help="With --stream: stop once a class has this probability. The report says how often such decisions are "
            "right, and which probability keeps a promised error ('How early').",
            min=0,
            max=1,
        ),
    ] = None,
    at_least: Annotated[int, typer.Option(help="With --decide: read this many steps first.", min=1)] = 5,
    state: Annotated[
        Path | None,
        typer.Option(help="With --stream: go on from this file (.npz or .json) if it exists, and write it at the end."),
    ] = None,
    stream_window: Annotated[
        int | None,
        typer.Option(
            help="With --stream: read the last so many steps anew for each answer, and forget the rest.", min=1
        ),
    ] = None,
    reset_every: Annotated[
        int | None, typer.Option(help="With --stream: begin anew after so many steps.", min=1)
    ] = None,
    reset_after: Annotated[
        str | None,
        typer.Option(help="With --stream: begin anew after so long without a step, such as 5s.", metavar="TIME"),
    ] = None,
    *,
    options: dict[str, Any],
) -> None:
    """Predict class and probabilities of each sequence; with --steps, after each of its steps.

    With --novelty 0.05 each answer has its familiarity, the share of validation
    sequences that are at least as unlike the training data, and whether it is
    novel: none of the classes. A model of windows gives each window of a
    recording a label, with its first and last step.
    With --stream the steps come from standard input, one per line, its values
    separated by commas; an empty line begins a new sequence.
    """
    from unrolled.cli.data import sequences_for
    from unrolled.data.formats import pattern_of
    from unrolled.model import Model
    from unrolled.storage import write_bytes, write_text

    if form is not None:
        output_format, options = _meant(form, output_format, options)
    if data and sequence is not None:
        raise typer.BadParameter("give either DATA or --sequence, not both.")
    if stream:
        if any((data, sequence, steps, by, number is not None, output, plot, novelty is not None, *options)):
            raise typer.BadParameter("--stream reads standard input and writes standard output; give no other data.")
        how = {"window": stream_window, "reset_every": reset_every, "reset_after": reset_after}
        _stream(Model.load(model), output_format, decide, at_least, state, how)
        return
    if any(value is not None for value in (decide, state, stream_window, reset_every, reset_after)):
        raise typer.BadParameter("--decide, --state, --stream-window, --reset-every and --reset-after need --stream.")
    trained = Model.load(model)
    origin = pattern_of(data) if data else None
    sequences = trained.parse(sequence) if sequence is not None else sequences_for(trained, origin, options)
    if number is not None:
        sequences = _one(sequences, number)
    if plot is not None:
        from unrolled.drawing import draw_prediction, to_png

        write_bytes(plot, to_png(draw_prediction(trained, _one(sequences, 0))))
        _say(f"drew {plot}")
        return
    if novelty is not None and (steps or by is By.step):
        raise typer.BadParameter("--novelty judges whole sequences; leave out --steps and --by step.")
    if by is By.step:
        rows, places, known = _recording_rows(trained, sequences)
    else:
        rows = (_step_rows if steps else _rows)(trained, sequences, number or 0)
        places = [*_name(sequences, 0, 0), *(["step"] if steps else [])]
        known = {} if steps or sequence is not None else _known(trained, sequences)
    if novelty is not None:
        known |= _novelty(trained, sequences, novelty)
    lines = _lines(trained, rows, places, output_format, known)
    if output is None:
        sys.stdout.writelines(lines)
        sys.stdout.flush()
    else:
        write_text(output, "".join(lines))
        _say(f"wrote {len(sequences):,} predictions to {output}")


def _meant(form: str, output: Format, options: dict[str, Any]) -> tuple[Format, dict[str, Any]]:
    """The form of the predictions and how to read the data, by ``--format``, which once meant the former."""
    if form not in list(Format):
        return output, {"format": form, **options}
    from warnings import warn

    from unrolled.errors import RenamedWarning

    warn("--format of predictions is now called --output-format; the data's is --data-format.", RenamedWarning, 2)
    return Format(form), options


def _stream(
    model: Model, form: Format, decide: float | None, at_least: int, state: Path | None, how: dict[str, Any]
) -> None:
    from unrolled.cli.stream import running_probabilities, until_decided

    with closing(running_probabilities(model, sys.stdin.buffer, state, _say, **how)) as rows:
        shown = rows if decide is None else until_decided(rows, decide, at_least, _say)
        for line in _lines(model, shown, ["case", "step"], form):
            sys.stdout.write(line)
            sys.stdout.flush()


def _say(note: str) -> None:
    typer.echo(note, err=True)


Row = tuple[Mapping[str, object], "Probabilities"]
"""The place of an answer (the sequence's number, its id, the step), and its probabilities, [C]."""


def _rows(model: Model, sequences: Sequences, first: int) -> Iterator[Row]:
    answers = model.predict_proba(sequences)  # not in the generator: an error must come before any output
    return ((_name(sequences, index, first), probabilities) for index, probabilities in enumerate(answers))


def _step_rows(model: Model, sequences: Sequences, first: int) -> Iterator[Row]:
    model.warn_if_out_of_range(sequences)
    answers = model.predict_steps(sequences)  # as above
    return (
        ({**_name(sequences, index, first), "step": step}, probabilities)
        for index, running in enumerate(answers)
        for step, probabilities in enumerate(running, 1)
    )


def _recording_rows(model: Model, windows: Sequences) -> tuple[Iterator[Row], list[str], dict[str, list[str]]]:
    """The rows of all steps of recordings, the names of their places, and what is known of the steps."""
    import numpy as np

    from unrolled.data import step_means
    from unrolled.errors import UnsupportedError

    cut = windows.cut
    if cut is None:
        raise UnsupportedError("this model was not trained on windows (--window); --steps answers after every step.")
    recordings, named = cut.recordings, cut.recordings.names()
    found = list(step_means(cut, model.predict_proba(windows)))
    known: dict[str, list[str]] = {}
    if recordings.step_labels is not None or recordings.labels is not None:
        truth = [recordings.labels_of_steps(index)[~np.isnan(means[:, 0])] for index, means in found]  # type: ignore[index]
        known["truth"] = [recordings.classes[label] if label >= 0 else "" for label in np.concatenate(truth).tolist()]

    def rows() -> Iterator[Row]:
        for index, means in found:
            times = cut.times(index)
            for step in np.flatnonzero(~np.isnan(means[:, 0])).tolist():
                time = {} if times is None else {"time": times[step]}
                yield {"case": index, "id": named[index], "step": step + 1, **time}, means[step]

    return rows(), ["case", "id", "step", *([] if recordings.step_times is None else ["time"])], known


def _name(sequences: Sequences, index: int, first: int) -> dict[str, object]:
    """The number of a sequence, counted from ``first``, and its id if there are ids; of a window, its place."""
    cut = sequences.cut
    if cut is None:
        return {"case": first + index, **({} if sequences.ids is None else {"id": sequences.ids[index]})}
    owner, begin, end = int(cut.owners[index]), int(cut.begins[index]), int(cut.ends[index])
    times = cut.times(owner)
    name = str(owner) if cut.recordings.ids is None else cut.recordings.ids[owner]
    moments = {} if times is None else {"start_time": float(times[begin]), "end_time": float(times[end - 1])}
    return {"case": first + index, "id": name, "start": begin + 1, "end": end, **moments}


def _novelty(model: Model, sequences: Sequences, rate: float) -> dict[str, list[Any]]:
    """How familiar each sequence is, and whether it is none of the classes at a share of false alarms."""
    familiarity = model.familiarity(sequences)
    model.check_novelty(rate)
    return {"familiarity": familiarity.round(6).tolist(), "novel": (familiarity <= rate).tolist()}


def _known(model: Model, sequences: Sequences) -> dict[str, list[Any]]:
    """What is known of each labelled sequence: its true class, and its part in the model's training."""
    from unrolled.evaluation import Part, parts_of

    if sequences.labels is None:
        return {}
    parts = parts_of(model, sequences)
    known = {"truth": [sequences.classes[label] for label in sequences.labels]}
    return known if parts is None else {**known, "part": [str(Part(part)) for part in parts]}


def _lines(
    model: Model, rows: Iterator[Row], places: list[str], form: Format, known: Mapping[str, list[Any]] | None = None
) -> Iterator[str]:
    """The written lines; ``places`` are the first columns of CSV, ``known`` those behind the predicted label."""
    known = known or {}
    if form is Format.csv:
        yield _csv_line([*places, "label", *known, *(f"p({name})" for name in model.classes)])
    for index, (place, probabilities) in enumerate(rows):
        label, facts = model.classes[int(probabilities.argmax())], {name: of[index] for name, of in known.items()}
        if form is Format.csv:
            cells = [*map(str, place.values()), label, *(_cell(value) for value in facts.values())]
            yield _csv_line([*cells, *(f"{value:.6f}" for value in probabilities)])
        else:
            values = {name: round(float(value), 6) for name, value in zip(model.classes, probabilities, strict=True)}
            yield json.dumps({**place, "label": label, **facts, "probabilities": values}, ensure_ascii=False) + "\n"


def _cell(value: object) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _csv_line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _one(sequences: Sequences, number: int) -> Sequences:
    from unrolled.errors import DataError

    if number >= len(sequences):
        raise DataError(
            f"--number {number}: there are {len(sequences)} sequences, numbered from 0 to {len(sequences) - 1}."
        )
    return sequences.take(slice(number, number + 1))
