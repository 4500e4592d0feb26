"""What a browser needs to compute by itself: the model as an ONNX file, and onnxruntime-web from a user's folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from unrolled.errors import ConfigError, UnrolledError
from unrolled.export import check_installed, checked_onnx
from unrolled.model import Model
from unrolled.serving.refusals import Refusal
from unrolled.serving.registry import Served

RUNTIME = "onnxruntime-web"
"""Where the folder's files are handed out, beside the page."""

ENTRY = "ort.wasm.min.mjs"
"""The module of onnxruntime-web that computes on the processor alone, and fetches its WebAssembly from its side."""

NEEDED = (ENTRY, "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Of the many files of its ``dist``, those that are handed out."""


class OnnxFiles:
    """The models as ONNX files, with the hidden state as an output; made, and checked, when they are first asked for.

    Args:
        export: makes one, in a thread of its own.
    """

    def __init__(self, export: Callable[[Model], bytes] | None = None) -> None:
        self._export = export or _export
        self._made: dict[str, tuple[str, bytes]] = {}  # by name: the weights' checksum, and the file
        self._turn = asyncio.Lock()

    async def get(self, served: Served) -> bytes:
        """A model's file.

        Raises:
            Refusal: 404 where this server cannot make it.
        """
        digest = served.model.facts.weights_sha256
        async with self._turn:
            made, content = self._made.get(served.name, ("", b""))
            if made != digest or not content:
                try:
                    content = await asyncio.to_thread(self._export, served.model)
                except UnrolledError as error:
                    raise Refusal(404, "no_onnx", f"there is no ONNX file of {served.name!r}: {error}") from None
                self._made[served.name] = digest, content
        return content


def _export(model: Model) -> bytes:
    proto, _, _ = checked_onnx(model, hidden=True)
    content: bytes = proto.SerializeToString()
    return content


def find_runtime(folder: Path) -> Path:
    """The folder with onnxruntime-web's files: the one given, or its ``dist``.

    Raises:
        ConfigError: if they are not there, or models cannot be exported.
    """
    check_installed()
    for place in (folder, folder / "dist"):
        if all((place / name).is_file() for name in NEEDED):
            return place
    raise ConfigError(
        f"--onnxruntime-web {folder}: there is no {' or no '.join(NEEDED)}; expected the folder that "
        "`npm install onnxruntime-web` makes, node_modules/onnxruntime-web."
    )
