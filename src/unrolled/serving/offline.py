"""`export_html`: the page of the server as one file, with the network inside as WebAssembly."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.errors import ConfigError
from unrolled.storage import write_bytes

if TYPE_CHECKING:
    from unrolled.export import PageNetwork
    from unrolled.model import Model

STATIC = Path(__file__).parent / "static"

IMPORT = re.compile(r'^import (\* as \w+|\{[^}]*\}) from "\./([\w.]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const|let) (\w+))", re.MULTILINE)

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is fetched from anywhere, and nothing is sent."""


@dataclass(frozen=True)
class ExportedPage:
    """A page that was written.

    Attributes:
        path: where it is.
        size_bytes: of the file.
        network_bytes: of the network in it.
        max_steps: of the longest sequence that it reads; None for any.
        compiler: that made the network.

    Example:
        >>> unrolled.export_html(model, "levels.html").max_steps is None  # needs clang with lld, or zig
        True
    """

    path: Path
    size_bytes: int
    network_bytes: int
    max_steps: int | None
    compiler: str


def export_html(model: Model, path: str | Path, *, name: str = "", max_steps: int | None = None) -> ExportedPage:
    """Writes the page of the server as one file that works offline, with the network as WebAssembly.

    The page reads drawings, bits, texts, and files as the server's page does; nothing is sent anywhere.

    Args:
        model: the trained model.
        path: the file.
        name: of the model on the page, by default that of the file.
        max_steps: for a model that reads a sequence at its end, the steps of the longest.
    Raises:
        ConfigError: if there is no compiler for WebAssembly, or the packages of the extra ``serve`` are missing.
        UnsupportedError: for a model that has no such form.
        ExportError: if the compiler fails.
        StorageError: if it cannot be written.

    Example:
        >>> exported = unrolled.export_html(model, "levels.html")  # needs clang with lld, or zig
        >>> exported.size_bytes > 50_000
        True
    """
    from unrolled.export import page_network

    path = Path(path)
    network = page_network(model, max_steps)
    content = _page(model, network, name or path.stem).encode()
    write_bytes(path, content)
    return ExportedPage(path, len(content), len(network.wasm), network.most, network.compiler)


def _page(model: Model, network: PageNetwork, name: str) -> str:
    inside = {
        "model": _description(model, name),
        "examples": [asdict(example) for example in model.examples],
        "wasm": base64.b64encode(network.wasm).decode(),
        "units": network.units,
        "most": network.most,
    }
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    icon = base64.b64encode((STATIC / "icon.svg").read_bytes()).decode()
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    data = json.dumps(inside, ensure_ascii=False).replace("<", "\\u003c")
    footer = (
        "<p>Everything is in this file: the network computes in this browser, and nothing is sent anywhere. "
        '<span id="where" hidden></span></p>'
    )
    policy = f'<meta charset="utf-8">\n  <meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    scripts = (
        f'<script type="application/json" id="network">{data}</script>\n<script type="module">\n{bundle()}</script>'
    )
    for pattern, text in (
        (r"<meta charset=\"utf-8\">", policy),
        (r'href="static/icon\.svg"', f'href="data:image/svg+xml;base64,{icon}"'),
        (r'<link rel="stylesheet"[^>]*>', f"<style>\n{style}</style>"),
        (r'\s*<script type="module"[^>]*></script>', ""),
        (r"(?s)<footer>.*</footer>", f"<footer>\n    {footer}\n  </footer>"),
        (r"</body>", f"{scripts}\n</body>"),
    ):
        page, count = re.subn(pattern, lambda _, text=text: text, page, count=1)  # type: ignore[misc]
        assert count == 1, pattern  # noqa: S101  # the page is the package's own
    return page


def _description(model: Model, name: str) -> dict[str, object]:
    try:
        from unrolled.serving.describe import describe_model
        from unrolled.serving.registry import Served
        from unrolled.serving.settings import ServerSettings
    except ImportError as error:
        raise ConfigError(
            f"{error.name} is not installed, which the page needs; add it with "
            "`python -m pip install 'unrolled[serve]'`."
        ) from None
    served = Served(name, Path(name), model, datetime.now(UTC), 0)
    return describe_model(served, ServerSettings()).model_dump(mode="json")


def bundle() -> str:
    """The page's modules as one script, each in a function of its own; `offline.js` stands for the server."""
    done: dict[str, str] = {}

    def add(file: str) -> str:
        file = "offline.js" if file == "api.js" else file
        variable = "m_" + re.sub(r"\W", "_", file)
        if file not in done:
            source = (STATIC / file).read_text(encoding="utf-8")

            def imported(found: re.Match[str]) -> str:
                names, other = found[1], add(found[2])
                return f"const {names.removeprefix('* as ').replace(' as ', ': ')} = {other};"

            source = IMPORT.sub(imported, source)
            exported = [match[2] for match in EXPORT.finditer(source)]
            source = EXPORT.sub(r"\1", source)
            done[file] = f"const {variable} = (() => {{\n{source}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
        return variable

    add("main.js")
    return "".join(done.values())
