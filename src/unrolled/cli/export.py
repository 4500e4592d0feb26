"""``unrolled export``"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import with_file_options

if TYPE_CHECKING:
    from unrolled.export import Exported, Quantized

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


class Format(StrEnum):
    """What can be written."""

    onnx = "onnx"


class Weights(StrEnum):
    """What weights can be rounded to."""

    int8 = "int8"


@app.command()
@with_file_options(format="--data-format")
def export(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL_OR_RUN")],
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.onnx,
    output: Annotated[
        Path | None, typer.Option(help="The file; by default the model's name with .onnx, in this folder.")
    ] = None,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="The step version: its state goes in and out with every call.")
    ] = False,
    quantize: Annotated[
        Weights | None, typer.Option(help="Weights of 8 bits, with the accuracy that is left, measured on DATA.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="For --quantize: labelled sequences; by default what was held out of the training."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
    *,
    options: dict[str, Any],
) -> None:
    """Write a model as one file that runs without this package, after comparing the two.

    The file takes padded sequences of any lengths and gives labels and probabilities; what prepares the values
    is inside. docs/export.md has its inputs and outputs, and programs that use it.
    """
    from unrolled.cli.console import notes, print_json
    from unrolled.cli.data import unseen_sequences_for
    from unrolled.export import export_onnx
    from unrolled.model import Model, find_model

    if quantize is None and (data is not None or options):
        raise typer.BadParameter("--data, and how to read it, are for --quantize.")
    trained = Model.load(model)
    sequences = None
    if quantize is not None:
        chosen = unseen_sequences_for(trained, data, options)
        sequences = chosen.sequences
        if chosen.note is not None:
            notes().print(f"note: {chosen.note}", markup=False)
    path = output or Path(f"{_name(find_model(model))}{'-stream' if streaming else ''}.{form.value}")
    exported = export_onnx(trained, path, streaming=streaming, int8_data=sequences)
    if as_json:
        print_json(_as_dict(exported))
    else:
        _print(exported)


def _name(folder: Path) -> str:
    """What the model in a folder is called: by its run's recipe, or by the folder."""
    folder = folder.resolve()
    return (
        folder.parents[1].name if folder.name == "model" and (folder.parent / "config.json").exists() else folder.name
    )


def _print(exported: Exported) -> None:
    from unrolled.cli.console import out

    console, check = out(), exported.check
    lines = [
        f"inputs   {_values(exported.inputs)}",
        f"outputs  {_values(exported.outputs)}",
        f"checked  in ONNX Runtime on {check.sequences} sequences of 1 to {check.longest} steps, in batches of several",
        f"         sizes: labels equal the model's, probabilities differ by {check.difference:.0e} at most",
    ]
    for line in lines:
        console.print(line, markup=False)
    if exported.quantized is not None:
        _print_quantized(exported.quantized, exported.size_bytes)
    console.print(f"wrote {exported.path} ({_size(exported.size_bytes)})", markup=False)


def _print_quantized(quantized: Quantized, size_bytes: int) -> None:
    from unrolled.cli.console import out, print_table, share_cells

    out().print()
    rows = [
        ["float32", *share_cells(quantized.original), _size(quantized.size_bytes)],
        ["int8", *share_cells(quantized.int8), _size(size_bytes)],
    ]
    headers = [f"on {quantized.original.cases:,} sequences", "accuracy", "95 % interval (Wilson)", "wrong", "file"]
    print_table(headers, rows)
    same = quantized.agreement
    out().print(f"both say the same for {same.count:,} of {same.cases:,}\n", markup=False)


def _values(values: dict[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{name} [{', '.join(axes)}]" for name, axes in values.items())


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def _as_dict(exported: Exported) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(exported), "path": str(exported.path)}
