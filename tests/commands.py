"""Running the command line inside the test's process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from typer.testing import CliRunner

from unrolled.cli.main import app


@dataclass(frozen=True)
class Answer:
    """What a command gave."""

    code: int
    out: str
    err: str

    def one_line(self) -> str:
        """The error's only line."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Command = Callable[..., Answer]


def call(*words: object, piped: bytes = b"") -> Answer:
    """Calls ``unrolled`` with some words, and something on its standard input."""
    result = CliRunner().invoke(app, [str(word) for word in words], input=piped)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)
