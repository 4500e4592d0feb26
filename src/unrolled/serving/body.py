"""Reading a request's body: bounded in bytes, in time, and over all requests together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from unrolled.serving.refusals import Refusal, over_limit
from unrolled.serving.settings import ServerSettings

_DRAIN_FACTOR = 8
"""A body over the limit is read to its end and thrown away up to this many times the limit: a client that
is still sending when the connection closes would never see the answer."""


class BodyReader:
    """Reads bodies, and knows how many bytes of them are held."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.pending_bytes = 0

    async def read(self, request: Request) -> bytearray:
        """The whole body.

        The caller holds the bytes `holding` until its answer is made.

        Raises:
            Refusal: 408 for a body that comes too slowly, 413 for one too large, 415 for another type.
            ClientDisconnect: if the client goes away.
        """
        _check_type(request.headers.get("content-type", ""))
        declared = request.headers.get("content-length", "")
        too_large = _is_count(declared) and int(declared) > self.settings.max_body_bytes
        try:
            async with asyncio.timeout(self.settings.body_timeout_s):
                body, complete = (bytearray(), False) if too_large else await self._collect(request)
                if too_large or len(body) > self.settings.max_body_bytes:
                    del body
                    if not complete:
                        await self._drain(request)
                    raise self._too_large(declared)
                return body
        except TimeoutError:
            raise Refusal(
                408,
                "body_too_slow",
                f"the body did not arrive within {self.settings.body_timeout_s:g} s (limit body_timeout_s). "
                "Send it faster, or a smaller one.",
                {"connection": "close"},
                limit="body_timeout_s",
                allowed=self.settings.body_timeout_s,
            ) from None

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Counts bytes as held while the block runs.

        Raises:
            Refusal: 429 if there are too many.
        """
        self._hold(count)
        try:
            yield
        finally:
            self.pending_bytes -= count

    async def _collect(self, request: Request) -> tuple[bytearray, bool]:
        """The body up to a little more than the limit, and whether that is all; what has come counts as held."""
        body = bytearray()
        try:
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk = message.get("body", b"")
                self._hold(len(chunk))
                body += chunk
                complete = not message.get("more_body")
                if complete or len(body) > self.settings.max_body_bytes:
                    return body, complete
        finally:
            self.pending_bytes -= len(body)

    def _hold(self, count: int) -> None:
        allowed = self.settings.max_pending_bytes
        if self.pending_bytes + count > allowed:
            raise Refusal(
                429,
                "busy",
                f"the server holds {self.pending_bytes:,} bytes of other requests; at most {allowed:,} (limit "
                "max_pending_bytes). Try again in a second.",
                {"retry-after": "1"},
                limit="max_pending_bytes",
                allowed=allowed,
            )
        self.pending_bytes += count

    async def _drain(self, request: Request) -> None:
        """Reads on and keeps nothing."""
        seen = 0
        while seen < _DRAIN_FACTOR * self.settings.max_body_bytes:
            message = await request.receive()
            seen += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return

    def _too_large(self, declared: str) -> Refusal:
        found = f"the body has {int(declared):,} bytes" if _is_count(declared) else "the body is too large"
        refusal = over_limit(
            413,
            "body_too_large",
            found,
            "max_body_bytes",
            self.settings.max_body_bytes,
            "Send fewer sequences at a time.",
        )
        refusal.headers["connection"] = "close"
        return refusal


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _check_type(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(
            415,
            "not_json",
            f"the content type is {kind[:80]!r}; expected application/json. With curl: "
            "-H 'content-type: application/json'.",
        )
