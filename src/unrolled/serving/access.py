"""`AccessMiddleware`: host, token and origin of every request, its metrics and log line, and unexpected errors."""

from __future__ import annotations

import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unrolled.serving.logs import log
from unrolled.serving.metrics import Metrics
from unrolled.serving.problems import HTTPProblem

STREAM = "/v1/stream"

TOKEN_PROTOCOL = "bearer."  # noqa: S105  # prefix of a token in a subprotocol: browsers set no headers on WebSockets

FastRoutes = Mapping[str, Callable[[Request], Awaitable[Response]]]
"""Endpoints by path."""


class AccessMiddleware:
    """Checks every request before the application gets it, and counts it afterwards.

    Args:
        app: the application.
        metrics: counts every answer.
        paths: paths with metrics of their own. All others are counted together: they could fill the memory.
        fast: endpoints for POST that are called without the application's routing.
        token: required for ``/v1`` and ``/metrics``; None for no token.
        origins: web origins that may open a stream, besides the server's own.
        hosts: names under which the server may be reached; empty for any. Without this check a web page whose name is
            made to point to 127.0.0.1 could read the answers of a server that is meant for this machine only.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        paths: Collection[str],
        fast: FastRoutes,
        token: str | None,
        origins: tuple[str, ...],
        hosts: Collection[str],
    ) -> None:
        self.app, self.metrics, self.paths, self.fast = app, metrics, paths, fast
        self.origins, self.hosts = origins, hosts
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
            self._check_host(scope)
            self._check_token(scope)
            endpoint = self.fast.get(scope["path"]) if scope["method"] == "POST" else None
            if endpoint is None:
                await self.app(scope, receive, observed)
            else:
                await (await endpoint(Request(scope, receive)))(scope, receive, observed)
        except HTTPProblem as problem:
            await problem.response()(scope, receive, observed)
        except ClientDisconnect:
            status = status or 499  # nginx's number for a client that has gone
        except Exception as error:
            log("failed", logging.ERROR, error=error, path=self._endpoint(scope))
            if not status:
                message = "the server failed; its log says why. The request may be tried again."
                await HTTPProblem(500, "internal", message).response()(scope, receive, observed)
        finally:
            seconds, path = time.perf_counter() - started, self._endpoint(scope)
            self.metrics.saw_request(path, status, seconds)
            log(
                "request",
                method=scope["method"],
                path=path,
                status=status,
                ms=round(1000 * seconds, 2),
                client=(scope.get("client") or ("",))[0],
            )

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_host(scope)
            self._check_token(scope)
            self._check_origin(scope)
        except HTTPProblem as problem:
            log("stream refused", status=problem.status, code=problem.code)
            await receive()  # websocket.connect
            if "websocket.http.response" in scope.get("extensions", {}):
                await problem.response()(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": problem.code})
            return
        await self.app(scope, receive, send)

    def _endpoint(self, scope: Scope) -> str:
        path: str = scope["path"]
        if path in self.paths:
            return path
        return "page" if "." in path.rpartition("/")[2] else "other"

    def _check_host(self, scope: Scope) -> None:
        host = Headers(scope=scope).get("host") if self.hosts else None
        if host is not None and re.sub(r":\d+$", "", host.lower()) not in self.hosts:
            raise HTTPProblem(
                403,
                "host",
                f"this server answers as {', '.join(sorted(self.hosts))} only, not as {host[:80]!r}; allow a further "
                "name with --origins http://NAME, or start the server with a token.",
            )

    def _check_token(self, scope: Scope) -> None:
        path = scope["path"]
        if self.token is None or not (path.startswith("/v1/") or path == "/metrics"):
            return
        if scope.get("method") == "OPTIONS":  # a browser's preflight request has no token
            return
        if not hmac.compare_digest(_given_token(scope), self.token):
            raise HTTPProblem(
                401,
                "no_token",
                "this server requires a token; send the header Authorization: Bearer TOKEN.",
                {"www-authenticate": "Bearer"},
            )

    def _check_origin(self, scope: Scope) -> None:
        """Browsers let any page open a WebSocket to any server, so the server must check the page's origin."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or "*" in self.origins or origin in self.origins:
            return
        if urlsplit(origin).netloc != headers.get("host"):
            raise HTTPProblem(
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
