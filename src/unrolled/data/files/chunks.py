"""A text file in chunks of whole lines; only one chunk is in memory.

Plain or gzip, or standard input. The text is UTF-8, with or without a byte-order mark, UTF-16, or else Windows-1252,
of which Latin-1 is a part: a file has one encoding, and lines of two are refused. A line ends with ``\\n``,
``\\r\\n`` or ``\\r``.
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
_SURELY_UTF16, _LEAST_UTF16 = 64, 8
"""Bytes that show UTF-16 without a byte-order mark."""
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
    with _opened(path) as (raw, position, total):
        file = _Utf8(raw)
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


class _Utf8:
    """A file whose text is UTF-8 if it was UTF-16 before; any other file as it is."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._decoder: codecs.IncrementalDecoder | None = None
        self._first = True

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        if self._first:
            self._first = False
            encoding = utf16_of(block)
            self._decoder = None if encoding is None else codecs.getincrementaldecoder(encoding)("replace")
        while self._decoder is not None:
            text = self._decoder.decode(block, final=not block).encode("utf-8", "replace")
            if text or not block:
                return text
            block = self._file.read(size)
        return block


def utf16_of(head: bytes) -> str | None:
    """The kind of UTF-16 of a text, by its byte-order mark or the zero byte in each of its first letters; or None."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = head[: min(len(head), _SURELY_UTF16) // 2 * 2]
    if len(start) < _LEAST_UTF16 or not start.translate(None, b"\0").isascii():
        return None
    low, high = start[::2], start[1::2]
    if not any(high) and all(low):
        return "utf-16-le"
    return "utf-16-be" if not any(low) and all(high) else None


def _without_mark(path: Path, text: bytes) -> bytes:
    """The text without a byte-order mark."""
    text = text.removeprefix(codecs.BOM_UTF8)
    if not text.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ReadError(path, "there is nothing in it; expected lines of text.")
    return text


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
        if self._found != "Latin-1" and _is(text, "utf-8"):
            self._found = "UTF-8"
            return text
        for number, one in enumerate(text.splitlines(), line):
            if not one.isascii():
                self._judge(one, number)
        return text.decode("cp1252" if _is(text, "cp1252") else "latin-1").encode()

    def _judge(self, one: bytes, number: int) -> None:
        encoding = "UTF-8" if _is(one, "utf-8") else "Latin-1"
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


def _is(text: bytes, encoding: str) -> bool:
    """Whether bytes are text in an encoding."""
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
