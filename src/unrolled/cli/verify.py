"""``unrolled verify``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unrolled.cli.options import AsJson, Quiet

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.", metavar="RUN")],
    last: Annotated[
        bool, typer.Option("--last", help="Replay from the checkpoint before the last, not from the first step.")
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Prove a run by replay: train it again from its recipe and data, and compare the weights bit by bit.

    The exit code is 1 where they differ; the output then names the first step with other figures, and what has changed
    of versions, processor and kernel since the run.
    """
    from unrolled.cli.console import line_printer, out, print_json
    from unrolled.cli.reading import noting
    from unrolled.data.files import SILENT
    from unrolled.runs import verify as replay

    silent = quiet or as_json
    with noting() as observer:
        found = replay(run, last=last, say=line_printer(out(), silent=silent), reading=SILENT if silent else observer)
    if as_json:
        print_json(found.facts())
    elif not quiet:
        out().print(str(found), markup=False)
    if not found.is_same:
        raise typer.Exit(1)
