"""A text file in chunks of whole lines; only one chunk is in memory.

Plain or gzip, or standard input. The text is UTF-8, with or without a byte-order mark, or else Latin-1: a file has one
encoding, and lines of both are refused. A line ends with ``\\n``, ``\\r\\n`` or ``\\r``.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from unrolled.data.files.opening import open_unpacked, reading
from unrolled.data.files.read_request import STANDARD_INPUT, Request
from unrolled.errors import ReadError

CHUNK_BYTES = 16 << 20
MAX_LINE_BYTES = 8 << 20
_QUOTE = b'"'
_MOST_QUOTES_TRIED = 100


@dataclass(frozen=True)
class Chunk:
    """Whole lines.

    Attributes:
        text: the lines, UTF-8.
        line: number of the first, counted from 1.
    """

    text: bytes
    line: int


def read_chunks(
    request: Request, *, quoted: bool = True, size: int = CHUNK_BYTES, longest: int = MAX_LINE_BYTES
) -> Iterator[Chunk]:
    """The file's lines, in chunks of about ``size`` bytes.

    Args:
        request: names the file, and the observer of the progress.
        quoted: whether a line may continue after a line end between quotation marks.
        size: bytes of a chunk.
        longest: bytes of a line, at most.
    Raises:
        ReadError: for a file that is not text, and a line that is too long.
    """
    path = request.path
    with _opened(path) as (file, position, total):
        rest, line, first, encoding = b"", 1, True, _Encoding(request)
        while True:
            block = file.read(size)
            request.observer.progress(*((position(), total) if block else (total or 1, total or 1)))
            text = rest + block
            if first:
                text = _without_mark(path, text)
            cut = len(text) if not block else _last_end(text, quoted)
            first, content, rest = False, text[:cut], text[cut:]
            if len(rest) > longest or (not block and _is_one_line(content) and len(content) > longest):
                raise ReadError(
                    path,
                    f"this line is longer than {longest >> 20} MB, or a quotation mark in it is not closed; "
                    "expected shorter lines. Is it the right kind of file?",
                    line=line + content.count(b"\n") if block else line,
                )
            if content.strip():
                yield Chunk(encoding.utf8(content, line), line)
            if not block:
                return
            line += content.count(b"\n") or content.count(b"\r")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BufferedIOBase, Callable[[], int], int]]:
    """The file's content, a function that says how many of its bytes have been read, and its size, 0 if unknown."""
    if path == STANDARD_INPUT:
        yield standard_input(), lambda: 0, 0  # a pipe has no position
        return
    with open_unpacked(path) as (file, _most):
        raw = file.fileobj if hasattr(file, "fileobj") else file  # of gzip, the packed file
        yield file, raw.tell, path.stat().st_size


def standard_input() -> BufferedIOBase:
    """The standard input.

    Raises:
        ReadError: for a terminal, at which a person would wait forever.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise ReadError(STANDARD_INPUT, "standard input is a terminal; expected a pipe, as in `cat x.csv | unrolled …`")
    with reading(STANDARD_INPUT):
        stream = getattr(sys.stdin, "buffer", None)
        return stream if isinstance(stream, io.BufferedIOBase) else io.BytesIO(sys.stdin.read().encode())


def _without_mark(path: Path, text: bytes) -> bytes:
    """The text without a byte-order mark; refuses UTF-16."""
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if text.startswith(mark):
            raise ReadError(path, "this is UTF-16 text; expected UTF-8. Save it as UTF-8 (in Excel: CSV UTF-8).")
    if not text.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ReadError(path, "there is nothing in it; expected lines of text.")
    return text.removeprefix(codecs.BOM_UTF8)


def _last_end(text: bytes, quoted: bool) -> int:
    """The end of the last whole line; 0 if no line is whole."""
    end = b"\n" if b"\n" in text else b"\r"
    cut = text.rfind(end) + 1
    if not quoted or _QUOTE not in text:
        return cut
    for _ in range(_MOST_QUOTES_TRIED):
        if text.count(_QUOTE, 0, cut) % 2 == 0:
            return cut
        cut = text.rfind(end, 0, text.rfind(_QUOTE, 0, cut)) + 1
    return 0


def _is_one_line(text: bytes) -> bool:
    return b"\n" not in text and b"\r" not in text


class _Encoding:
    """The encoding of a file, which its first line with letters beyond ASCII shows."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._found: str | None = None

    def utf8(self, text: bytes, line: int) -> bytes:
        """Whole lines as UTF-8.

        Args:
            text: the lines.
            line: the number of the first.
        Raises:
            ReadError: for zero bytes, and a line of another encoding than the lines before.
        """
        if b"\0" in text:
            before = text[: text.index(b"\0")].count(b"\n")
            raise self._error("this is not text: it holds zero bytes. Save it as UTF-8.", line + before)
        if text.isascii():
            return text
        if self._found != "Latin-1" and _is_utf8(text):
            self._found = "UTF-8"
            return text
        for number, one in enumerate(text.splitlines(), line):
            if not one.isascii():
                self._judge(one, number)
        return text.decode("latin-1").encode()

    def _judge(self, one: bytes, number: int) -> None:
        encoding = "UTF-8" if _is_utf8(one) else "Latin-1"
        if self._found is None:
            self._found = encoding
            if encoding == "Latin-1":
                self._request.note("the file is not UTF-8; its letters beyond ASCII are read as Latin-1")
        if encoding != self._found:
            raise self._error(
                f"this line is {encoding}, and lines before it are {self._found}; expected one encoding for the whole "
                "file, or a class may count as two. Save the file as UTF-8.",
                number,
            )

    def _error(self, problem: str, line: int) -> ReadError:
        return ReadError(self._request.path, problem, line=line)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
