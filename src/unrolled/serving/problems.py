"""`HTTPProblem`: every answer with an error, in one form.

{"error": {"code": "too_many_steps", "message": "sequence 3 has …", "limit": "max_steps", "allowed": 10000}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


class HTTPProblem(Exception):  # noqa: N818  # most are the client's errors
    """A request that the server does not serve.

    Args:
        status: HTTP status.
        code: one word for programs.
        message: what was found, what was expected, what to do.
        headers: of the answer.
        facts: further entries for programs, such as the limit's name and value.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **facts: Any
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers, self.facts = status, code, dict(headers or {}), facts

    @property
    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": str(self), **self.facts}}

    def response(self) -> Response:
        """The answer."""
        return JSONBytes(self.content, self.status, self.headers)


class JSONBytes(Response):
    """A JSON answer, written by orjson, which takes NumPy arrays as they are."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """See `Response`."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def over_limit(
    status: int,
    code: str,
    message: str,
    limit: str,
    allowed: float,
    advice: str,
    headers: Mapping[str, str] | None = None,
) -> HTTPProblem:
    """A problem that names the limit.

    Args:
        status: HTTP status.
        code: one word for programs.
        message: what was found, without the end of the sentence.
        limit: name of the setting.
        allowed: its value.
        advice: what to do, as a sentence.
        headers: of the answer.
    """
    text = f"{message}; at most {allowed:,} (limit {limit}). {advice}"
    return HTTPProblem(status, code, text, headers, limit=limit, allowed=allowed)
