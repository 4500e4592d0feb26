"""`Gate`: what stands around every request: the token, the figures, the log line, the last resort."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unrolled.serving.logs import log
from unrolled.serving.metrics import Metrics
from unrolled.serving.refusals import Refusal

STREAM = "/v1/stream"
ENDPOINTS = frozenset(
    {
        "/",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/v1/examples",
        "/v1/model",
        "/v1/model.onnx",
        "/v1/models",
        "/v1/predict",
        "/v1/predict/steps",
        STREAM,
    }
)
"""Paths that have figures of their own; all others count together, or a stranger could fill the memory with them."""

TOKEN_PROTOCOL = "bearer."  # noqa: S105  # what a browser, which cannot set headers there, sends before the token


Lean = Mapping[str, Callable[[Request], Awaitable[Response]]]
"""Endpoints by path."""


class Gate:
    """Wraps the application.

    Args:
        app: what answers.
        metrics: is told of every answer.
        token: that ``/v1`` and ``/metrics`` ask for; None for none.
        origins: besides the server's own, from which a browser may open a stream.
        lean: endpoints that are called past the application's routing.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, token: str | None, origins: tuple[str, ...], lean: Lean) -> None:
        self.app, self.metrics, self.origins, self.lean = app, metrics, origins, lean
        self.token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            self._check_token(scope)
            endpoint = self.lean.get(scope["path"]) if scope["method"] == "POST" else None
            if endpoint is None:
                await self.app(scope, receive, observed)
            else:
                await (await endpoint(Request(scope, receive)))(scope, receive, observed)
        except Refusal as refusal:
            await refusal.response()(scope, receive, observed)
        except ClientDisconnect:
            status = status or 499  # nobody reads the answer; the number is nginx's for this
        except Exception as error:
            log("failed", logging.ERROR, error=error, path=_endpoint(scope))
            if not status:
                await internal_error().response()(scope, receive, observed)
        finally:
            seconds = time.perf_counter() - started
            self.metrics.saw_request(_endpoint(scope), status, seconds)
            log(
                "request",
                method=scope["method"],
                path=_endpoint(scope),
                status=status,
                ms=round(1000 * seconds, 2),
                client=(scope.get("client") or ("",))[0],
            )

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_token(scope)
            self._check_origin(scope)
        except Refusal as refusal:
            log("stream refused", status=refusal.status, code=refusal.code)
            await receive()  # websocket.connect
            if "websocket.http.response" in scope.get("extensions", {}):
                response = refusal.response()
                await response(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
            return
        await self.app(scope, receive, send)

    def _check_token(self, scope: Scope) -> None:
        path = scope["path"]
        if self.token is None or not (path.startswith("/v1/") or path == "/metrics"):
            return
        if scope.get("method") == "OPTIONS":  # a browser asks without the token whether it may ask with it
            return
        if not hmac.compare_digest(_given_token(scope), self.token):
            raise Refusal(
                401,
                "no_token",
                "this server asks for a token; send the header Authorization: Bearer TOKEN.",
                {"www-authenticate": "Bearer"},
            )

    def _check_origin(self, scope: Scope) -> None:
        """Browsers let any page open a WebSocket to any server, so the server must ask where it comes from."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or "*" in self.origins or origin in self.origins:
            return
        if urlsplit(origin).netloc != headers.get("host"):
            raise Refusal(
                403, "origin", f"the origin {origin[:80]!r} may not open a stream here; allow it with --origins."
            )


def _given_token(scope: Scope) -> bytes:
    headers = Headers(scope=scope)
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip().encode("latin-1")
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(TOKEN_PROTOCOL):
            return str(protocol.removeprefix(TOKEN_PROTOCOL)).encode("latin-1", "replace")
    return b""


def _endpoint(scope: Scope) -> str:
    path: str = scope["path"]
    if path in ENDPOINTS:
        return path
    return "page" if "." in path.rpartition("/")[2] else "other"


def internal_error() -> Refusal:
    """What is answered where the server is at fault."""
    return Refusal(500, "internal", "the server made a mistake; its log says which. The request may be tried again.")
