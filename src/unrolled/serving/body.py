"""Reading the body of a request, with limits in bytes, in time, and for all requests together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from unrolled.serving.problems import HTTPProblem, over_limit
from unrolled.serving.settings import ServerSettings

_DRAIN_FACTOR = 8
"""A body that is too large is read on and thrown away, up to this many times the limit: a client that is still
sending when the connection closes would never see the answer."""


class BodyReader:
    """Reads bodies, and counts the bytes of those in memory."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.pending_bytes = 0

    async def read(self, request: Request) -> bytearray:
        """The whole body. The caller counts its bytes by `holding` until the answer is made.

        Raises:
            HTTPProblem: 408 for a body that comes too slowly, 413 for one too large, 415 for another type.
            ClientDisconnect: if the client goes away.
        """
        _check_type(request.headers.get("content-type", ""))
        declared = request.headers.get("content-length", "")
        size = int(declared) if declared.isascii() and declared.isdigit() else None
        try:
            async with asyncio.timeout(self.settings.body_timeout_s):
                body = await self._collect(request, size or 0)
        except TimeoutError:
            raise over_limit(
                408,
                "body_too_slow",
                "the body did not arrive in time, in seconds",
                "body_timeout_s",
                self.settings.body_timeout_s,
                "Send it faster, or a smaller one.",
                {"connection": "close"},
            ) from None
        if body is None:
            raise over_limit(
                413,
                "body_too_large",
                "the body is too large" if size is None else f"the body has {size:,} bytes",
                "max_body_bytes",
                self.settings.max_body_bytes,
                "Send fewer sequences at a time.",
                {"connection": "close"},
            )
        return body

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Counts bytes as held during the block.

        Raises:
            HTTPProblem: 429 if there are too many.
        """
        self._hold(count)
        try:
            yield
        finally:
            self.pending_bytes -= count

    async def _collect(self, request: Request, declared: int) -> bytearray | None:
        """The body; None for one that is too large, of which nothing is kept."""
        most, size, body = self.settings.max_body_bytes, 0, bytearray()
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if max(size, declared) <= most:
                    self._hold(len(chunk))
                    body += chunk
                elif size > _DRAIN_FACTOR * most:
                    break
        finally:
            self.pending_bytes -= len(body)
        return body if max(size, declared) <= most else None

    def _hold(self, count: int) -> None:
        allowed = self.settings.max_pending_bytes
        if self.pending_bytes + count > allowed:
            raise over_limit(
                429,
                "busy",
                f"the server holds {self.pending_bytes:,} bytes of other requests",
                "max_pending_bytes",
                allowed,
                "Try again in a second.",
                {"retry-after": "1"},
            )
        self.pending_bytes += count


def _check_type(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPProblem(
            415,
            "not_json",
            f"the content type is {kind[:80]!r}; expected application/json. With curl: "
            "-H 'content-type: application/json'.",
        )
