"""``unrolled export``"""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import AsJson, ModelFolder, with_file_options

if TYPE_CHECKING:
    from unrolled.export import Exported, Quantized

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


class Format(StrEnum):
    """Formats of the written file."""

    onnx = "onnx"


class Weights(StrEnum):
    """Number formats of quantised weights."""

    int8 = "int8"


@app.command()
@with_file_options(format="--data-format")
def export(
    model: ModelFolder,
    form: Annotated[
        Format, typer.Option("--output-format", "--format", help="Format of the written file.", case_sensitive=False)
    ] = Format.onnx,
    output: Annotated[
        Path | None, typer.Option(help="The file (default: the model's name with .onnx, in this folder).")
    ] = None,
    streaming: Annotated[
        bool, typer.Option("--stream", help="Export one step; its state is an input and an output of every call.")
    ] = False,
    quantize: Annotated[
        Weights | None,
        typer.Option(
            help="Round the weights to 8 bits, and measure the accuracy before and after.", case_sensitive=False
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="For --quantize: labelled sequences (default: those held out of the training)."),
    ] = None,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Write a model as one file that runs without this package, and compare its outputs with the model's.

    The file takes padded sequences of any lengths and gives labels and probabilities; it includes the preparation of
    the values. docs/export.md describes its inputs and outputs, and has programs that use it. It needs the extra
    `export` (`unrolled info`).
    """
    from unrolled.cli.console import print_json
    from unrolled.cli.data import chosen_sequences_for
    from unrolled.export import export_onnx
    from unrolled.model import Model, find_model

    if quantize is None and (data is not None or options):
        raise typer.BadParameter("--data and the options on how to read it are for --quantize.")
    trained = Model.load(model)
    sequences = None if quantize is None else chosen_sequences_for(trained, data, options)
    path = output or Path(f"{_name(find_model(model))}{'-stream' if streaming else ''}.{form.value}")
    exported = export_onnx(trained, path, streaming=streaming, int8_data=sequences)
    if as_json:
        print_json({**asdict(exported), "path": str(exported.path)})
    else:
        _print(exported)


def _name(folder: Path) -> str:
    """The name of a model: that of its run's recipe, or of its folder."""
    folder = folder.resolve()
    run = next((parent for parent in folder.parents[:2] if (parent / "config.json").exists()), None)
    return folder.name if run is None else run.parent.name


def _print(exported: Exported) -> None:
    from unrolled.cli.console import out

    console, check = out(), exported.check
    console.print(
        f"inputs   {_values(exported.inputs)}\n"
        f"outputs  {_values(exported.outputs)}\n"
        f"checked  in ONNX Runtime on {check.sequences} sequences of 1 to {check.longest} steps, in batches of\n"
        f"         several sizes: labels equal the model's, probabilities differ by {check.difference:.0e} at most"
    )
    if exported.quantized is not None:
        _print_quantized(exported.quantized, exported.size_bytes)
    console.print(f"wrote {exported.path} ({_size(exported.size_bytes)})")


def _print_quantized(quantized: Quantized, size_bytes: int) -> None:
    from unrolled.cli.console import out, print_table, share_cells
    from unrolled.statistics import counted

    out().print()
    rows = [
        ["float32", *share_cells(quantized.original), _size(quantized.size_bytes)],
        ["int8", *share_cells(quantized.int8), _size(size_bytes)],
    ]
    headers = [
        f"on {counted(quantized.original.cases, quantized.groups)}",
        "accuracy",
        "95 % interval (Wilson)",
        "wrong",
        "file",
    ]
    print_table(headers, rows)
    same = quantized.agreement
    out().print(f"both predict the same label for {same.count:,} of {same.cases:,}\n")


def _values(values: dict[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{name} [{', '.join(axes)}]" for name, axes in values.items())


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"
