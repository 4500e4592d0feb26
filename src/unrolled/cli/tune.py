"""``unrolled tune``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import with_config_options

if TYPE_CHECKING:
    from unrolled.tuning import Tuning

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_config_options
def tune(
    what: Annotated[str, typer.Argument(help="A recipe's name or file, a named data set, or a file of sequences.")],
    trials: Annotated[int, typer.Option(help="Finished trials that the study is to have.", min=1)] = 50,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no further trial is begun.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Trials at once; by default as many as cores allow.", min=1)] = None,
    storage: Annotated[
        str | None, typer.Option(help="A SQLite file, or a database's URL that several machines share.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the study, and of its folder RUNS/RECIPE/NAME.")] = "tuning",
    runs: Annotated[Path, typer.Option(help="Where the folder goes.")] = Path("runs"),
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON, and nothing else.")] = False,
    *,
    options: dict[str, Any],
) -> None:
    """Search for the settings that do best on validation data; the test data take no part in it.

    What is searched stands in the recipe's section [tune]; without one, cell, size, layers, dropout, batch size,
    learning rate and weight decay. Every other option sets a field, which is then not searched. The same command
    goes on with a study that was stopped.
    """
    from unrolled.cli.console import notes, print_json
    from unrolled.cli.watching import watcher
    from unrolled.tuning import tune as search

    silent = quiet or as_json
    console = notes()
    found = search(
        what,
        trials=trials,
        timeout=timeout,
        jobs=jobs,
        storage=storage,
        name=name,
        runs=runs,
        watcher=watcher(console, silent=silent),
        say=None if silent else lambda line: console.print(line, markup=False),
        **options,
    )
    if as_json:
        print_json({"recipe": str(found.recipe_file), **found.to_dict()})
    elif not quiet:
        _print(found)


def _print(found: Tuning) -> None:
    """The best settings with what mattered, and the command to go on with."""
    from unrolled.cli.console import out, print_table

    content = found.to_dict()
    states = [trial.state for trial in found.trials]
    out().print(
        f"best of {len(states)} trials ({states.count('pruned')} given up early): trial {found.best}, validation "
        f"{found.monitor} {found.value:.4f}\n",
        markup=False,
    )
    order = sorted(content["settings"], key=lambda name: -found.importance.get(name, 0.0))
    rows = []
    for name in order:
        value = content["settings"][name]
        share = found.importance.get(name)
        rows.append(
            [name, f"{value:.4g}" if isinstance(value, float) else str(value), "" if share is None else f"{share:.0%}"]
        )
    print_table(["setting", "value", "mattered"], rows)
    out().print(
        f"\ntrain     unrolled train {found.recipe_file}\nlook      {found.folder / 'tuning.png'}", markup=False
    )
