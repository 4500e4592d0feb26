"""``unrolled train``"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import AsJson, Quiet, RunsFolder, with_config_options

if TYPE_CHECKING:
    from unrolled.runs import Run

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_config_options
def train(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe's name or file, a named data set, or a file of sequences, or several."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with the run in this folder, bit for bit; a new --max-epochs, --patience, … extends it."
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Start from the weights of this model or run (fine-tuning).", metavar="MODEL_OR_RUN"
        ),
    ] = None,
    runs: RunsFolder = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of this run (default: the next number).")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Cross-validation: folds that are trained at a time (default: 1).", min=1)
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that share each batch; the weights are the same bits for any number.", min=1)
    ] = 1,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Train a network and evaluate it on held-out data.

    WHAT is a recipe (`unrolled recipes`), a data set (`unrolled datasets`),
    or a file or folder of labelled sequences; - is standard input, read as CSV.
    Several files, as from *.csv, are one data set.
    Every other option replaces the recipe's value of a field;
    `unrolled recipes show NAME` prints the values of a recipe.
    """
    from unrolled.cli.console import line_printer, notes, out
    from unrolled.cli.reading import reading_bar
    from unrolled.cli.watching import watcher
    from unrolled.data.files import SILENT
    from unrolled.data.formats import pattern_of
    from unrolled.runs import EXTENDING, RunFolder, follow, launched, recipe_for
    from unrolled.runs import resume as go_on
    from unrolled.runs import train as begin
    from unrolled.training.recorders import PlainLines, ProgressBar, Recorder

    place = launched()
    if place is not None and place.rank:  # the first worker reads all that was typed, and hands it out
        follow(place)
        return
    if bool(what) == (resume is not None):
        raise typer.BadParameter("give either WHAT to train, or --resume RUN.")
    if resume is not None and start is not None:
        raise typer.BadParameter("--resume goes on with a run, --from begins a new one; give one of them.")
    other = [name for name in options if name not in EXTENDING]
    if resume is not None and other:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in EXTENDING)
        flag = other[0].replace("_", "-")
        raise typer.BadParameter(f"--resume goes on with the run's own settings, but for {flags}; leave out --{flag}.")
    silent = quiet or as_json
    if place is not None:
        workers = place.count
        again = begun(runs, what, name) if place.restarts and resume is None else None
        if again is not None:  # by the settings that it began with
            resume, options = again, {}
    asked = RunFolder.open(resume).read_config()[0] if resume else recipe_for(pattern_of(what or []))
    recipe = asked.with_options(options)
    console = notes()
    recorders: list[Recorder] = []
    if console.is_terminal and not silent:
        recorders = [ProgressBar(console)]
    elif recipe.train.print_style == "progress" and not silent:  # the tutorials' recipes print lines of their own
        recorders = [PlainLines(console)]
    say = line_printer(out(), silent=silent)
    work: dict[str, Any] = {"jobs": jobs, "workers": workers, "watcher": watcher(console, silent=silent)}
    with reading_bar(console) as bar:
        reading = SILENT if silent else bar
        if resume is not None:
            run = go_on(resume, recorders=recorders, say=say, reading=reading, **work, **options)
        else:
            own = {**options, **work}
            run = begin(asked, start=start, runs=runs, name=name, recorders=recorders, say=say, reading=reading, **own)
    print_run(run, quiet=quiet, as_json=as_json)


def begun(runs: Path, what: list[str] | None, name: str | None) -> Path | None:
    """The run that a command began before torchrun repeated it; None if it did not come that far."""
    from unrolled.data.formats import pattern_of
    from unrolled.runs import list_runs, recipe_for

    recipe = recipe_for(pattern_of(what or []))
    own = [run for run in list_runs(runs) if run.path.parent.name == recipe.name and name in (None, run.path.name)]
    return max((run.path for run in own), key=lambda path: path.stat().st_mtime, default=None)


def print_run(run: Run, *, quiet: bool, as_json: bool) -> None:
    """How the training ended, its figures, and the commands for the next steps."""
    from unrolled.cli.console import out, print_evaluation, print_json

    evaluation = run.evaluation
    if as_json:
        figures = evaluation.to_dict() if evaluation else None
        training = run.model.facts
        facts = {"run": str(run.folder.path), "method": training.method, "ended": training.training["ended"]}
        print_json({**facts, "seconds": run.seconds, "evaluation": figures})
    if quiet or as_json:
        return
    out().print(run.in_words())
    if evaluation is not None:
        out().print()
        print_evaluation(evaluation)
    _print_next(run)


def _print_next(run: Run) -> None:
    """The commands for the next steps."""
    from unrolled.cli.console import out

    folder, source = shlex.quote(str(run.folder.path)), shlex.quote(run.recipe.data.source)
    page = f"\nreport    {run.folder.report}" if run.recipe.train.report else ""
    curves = f"\ncurves    tensorboard --logdir {folder}/tensorboard" if run.recipe.train.tensorboard else ""
    tested = "" if run.recipe.data.folds else f"evaluate  unrolled evaluate {folder} {source}\n"
    out().print(
        f"{page}{curves}\npredict   unrolled predict {folder} {source}\n{tested}"
        f"resume    unrolled train --resume {folder}"
    )
