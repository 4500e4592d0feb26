"""The page: static files of the package, which load nothing from other servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from unrolled.serving.browser import NEEDED, RUNTIME

FOLDER = Path(__file__).parent / "static"

_HEADERS = {"referrer-policy": "no-referrer", "x-content-type-options": "nosniff", "cache-control": "no-cache"}

_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "script-src 'self'"
)


class Page(StaticFiles):
    """The static files, with headers that forbid all other sources.

    Args:
        computes: whether the page may compile WebAssembly, to compute in the browser.
    """

    def __init__(self, computes: bool) -> None:
        super().__init__(directory=FOLDER)
        policy = f"{_POLICY} 'wasm-unsafe-eval'" if computes else _POLICY
        self.own_headers = {**_HEADERS, "content-security-policy": policy}

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """See `StaticFiles`."""
        response = super().file_response(*arguments, **options)
        response.headers.update(self.own_headers)
        return response


def mount_page(app: FastAPI, runtime: Path | None = None) -> None:
    """Adds the page at ``/`` and its files at ``/static/``.

    Args:
        app: the application.
        runtime: the folder of onnxruntime-web, whose files are added too.
    """
    files = Page(computes=runtime is not None)
    app.mount("/static", files, name="static")

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    if runtime is not None:

        @app.get(f"/{RUNTIME}/{{name}}", include_in_schema=False)
        async def runtime_file(name: str) -> Response:
            if name not in NEEDED:
                raise HTTPException(404)
            kind = "application/wasm" if name.endswith(".wasm") else "text/javascript"
            return FileResponse(runtime / name, media_type=kind, headers=_HEADERS)
