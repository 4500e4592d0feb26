"""``unrolled datasets``"""

from __future__ import annotations

import typer

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def datasets() -> None:
    """List the named data sets and their options."""
    from unrolled.cli.console import print_table
    from unrolled.data.sources import SOURCES

    rows = [
        [name, source.description, " ".join(f"--{option.replace('_', '-')}" for option in source.options)]
        for name, source in SOURCES.items()
    ]
    print_table(["data set", "what it is", "options"], rows, left=3)
