"""``unrolled runs``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unrolled.cli.options import AsJson, RunsFolder

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def runs(
    folder: Annotated[Path | None, typer.Argument(help="The folder of all run folders.", metavar="RUNS")] = None,
    runs: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List the runs: how far each is, how good, the time left at most, and the command that goes on with it."""
    from unrolled.cli.console import in_time, out, print_json, print_table
    from unrolled.runs import RunState, list_runs

    folder = folder or runs
    found = list_runs(folder)
    if as_json:
        print_json([run.to_dict() for run in found])
        return

    def row(run: RunState) -> list[str]:
        epochs = f"{run.epoch}/{run.epochs}" if run.epochs else f"{run.epoch}"
        if run.folds is not None and run.folds[0] < run.folds[1]:
            epochs = "fold {}/{}".format(*run.folds)
        figure = "–" if run.figure is None else f"{run.figure_of} {100 * run.figure:.1f} %"
        left = "–" if not run.seconds_left else in_time(run.seconds_left)
        return [str(run.path), run.state, epochs, figure, left]

    if not found:
        out().print(f"there are no runs in {folder}; `unrolled train` makes them")
        return
    print_table(["run", "state", "epoch", "accuracy", "time left"], [row(run) for run in found], left=2)
    for run in found:
        if run.state != "finished":  # on a line of its own, to be copied
            out().print(f"{run.state:9} {run.command}")
