"""``unrolled train``"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from unrolled.cli.options import AsJson, Quiet, RunsFolder, with_config_options

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_config_options
def train(
    what: Annotated[
        str | None, typer.Argument(help="A recipe's name or file, a named data set, or a file of sequences.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder, bit for bit.")] = None,
    runs: RunsFolder = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of this run (default: the next number).")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Cross-validation: folds that are trained at a time (default: 1).", min=1)
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Train a network and evaluate it on held-out data.

    WHAT is a recipe (`unrolled recipes`), a data set (`unrolled datasets`),
    or a file or folder of labelled sequences; - is standard input, read as CSV.
    Every other option replaces the recipe's value of a field;
    `unrolled recipes show NAME` prints the values of a recipe.
    """
    from unrolled.cli.console import line_printer, notes, out, print_evaluation, print_json
    from unrolled.cli.reading import reading_bar
    from unrolled.cli.watching import watcher
    from unrolled.data.files import SILENT
    from unrolled.runs import RunFolder, recipe_for
    from unrolled.runs import resume as go_on
    from unrolled.runs import train as begin
    from unrolled.training.recorders import PlainLines, ProgressBar, Recorder

    if (what is None) == (resume is None):
        raise typer.BadParameter("give either WHAT to train, or --resume RUN.")
    if resume is not None and options:
        flag = next(iter(options)).replace("_", "-")
        raise typer.BadParameter(f"--resume goes on with the run's own settings; leave out --{flag}.")
    silent = quiet or as_json
    asked = RunFolder.open(resume).read_config()[0] if resume else recipe_for(what or "")
    recipe = asked.with_options(options)
    console = notes()
    recorders: list[Recorder] = []
    if console.is_terminal and not silent:
        recorders = [ProgressBar(console)]
    elif recipe.train.output == "progress" and not silent:  # the tutorials' recipes print lines of their own
        recorders = [PlainLines(console)]
    say = line_printer(out(), silent=silent)
    folds: dict[str, Any] = {"jobs": jobs, "watcher": watcher(console, silent=silent)}
    with reading_bar(console) as bar:
        reading = SILENT if silent else bar
        if resume is not None:
            run = go_on(resume, recorders=recorders, say=say, reading=reading, **folds)
        else:
            own = {**options, **folds}
            run = begin(asked, runs=runs, name=name, recorders=recorders, say=say, reading=reading, **own)
    evaluation = run.evaluation
    if as_json:
        figures = evaluation.to_dict() if evaluation else None
        facts = {"run": str(run.folder.path), "method": run.model.facts.method, "seconds": run.seconds}
        print_json({**facts, "evaluation": figures})
    if silent:
        return
    out().print(run.in_words())
    if evaluation is not None:
        out().print()
        print_evaluation(evaluation)
    _print_next(run)


def _print_next(run: Any) -> None:
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
