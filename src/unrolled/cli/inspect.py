"""``unrolled inspect``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import AsJson, with_file_options

if TYPE_CHECKING:
    from unrolled.data import Inspection, PreviewSequence

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)

_MOST_CLASSES = 30
_MOST_SYMBOLS = 12
_SHADES = " .:-=+*#%@"


@app.command()
@with_file_options()
def inspect(
    paths: Annotated[
        list[str],
        typer.Argument(help="A file or folder of sequences, or several files; - for standard input.", metavar="PATH"),
    ],
    test: Annotated[
        Path | None, typer.Option(help="A file of test sequences: count those that stand in the file too.")
    ] = None,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Show the content of a file: sequences, classes, channels, lengths, missing values, a preview, and problems."""
    from unrolled.cli.console import notes, print_json
    from unrolled.cli.data import data_config
    from unrolled.cli.reading import reading_bar
    from unrolled.data import inspect as inspect_file
    from unrolled.data.formats import pattern_of

    with reading_bar(notes()) as bar:
        given = options if test is None else {**options, "test": str(test)}
        inspection = inspect_file(pattern_of(paths), data_config(given), observer=bar)
    if as_json:
        print_json(inspection.to_dict())
    else:
        _print(inspection)


def _print(found: Inspection) -> None:
    from unrolled.cli.console import out, print_table

    lengths = f"{found.length_min}"
    if found.length_max > found.length_min:
        lengths = f"{found.length_min} to {found.length_max}, median {found.length_median:g}"
    channels = ", ".join(found.channels[:8]) + (", …" if len(found.channels) > 8 else "")
    values = "none is finite" if found.value_min is None else f"{found.value_min:.6g} to {found.value_max:.6g}"
    lines = [
        f"{found.path}: {found.format}",
        f"sequences  {found.cases:,}, {found.steps:,} steps in all",
        f"lengths    {lengths}",
    ]
    if found.symbols is None:
        lines.append(f"channels   {len(found.channels)} ({channels})")
        lines.append(f"values     {values}")
        lines.append(f"missing    {found.missing_count:,}{_where(found.missing_first)}")
    else:
        lines.append(f"symbols    {len(found.symbols):,} ({_symbols(found.symbols)})")
    lines[1:1] = [f"read as    {note.removeprefix(f'{Path(found.path).name}: ')}" for note in found.notes]
    out().print("\n".join(lines))
    if found.class_counts is None:
        out().print("labels     none")
    else:
        pairs = list(zip(found.classes, found.class_counts, strict=True))
        print_table(["class", "sequences"], [[name, f"{count:,}"] for name, count in pairs[:_MOST_CLASSES]])
        if len(pairs) > _MOST_CLASSES:
            out().print(f"… and {len(pairs) - _MOST_CLASSES} more classes")
    plain = found.pictures or found.symbols is not None
    show = _picture if found.pictures else _steps if found.symbols is None else _text
    out().print("\nthe first sequences" + ("" if plain else " (a step in brackets)") + ":")
    for sequence in found.preview:
        label = "" if sequence.label is None else f" label {sequence.label!r},"
        out().print(f"  {sequence.case}:{label} {sequence.length} steps{show(sequence)}")
    for finding in found.findings:
        out().print(f"note: {finding}")


def _steps(sequence: PreviewSequence) -> str:
    """The values of the first steps, each step in brackets."""
    shown = " ".join("[" + " ".join(_number(value) for value in step) + "]" for step in sequence.values)
    return f": {shown}{' …' if sequence.length > len(sequence.values) else ''}"


def _text(sequence: PreviewSequence) -> str:
    """The beginning of a text."""
    return f": {sequence.text!r}"


def _symbols(symbols: tuple[str, ...]) -> str:
    return ", ".join(map(repr, symbols[:_MOST_SYMBOLS])) + (", …" if len(symbols) > _MOST_SYMBOLS else "")


def _picture(sequence: PreviewSequence) -> str:
    """The picture in characters, two for each pixel so that it is about square."""
    rows = ["".join(2 * _shade(value) for value in step).rstrip() for step in sequence.values]
    return "".join(f"\n      {row}" for row in rows if row)


def _shade(value: float | None) -> str:
    return "?" if value is None else _SHADES[min(int(max(value, 0.0) * len(_SHADES)), len(_SHADES) - 1)]


def _where(place: object) -> str:
    from unrolled.data import Place

    if not isinstance(place, Place):
        return ""
    return f", the first in sequence {place.case}, step {place.step}, channel {place.channel}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"
