"""The page: static files that lie in the package; nothing in them comes from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "static"

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


class Page(StaticFiles):
    """The files, with headers that keep everything else out."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """See `StaticFiles`."""
        response = super().file_response(*arguments, **options)
        response.headers.update(_HEADERS)
        return response


def mount_page(app: FastAPI) -> None:
    """Answers ``/`` with the page, and ``/static/`` with what it is made of."""
    files = Page(directory=FOLDER)
    app.mount("/static", files, name="static")

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)
