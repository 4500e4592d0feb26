"""``unrolled compare``"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import with_list_options
from unrolled.errors import RunError

if TYPE_CHECKING:
    from unrolled.comparison import Comparison, ReferenceClassifier

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)

_LONGEST_NAME = 12


class Features(StrEnum):
    """What a classifier of another kind is given."""

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
        list[str], typer.Argument(help="Runs, or a recipe, data set or file to train on.", metavar="RUN RUN …|DATA")
    ],
    against: Annotated[
        list[str] | None,
        typer.Option(help="Also a classifier of scikit-learn: sklearn:NAME[,parameter=value,…]. May be repeated."),
    ] = None,
    features: Annotated[
        Features, typer.Option(help="What such a classifier is given of each sequence.")
    ] = Features.auto,
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Allow runs of different test data.")] = False,
    pool_seeds: Annotated[
        bool, typer.Option("--pool-seeds", help="Runs that differ by their seed alone are one entry.")
    ] = False,
    seeds: Annotated[int, typer.Option(help="Train each setting with so many seeds, from --seed on.", min=1)] = 1,
    jobs: Annotated[
        int | None, typer.Option(help="Trainings at once; by default as many as cores allow.", min=1)
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where run folders go.")] = Path("runs"),
    folder: Annotated[Path, typer.Option(help="Folder for comparison.json, .md and .png.")] = Path("comparison"),
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
    *,
    options: dict[str, Any],
) -> None:
    """Compare classifiers on the same test cases: differences with intervals and tests, costs, a plot.

    With RUNs, these are compared. With DATA (a recipe, a data set, a file), every combination of the settings that
    are given as lists is trained first, such as `--cell gru,lstm --num-layers 1,2 --seeds 5`; runs that are finished
    are not trained again, so the same command goes on after a stop.
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
            raise typer.BadParameter(
                "--unpaired and --pool-seeds are for runs; settings are compared on the same data."
            )
        comparison, failures = _train(what[0], options, seeds, references, runs, jobs, silent=quiet or as_json)
    write_comparison(comparison, folder)
    if as_json:
        print_json({**comparison.to_dict(), "failures": list(failures)})
    elif not quiet:
        _print(comparison)
        notes().print(f"wrote {folder}/comparison.png, .md and .json", markup=False)
    if failures:
        raise RunError(f"{len(failures)} of the trainings failed and are not in the comparison: {'; '.join(failures)}")


def _are_runs(what: list[str]) -> bool:
    """Whether the words are run folders; several words can be nothing else."""
    return len(what) > 1 or (Path(what[0]) / "config.json").is_file()


def _refuse_training(options: dict[str, Any], seeds: int, jobs: int | None) -> None:
    """Options that train mean nothing for runs that are there."""
    given = [*options, *(["seeds"] if seeds > 1 else []), *(["jobs"] if jobs else [])]
    if given:
        flag = given[0].replace("_", "-")
        raise typer.BadParameter(f"runs are compared as they are; leave out --{flag}, or name data to train on.")


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
    """The grid of the options' values, trained and compared; and a line for each training that failed."""
    from unrolled.cli.console import notes
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
        say=None if silent else lambda line: console.print(line, markup=False),
    )
    return result.comparison, result.failures


def _print(comparison: Comparison) -> None:
    """Both tables, whether the differences are ones, and what else must be known."""
    from unrolled.cli.console import notes, out, print_table
    from unrolled.comparison import PAIR_HEADERS, ROW_HEADERS, legend, pair_cells, row_cells, shown_pairs

    labels = _labels(comparison)
    if labels:
        for name, letter in labels.items():
            out().print(f"{letter}  {name}", markup=False)
        out().print()
    cases = " or ".join(dict.fromkeys(f"{row.cases:,}" for row in comparison.rows))
    rows = [row_cells(row, labels.get(row.name)) for row in comparison.rows]
    used = [index for index in range(len(ROW_HEADERS)) if any(row[index] for row in rows)]
    headers = [f"of {cases}", *ROW_HEADERS[1:]]
    print_table([headers[index] for index in used], [[row[index] for index in used] for row in rows])
    out().print()
    pairs = shown_pairs(comparison)
    print_table(["difference", *PAIR_HEADERS[1:]], [pair_cells(pair, labels) for pair in pairs])
    out().print(f"({legend(comparison)})\n", markup=False)
    if len(pairs) == 1:
        out().print(pairs[0].sentence, markup=False)
    else:
        out().print(comparison.verdict, markup=False)
    for note in comparison.notes:
        notes().print(f"note: {note}", markup=False)


def _labels(comparison: Comparison) -> dict[str, str]:
    """A letter or number for each name, where the names are too long for the tables."""
    names = [row.name for row in comparison.rows]
    if max(map(len, names)) <= _LONGEST_NAME:
        return {}
    return {name: chr(ord("A") + index) if len(names) <= 26 else str(index + 1) for index, name in enumerate(names)}
