"""``unrolled tune``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import AsJson, Quiet, RunsFolder, with_config_options

if TYPE_CHECKING:
    from unrolled.tuning import Tuning

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_config_options
def tune(
    what: Annotated[str, typer.Argument(help="A recipe's name or file, a named data set, or a file of sequences.")],
    trials: Annotated[int, typer.Option(help="Number of finished trials at which the search ends.", min=1)] = 50,
    time_limit: Annotated[
        str | None,
        typer.Option(help="Time after which no further trial begins, such as 90m or 2h (a number: seconds)."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Trials at once (default: as many as the cores allow).", min=1)
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="A SQLite file, or the URL of a database that several machines share.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the study; its folder is RUNS/RECIPE/NAME.")] = "tuning",
    runs: RunsFolder = Path("runs"),
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Search for the settings with the best results on validation sequences; test sequences are not used.

    The recipe's section [tune] names the fields to search; without it these are cell, size, layers, dropout, batch
    size, learning rate and weight decay. Every other option fixes a field. After a stop, the same command goes on
    with the study. It needs the extra `tune` (`unrolled info`).
    """
    from unrolled.cli.console import line_printer, notes, print_json
    from unrolled.cli.watching import watcher
    from unrolled.tuning import tune as search

    silent = quiet or as_json
    console = notes()
    found = search(
        what,
        trials=trials,
        time_limit=time_limit,
        jobs=jobs,
        storage=storage,
        name=name,
        runs=runs,
        watcher=watcher(console, silent=silent),
        say=line_printer(console, silent=silent),
        **options,
    )
    if as_json:
        print_json({"recipe": str(found.recipe_file), **found.to_dict()})
    elif not quiet:
        _print(found)


def _print(found: Tuning) -> None:
    """The best settings with their importance, and the command to train with them."""
    from unrolled.cli.console import out, print_table

    content = found.to_dict()
    states = [trial.state for trial in found.trials]
    out().print(
        f"best of {len(states)} trials ({states.count('pruned')} stopped early): trial {found.best}, validation "
        f"{found.monitor} {found.value:.4f}\n"
    )
    order = sorted(content["settings"], key=lambda name: -found.importance.get(name, 0.0))
    rows = []
    for name in order:
        value = content["settings"][name]
        share = found.importance.get(name)
        rows.append(
            [name, f"{value:.4g}" if isinstance(value, float) else str(value), "" if share is None else f"{share:.0%}"]
        )
    print_table(["setting", "value", "importance"], rows)
    out().print(f"\ntrain     unrolled train {found.recipe_file}\nlook      {found.folder / 'tuning.png'}")
