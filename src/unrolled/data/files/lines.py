"""A text file line by line, each line with its number for error messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unrolled.data.files.chunks import read_chunks
from unrolled.data.files.read_request import Request
from unrolled.errors import ReadError

_CHUNK_BYTES = 4 << 20
_MAX_LINE_BYTES = 256 << 20


@dataclass(frozen=True)
class Line:
    """A line of a text file.

    Attributes:
        path: the file.
        number: counted from 1.
        text: the line without its end.
    """

    path: Path
    number: int
    text: str

    def error(self, problem: str, position: int | None = None) -> ReadError:
        """An error in this line, at a position counted from 0."""
        return ReadError(self.path, problem, line=self.number, column=None if position is None else position + 1)


def read_lines(request: Request, comment: str | tuple[str, ...] = ()) -> Iterator[list[Line]]:
    """The lines that are neither blank nor comments, a chunk of the file at a time.

    Args:
        request: names the file.
        comment: what a comment begins with; nothing where the format has no comments.
    Raises:
        ReadError: as `read_chunks`.
    """
    for chunk in read_chunks(request, quoted=False, size=_CHUNK_BYTES, longest=_MAX_LINE_BYTES):
        texts = enumerate((raw.decode("utf-8").rstrip() for raw in chunk.text.splitlines()), chunk.line)
        yield [
            Line(request.path, number, text)
            for number, text in texts
            if text and not (comment and text.lstrip().startswith(comment))
        ]
