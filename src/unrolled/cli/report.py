"""``unrolled report``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.", metavar="RUN")],
    output: Annotated[Path | None, typer.Option(help="Write the page here; otherwise report.html in RUN.")] = None,
    case: Annotated[
        int | None, typer.Option(help="Look inside at the test sequence of this number, from 0.", min=0)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Write a run's report: one self-contained HTML page, to be opened in any browser, also without a network.

    Figures with intervals and baselines, what is taken for what, calibration, the most confident mistakes with the
    belief over their steps, a look inside the network, and how to repeat the run.
    """
    from unrolled.cli.console import out
    from unrolled.runs import report as write

    path = write(run, output=output, case=case)
    if not quiet:
        out().print(f"wrote {path}", markup=False)
