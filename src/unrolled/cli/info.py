"""``unrolled info``"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import typer

from unrolled.cli.options import AsJson

if TYPE_CHECKING:
    from unrolled.runtime.installed import Installation

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def info(as_json: AsJson = False) -> None:
    """Show versions, devices, the kernel of each cell and the reason for it, threads and paths."""
    from unrolled.cli.console import print_json
    from unrolled.runtime.installed import describe_installation

    installation = describe_installation()
    if as_json:
        print_json(installation.to_dict())
    else:
        _print(installation)


def _print(found: Installation) -> None:
    from unrolled.cli.console import out, print_table

    _print_pairs("versions", found.versions)
    _print_pairs("extras", {extra: _extra(extra, packages) for extra, packages in found.extras.items()})
    _print_pairs("devices", dict(device.split(", ", 1) for device in found.devices))
    _print_pairs("threads", {"in use": f"{found.threads['pytorch']} of {found.threads['cores']} cores"})
    _print_pairs("paths", {name: path or "UNROLLED_DATA is not set" for name, path in found.paths.items()})
    _print_pairs("compiled kernel", {"library": found.compiled_kernel})
    if found.environment:
        _print_pairs("environment", found.environment)
    out().print()
    groups = groupby(found.kernels, lambda row: (row.device, row.kernel, row.reason))
    rows = [
        [device, ", ".join(row.cell for row in group), kernel, reason] for (device, kernel, reason), group in groups
    ]
    print_table(["device", "cells", "kernel", "why"], rows, left=4)


def _print_pairs(title: str, pairs: dict[str, str]) -> None:
    from unrolled.cli.console import out

    width = max(len(name) for name in pairs)
    out().print(title, style="bold")
    for name, text in pairs.items():
        out().print(f"  {name:{width}}  {text}")


def _extra(name: str, packages: dict[str, str | None]) -> str:
    missing = [package for package, found in packages.items() if found is None]
    if missing:
        return f"missing: {', '.join(missing)}; pip install 'unrolled[{name}]'"
    return ", ".join(f"{package} {found}" for package, found in packages.items())
