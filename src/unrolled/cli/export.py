"""``unrolled export``"""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrolled.cli.options import AsJson, ModelFolder, with_file_options

if TYPE_CHECKING:
    from unrolled.data import Sequences
    from unrolled.export import ExportCheck, Exported, ExportedC, Quantized
    from unrolled.model import Model
    from unrolled.serving import ExportedPage

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


class Format(StrEnum):
    """Formats of the written file."""

    onnx = "onnx"
    c = "c"
    html = "html"


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
        Path | None, typer.Option(help="The file (default: the model's name with .onnx, .c or .html, in this folder).")
    ] = None,
    streaming: Annotated[
        bool, typer.Option("--stream", help="Export one step; its state is an input and an output of every call.")
    ] = False,
    max_steps: Annotated[
        int | None,
        typer.Option(
            help="For --format c and html, of a model that reads a sequence at its end: the steps of the longest "
            "(default: of the model's longest example; at least 1,000 in HTML)."
        ),
    ] = None,
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
    compare: Annotated[
        str | None,
        typer.Option(
            help="Write nothing; compare every form that this machine can make on these labelled sequences: accuracy, "
            "size, time.",
            metavar="DATA",
        ),
    ] = None,
    as_json: AsJson = False,
    *,
    options: dict[str, Any],
) -> None:
    """Write a model in a form that runs without this package, and compare its outputs with the model's.

    ONNX is one file that takes padded sequences of any lengths and gives labels and probabilities; it needs the extra
    `export` (`unrolled info`). C is a source and a header in C99 without any library, for devices. HTML is the page of
    `serve` as one file that works offline; it needs the extra `serve`. All include the preparation of the values.
    docs/export.md describes them, and has programs that use them.
    """
    from unrolled.cli.console import print_json
    from unrolled.model import Model, find_model

    if quantize is None and (data is not None or (options and compare is None)):
        raise typer.BadParameter("--data and the options on how to read it are for --quantize.")
    if compare is not None:
        if output is not None or streaming or quantize is not None:
            raise typer.BadParameter("--compare writes nothing: leave out --output, --stream and --quantize.")
        _compare(Model.load(model), compare, max_steps, options, as_json)
        return
    trained, name = Model.load(model), _name(find_model(model))
    if form is Format.c:
        if streaming:
            raise typer.BadParameter("--stream is for --format onnx; C reads step by step wherever the model does.")
        sequences = _sequences(trained, quantize, data, options)
        exported: ExportedC | ExportedPage | Exported = _as_c(trained, output, name, max_steps, sequences)
    elif form is Format.html:
        if streaming or quantize is not None:
            raise typer.BadParameter("--stream and --quantize are for --format onnx and c.")
        exported = _as_html(trained, output, name, max_steps)
    elif max_steps is not None:
        raise typer.BadParameter("--max-steps is for --format c and html; ONNX takes sequences of any length.")
    else:
        exported = _as_onnx(trained, output, name, streaming, _sequences(trained, quantize, data, options))
    if as_json:
        print_json({key: str(value) if isinstance(value, Path) else value for key, value in asdict(exported).items()})
    else:
        _print(exported)


def _compare(model: Model, data: str, max_steps: int | None, options: dict[str, Any], as_json: bool) -> None:
    """Prints the table of all forms."""
    from unrolled.cli.console import out, print_json, print_table, share_cells
    from unrolled.cli.data import chosen_sequences_for
    from unrolled.export import compare_forms

    sequences = chosen_sequences_for(model, data, options)
    forms = compare_forms(model, sequences, max_steps=max_steps)
    if as_json:
        print_json({"forms": [asdict(form) for form in forms]})
        return
    headers = ["form", "accuracy", "95 % interval", "differs by", "size", "one alone", "of many"]
    rows = [
        [
            form.name,
            *share_cells(form.accuracy)[:2],
            f"{form.difference:.0e}" if form is not forms[0] else "",
            _size(form.size_bytes),
            _time(form.one_seconds),
            _time(form.many_seconds),
        ]
        for form in forms
        if form.accuracy is not None
    ]
    print_table(headers, rows)
    for form in forms:
        if form.reason:
            out().print(f"{form.name}: {form.reason}")


def _time(seconds: float) -> str:
    return f"{1e3 * seconds:.2f} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.1f} µs"


def _sequences(model: Model, quantize: Weights | None, data: str | None, options: dict[str, Any]) -> Sequences | None:
    """The labelled sequences to measure 8 bits on."""
    from unrolled.cli.data import chosen_sequences_for

    return None if quantize is None else chosen_sequences_for(model, data, options)


def _as_c(
    model: Model, output: Path | None, name: str, max_steps: int | None, int8_data: Sequences | None
) -> ExportedC:
    from unrolled.export import export_c, identifier

    path = output or Path(f"{identifier(name)}.c")
    return export_c(model, path, max_steps=max_steps, int8_data=int8_data)


def _as_html(model: Model, output: Path | None, name: str, max_steps: int | None) -> ExportedPage:
    from unrolled.serving import export_html

    return export_html(model, output or Path(f"{name}.html"), name=name, max_steps=max_steps)


def _as_onnx(model: Model, output: Path | None, name: str, streaming: bool, int8_data: Sequences | None) -> Exported:
    from unrolled.export import export_onnx

    path = output or Path(f"{name}{'-stream' if streaming else ''}.onnx")
    return export_onnx(model, path, streaming=streaming, int8_data=int8_data)


def _name(folder: Path) -> str:
    """The name of a model: that of its run's recipe, or of its folder."""
    folder = folder.resolve()
    run = next((parent for parent in folder.parents[:2] if (parent / "config.json").exists()), None)
    return folder.name if run is None else run.parent.name


def _print(exported: ExportedC | ExportedPage | Exported) -> None:
    from unrolled.cli.console import out
    from unrolled.export import Exported, ExportedC

    console = out()
    if isinstance(exported, ExportedC):
        _print_c(exported)
        return
    if not isinstance(exported, Exported):
        console.print(f"wrote {exported.path} ({_size(exported.size_bytes)}; the network by {exported.compiler})")
        return
    console.print(
        f"inputs   {_values(exported.inputs)}\n"
        f"outputs  {_values(exported.outputs)}\n"
        f"checked  in ONNX Runtime on {_compared(exported.check)}, in batches of\n"
        f"         several sizes: {_agreement(exported.check)}"
    )
    if exported.quantized is not None:
        _print_quantized(exported.quantized, exported.size_bytes)
    console.print(f"wrote {exported.path} ({_size(exported.size_bytes)})")


def _print_c(exported: ExportedC) -> None:
    from unrolled.cli.console import out

    name = exported.path.stem
    reads = (
        "each step as it comes" if exported.streaming else f"a sequence at its end, up to {exported.max_steps} steps"
    )
    macro = f"-D{name.upper()}_TEST"
    checked = f"no compiler was found; a program built with {macro} compares with the model"
    if exported.quantized is not None:
        checked = f"by {exported.compiler}; every machine gives the same bits, which the test in the source compares"
        _print_quantized(exported.quantized, exported.flash_bytes)
    elif exported.check is not None:
        checked = f"by {exported.compiler} on {_compared(exported.check)}:\n         {_agreement(exported.check)}"
    out().print(
        f"reads    {reads}\n"
        f"needs    {exported.flash_bytes:,} bytes of constants beside the code, "
        f"{exported.state_bytes:,} bytes of memory\n"
        f"checked  {checked}\n"
        f"wrote {exported.path} and {exported.header}"
    )


def _agreement(check: ExportCheck) -> str:
    return f"labels equal the model's, probabilities differ by {check.difference:.0e} at most"


def _compared(check: ExportCheck) -> str:
    return f"{check.sequences} sequences of 1 to {check.longest} steps"


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
