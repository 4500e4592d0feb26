"""``unrolled report``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unrolled.cli.options import Quiet

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    output: Annotated[Path | None, typer.Option(help="The page (default: report.html in RUN).")] = None,
    number: Annotated[
        int | None, typer.Option(help="Show the network at work on the test sequence with this number, from 0.", min=0)
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the report of a run: one self-contained HTML page for any browser, also without a network.

    It has figures with intervals and baselines, the confusion matrix, calibration, the most confident mistakes with
    their running probabilities, the gates of the network at work, and the command to repeat the run.
    """
    from unrolled.cli.console import out
    from unrolled.runs import report as write

    path = write(run, output=output, case=number)
    if not quiet:
        out().print(f"wrote {path}")
