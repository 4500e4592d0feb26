"""Files with which a browser can compute: the model as ONNX, and onnxruntime-web from a folder of the user."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from unrolled.errors import ConfigError, UnrolledError
from unrolled.export import check_installed, checked_onnx
from unrolled.model import Model
from unrolled.serving.logs import log
from unrolled.serving.problems import HTTPProblem
from unrolled.serving.registry import Served

RUNTIME = "onnxruntime-web"
"""Path of the folder's files on the server."""

ENTRY = "ort.wasm.min.mjs"
"""The module of onnxruntime-web that computes on the CPU; it loads its WebAssembly file from the same path."""

NEEDED = (ENTRY, "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""The files of its ``dist`` that the server hands out."""


class OnnxFiles:
    """The models as ONNX files, with the hidden state as an output; exported and checked at the first request.

    A failure is remembered like a file, until the model is loaded again.
    """

    def __init__(self) -> None:
        self._export: Callable[[Model], bytes] = _export
        self._made: dict[str, tuple[Served, bytes | HTTPProblem]] = {}
        self._turn = asyncio.Lock()

    async def get(self, served: Served) -> bytes:
        """A model's file.

        Raises:
            HTTPProblem: 404 if the model cannot be exported here.
        """
        async with self._turn:
            made, content = self._made.get(served.name, (None, b""))
            if made is not served:
                try:
                    content = await asyncio.to_thread(self._export, served.model)
                except Exception as error:
                    if not isinstance(error, UnrolledError):
                        log("export failed", logging.ERROR, error=error, model=served.name)
                    content = HTTPProblem(404, "no_onnx", f"there is no ONNX file of {served.name!r}: {error}")
                self._made[served.name] = served, content
        if isinstance(content, HTTPProblem):
            raise content
        return content


def _export(model: Model) -> bytes:
    proto, _, _ = checked_onnx(model, hidden=True)
    content: bytes = proto.SerializeToString()
    return content


def find_runtime(folder: Path) -> Path:
    """The folder with the files of onnxruntime-web: ``folder``, or its ``dist``.

    Raises:
        ConfigError: if a file is missing, or the extra `export` is not installed.
    """
    check_installed()
    for place in (folder, folder / "dist"):
        if all((place / name).is_file() for name in NEEDED):
            return place
    raise ConfigError(
        f"--onnxruntime-web {folder}: there is no {' or no '.join(NEEDED)}; expected the folder that "
        "`npm install onnxruntime-web` makes, node_modules/onnxruntime-web."
    )
