"""``unrolled compare``"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import AsJson, Quiet, RunsFolder, with_list_options
from unrolled.errors import RunError

if TYPE_CHECKING:
    from unrolled.comparison import Comparison, ReferenceClassifier

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)

_LONGEST_NAME = 12


class Features(StrEnum):
    """Forms of a sequence for a reference classifier."""

    auto = "auto"
    flattened = "flattened"
    summary = "summary"
    tokens = "tokens"
    padded = "padded"
    channels_first = "channels-first"


@app.command()
@with_list_options
def compare(
    what: Annotated[
        list[str], typer.Argument(help="Runs, or a recipe, data set or file for training.", metavar="RUN RUN …|DATA")
    ],
    against: Annotated[
        list[str] | None,
        typer.Option(help="Add a classifier of scikit-learn: sklearn:NAME[,parameter=value,…]. May be repeated."),
    ] = None,
    features: Annotated[
        Features, typer.Option(help="Form in which such a classifier gets each sequence.", case_sensitive=False)
    ] = Features.auto,
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Allow runs with different test sequences.")] = False,
    pool_seeds: Annotated[
        bool, typer.Option("--pool-seeds", help="Treat runs that differ only in their seed as one.")
    ] = False,
    seeds: Annotated[int, typer.Option(help="Train each setting with this many seeds, from --seed on.", min=1)] = 1,
    jobs: Annotated[
        int | None, typer.Option(help="Trainings at once (default: as many as the cores allow).", min=1)
    ] = None,
    runs: RunsFolder = Path("runs"),
    output: Annotated[Path, typer.Option(help="The folder of comparison.json, .md and .png.")] = Path("comparison"),
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Compare classifiers on the same test sequences: differences with intervals and tests, costs, a plot.

    RUNs are compared as they are. With DATA (a recipe, a data set, a file), every combination of settings is trained
    first, such as `--cell gru,lstm --num-layers 1,2 --seeds 5`. Finished runs are not trained again, so the same
    command goes on after a stop.
    """
    from unrolled.cli.console import notes, print_json
    from unrolled.comparison import named_reference, write_comparison

    references = [named_reference(text, features.value) for text in against or []]
    failures: tuple[str, ...] = ()
    if _are_runs(what):
        _refuse_training(options, seeds, jobs)
        from unrolled.comparison import compare as compare_runs

        comparison = compare_runs(what, against=references, unpaired=unpaired, pool_seeds=pool_seeds)
    else:
        if unpaired or pool_seeds:
            raise typer.BadParameter("--unpaired and --pool-seeds are for runs; settings have the same test sequences.")
        comparison, failures = _train(what[0], options, seeds, references, runs, jobs, silent=quiet or as_json)
    write_comparison(comparison, output)
    if as_json:
        print_json({**comparison.to_dict(), "failures": list(failures)})
    elif not quiet:
        _print(comparison)
        notes().print(f"wrote {output}/comparison.png, .md and .json")
    if failures:
        raise RunError(f"{len(failures)} of the trainings failed and are not in the comparison: {'; '.join(failures)}")


def _are_runs(what: list[str]) -> bool:
    """Whether the arguments are run folders; several arguments always are."""
    return len(what) > 1 or (Path(what[0]) / "config.json").is_file()


def _refuse_training(options: dict[str, Any], seeds: int, jobs: int | None) -> None:
    """Raises an error for options of a training, which finished runs do not need."""
    given = [*options, *(["seeds"] if seeds > 1 else []), *(["jobs"] if jobs else [])]
    if given:
        flag = given[0].replace("_", "-")
        raise typer.BadParameter(f"runs are compared as they are; leave out --{flag}, or give data for training.")


def _train(
    what: str,
    options: dict[str, Any],
    seeds: int,
    references: list[ReferenceClassifier],
    runs: Path,
    jobs: int | None,
    *,
    silent: bool,
) -> tuple[Comparison, tuple[str, ...]]:
    """Trains and compares the grid of the options' values; also returns a line for each training that failed."""
    from unrolled.cli.console import line_printer, notes
    from unrolled.cli.watching import watcher
    from unrolled.comparison import compare_settings

    console = notes()
    result = compare_settings(
        what,
        options,
        seeds=seeds,
        against=references,
        runs=runs,
        jobs=jobs,
        watcher=watcher(console, silent=silent),
        say=line_printer(console, silent=silent),
    )
    return result.comparison, result.failures


def _print(comparison: Comparison) -> None:
    """Both tables, the verdict, and the notes."""
    from unrolled.cli.console import out, print_note, print_table
    from unrolled.comparison import PAIR_HEADERS, ROW_HEADERS, legend, pair_cells, row_cells, shown_pairs, tested_on

    labels = _labels(comparison)
    if labels:
        for name, letter in labels.items():
            out().print(f"{letter}  {name}")
        out().print()
    rows = [row_cells(row, labels.get(row.name)) for row in comparison.rows]
    used = [index for index in range(len(ROW_HEADERS)) if any(row[index] for row in rows)]
    out().print(f"figures of {tested_on(comparison)}:")
    print_table([ROW_HEADERS[index] for index in used], [[row[index] for index in used] for row in rows])
    out().print()
    pairs = shown_pairs(comparison)
    print_table(["difference", *PAIR_HEADERS[1:]], [pair_cells(pair, labels) for pair in pairs])
    out().print(f"({legend(comparison)})\n")
    out().print(pairs[0].sentence if len(pairs) == 1 else comparison.verdict)
    for note in comparison.notes:
        print_note(note)


def _labels(comparison: Comparison) -> dict[str, str]:
    """A letter or number for each name, if names are too long for the tables."""
    names = [row.name for row in comparison.rows]
    if max(map(len, names)) <= _LONGEST_NAME:
        return {}
    return {name: chr(ord("A") + index) if len(names) <= 26 else str(index + 1) for index, name in enumerate(names)}
