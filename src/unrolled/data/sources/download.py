"""One file from the web, continued where an earlier attempt stopped."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from importlib import metadata
from pathlib import Path
from typing import cast
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from unrolled.data.sources.packing import WrongContentError
from unrolled.errors import FetchError
from unrolled.storage import writing

BLOCK_BYTES = 1 << 18
_NOTHING_THERE = 416  # "range not satisfiable"


class MirrorError(FetchError):
    """One mirror failed; another may serve."""


def download(url: str, part: Path, *, limit_bytes: int, timeout_seconds: float, quiet: bool) -> None:
    """Downloads a file. What ``part`` already holds is continued, where the server can do that.

    Args:
        url: the address, http or https.
        part: where the bytes go. After an error it keeps what came, for the next attempt.
        limit_bytes: a longer file is refused.
        timeout_seconds: longest wait for the connection, and for each piece of the answer.
        quiet: show nothing; otherwise a progress bar on a terminal and one line elsewhere, both on stderr.
    Raises:
        MirrorError: where the server cannot be reached, refuses, stalls or ends early.
        WrongContentError: where more comes than ``limit_bytes``.
        StorageError: where ``part`` cannot be written.
    """
    response, first = _begin(url, part.stat().st_size if part.exists() else 0, timeout_seconds)
    with (
        response,
        _progress(url, first, response.length, quiet) as advance,
        writing(part),
        part.open("ab" if first else "wb") as out,
    ):
        for block in _blocks(response, limit_bytes - first, timeout_seconds):
            out.write(block)
            advance(len(block))


def _begin(url: str, start: int, timeout_seconds: float) -> tuple[HTTPResponse, int]:
    """The server's answer, and the file's byte that it begins with: ``start``, or 0 where it starts over."""
    response = _send(url, start, timeout_seconds)
    if response is not None:
        first = _first_byte(response)
        if first in (0, start):
            return response, first
        response.close()
    if not start:
        raise MirrorError("the server sent another part of the file than was asked for")
    return _begin(url, 0, timeout_seconds)


def _send(url: str, start: int, timeout_seconds: float) -> HTTPResponse | None:
    """The server's answer, or None where the file has no byte ``start``."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise MirrorError(f"{url} is not an http or https address")
    headers = {"User-Agent": _user_agent()}
    if start:
        headers["Range"] = f"bytes={start}-"
    question = request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked above
    try:
        return cast(HTTPResponse, _opener().open(question, timeout=timeout_seconds))
    except HTTPError as error:
        error.close()
        if start and error.code == _NOTHING_THERE:
            return None
        raise MirrorError(f"HTTP status {error.code} {error.reason}".rstrip()) from error
    except (OSError, HTTPException) as error:
        raise MirrorError(_cause(error, timeout_seconds)) from error


def _first_byte(response: HTTPResponse) -> int:
    """Which byte of the file an answer begins with; -1 where it does not say."""
    if response.status != 206:
        return 0
    given = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(given[1]) if given else -1


def _blocks(response: HTTPResponse, limit_bytes: int, timeout_seconds: float) -> Iterator[bytes]:
    """What an answer holds, as it comes. The network's errors end here, and cannot pass for the disk's."""
    length, received = response.length, 0
    while length is None or received < length:
        try:
            block = response.read1(BLOCK_BYTES)  # not read(): that would lose what came before a time-out
        except (OSError, HTTPException) as error:
            raise MirrorError(_cause(error, timeout_seconds)) from error
        if not block:
            break
        received += len(block)
        if received > limit_bytes:
            raise WrongContentError("it is far longer than expected")
        yield block
    if length is not None and received < length:
        raise MirrorError(f"the connection ended after {received:,} of {length:,} bytes")


def _cause(error: OSError | HTTPException, timeout_seconds: float) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"no answer within {timeout_seconds:g} s"
    return " ".join(str(reason).split()) or type(reason).__name__


@functools.cache
def _opener() -> request.OpenerDirector:
    """What `urlopen` uses, less ``file:``, ``ftp:`` and ``data:``, so that no redirect leads there."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.UnknownHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPRedirectHandler,
        request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


@functools.cache
def _user_agent() -> str:
    """Some servers refuse Python's own name; and whoever runs one may want to know who asks."""
    try:
        return f"unrolled/{metadata.version('unrolled')} (Python package; data set download)"
    except metadata.PackageNotFoundError:  # used from its source folder
        return "unrolled (Python package; data set download)"


@contextmanager
def _progress(url: str, first: int, length: int | None, quiet: bool) -> Iterator[Callable[[int], object]]:
    """Shows that a download runs; gives a function to be told of the bytes that came."""
    name, host = urlsplit(url).path.rsplit("/", 1)[-1], urlsplit(url).netloc
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _progress_bar(name, first, length) as advance:
            yield advance
    else:
        size = "" if length is None else f" ({(first + length) / 1e6:.1f} MB)"
        begun = f", continued after {first / 1e6:.1f} MB" if first else ""
        print(f"Downloading {name}{size} from {host}{begun}", file=sys.stderr)
        yield lambda _: None


@contextmanager
def _progress_bar(name: str, first: int, length: int | None) -> Iterator[Callable[[int], object]]:
    from rich.console import Console  # only here, so that the command line starts fast
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("Downloading {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None if length is None else first + length, completed=first)
        yield lambda count: progress.advance(task, count)
