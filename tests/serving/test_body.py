"""Bodies: bounded in bytes and in time, one by one and all together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from unrolled.serving.body import BodyReader
from unrolled.serving.problems import HTTPProblem
from unrolled.serving.settings import ServerSettings


def request(*chunks: bytes, ends: bool = True, length: str | None = None) -> Request:
    """A request whose body comes in these parts; one that does not end says nothing more."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if ends:
        messages[-1]["more_body"] = False

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    headers = [(b"content-type", b"application/json; charset=utf-8")]
    if length is not None:
        headers.append((b"content-length", length.encode("latin-1")))
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def read(asked: Request, **limits: Any) -> bytearray:
    return asyncio.run(BodyReader(ServerSettings(**limits)).read(asked))


def test_parts_are_joined() -> None:
    assert read(request(b"ab", b"", b"cd")) == b"abcd"


@pytest.mark.parametrize("length", [None, "12", "²"])
@pytest.mark.parametrize("chunks", [(b"x" * 12,), (b"x" * 6, b"x" * 6), (b"x" * 6, b"x" * 6, b"x" * 6)])
def test_too_many_bytes_are_refused_at_once_however_they_come(chunks: tuple[bytes, ...], length: str | None) -> None:
    with pytest.raises(HTTPProblem, match="limit max_body_bytes") as refused:
        read(request(*chunks, length=length), max_body_bytes=10)
    assert refused.value.status == 413


def test_a_body_that_does_not_end_is_not_waited_for() -> None:
    with pytest.raises(HTTPProblem, match="limit body_timeout_s") as refused:
        read(request(b"{", ends=False), body_timeout_s=0.01)
    assert refused.value.status == 408


def test_bodies_that_are_held_bound_those_that_come() -> None:
    bodies = BodyReader(ServerSettings(max_pending_bytes=10))
    with bodies.holding(8):
        with pytest.raises(HTTPProblem, match="max_pending_bytes") as refused:
            asyncio.run(bodies.read(request(b"abc")))
        assert refused.value.status == 429
        assert refused.value.headers["retry-after"] == "1"
        assert asyncio.run(bodies.read(request(b"ab"))) == b"ab"
    assert bodies.pending_bytes == 0


def test_a_client_that_goes_leaves_nothing_behind() -> None:
    bodies = BodyReader(ServerSettings())
    asked = request(b"{", ends=False)
    first = asked.receive

    async def gone() -> Any:
        message = await first() if not seen else {"type": "http.disconnect"}
        seen.append(message)
        return message

    seen: list[Any] = []
    with pytest.raises(ClientDisconnect):
        asyncio.run(bodies.read(Request(asked.scope, gone)))
    assert bodies.pending_bytes == 0
