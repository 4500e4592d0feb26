"""``unrolled finish``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unrolled.cli.options import AsJson, Quiet

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def finish(
    run: Annotated[Path, typer.Argument(help="The folder of a run that is not finished.", metavar="RUN")],
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """End a run before its length: its best weights so far become a model, with figures and report.

    A run that was stopped is ended here. One that is being trained is ended by the process that trains it.
    `unrolled train --resume RUN` still goes on with it.
    """
    from unrolled.cli.console import line_printer, out, print_json
    from unrolled.cli.reading import noting
    from unrolled.cli.train import print_run
    from unrolled.data.files import SILENT
    from unrolled.runs import finish as end

    silent = quiet or as_json
    with noting() as observer:
        ended = end(run, say=line_printer(out(), silent=silent), reading=SILENT if silent else observer)
    if ended is not None:
        print_run(ended, quiet=quiet, as_json=as_json)
    elif as_json:
        print_json({"run": str(run), "ended": None})
    elif not quiet:
        out().print(f"asked the process that trains in {run} to end; follow it with: unrolled watch {run}")
