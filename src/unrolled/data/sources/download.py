"""One file from the web, by pooch, with progress, a size limit and the cause of a failure.

Only this module imports pooch, and only for a download. pooch cannot resume a download. Its retries are not used: they
wait a second each and also repeat a "not found", while the next mirror can be asked at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from unrolled.data.sources.content import BLOCK_BYTES, WrongContentError
from unrolled.errors import FetchError
from unrolled.version import VERSION

if TYPE_CHECKING:
    from requests import RequestException


TIMEOUT_SECONDS = 20.0
"""Longest wait for the connection, and for each piece of the answer."""


class MirrorError(FetchError):
    """One mirror failed; another may serve."""


def download(url: str, *, limit_bytes: int) -> bytes:
    """The content of a file on the web; shows a progress bar on a terminal or one line elsewhere, both on stderr.

    Args:
        url: the address, http or https; redirects lead nowhere else.
        limit_bytes: a longer file is refused.
    Raises:
        MirrorError: for a server that cannot be reached, refuses, stalls or ends early.
        WrongContentError: for more than ``limit_bytes``.
    """
    from pooch import HTTPDownloader
    from requests import RequestException

    # some servers refuse the name of a library; "identity": a server must not pack a packed file again
    name = f"unrolled/{VERSION} (Python package; data set download)"
    headers = {"User-Agent": name, "Accept-Encoding": "identity"}
    with _Arrival(url, limit_bytes) as arrival:
        try:
            HTTPDownloader(arrival, BLOCK_BYTES, timeout=TIMEOUT_SECONDS, headers=headers)(url, arrival, None)
        except RequestException as error:
            raise MirrorError(_cause(error)) from error
    return bytes(arrival.content)


class _Arrival(ExitStack):
    """The file in memory to which pooch writes and reports; it has a limit, and shows its growth."""

    def __init__(self, url: str, limit_bytes: int) -> None:
        super().__init__()
        self.content = bytearray()
        self._limit_bytes = limit_bytes
        self._name, self._host = urlsplit(url).path.rsplit("/", 1)[-1], urlsplit(url).netloc
        self._advance: Callable[[int], object] = int

    @property
    def total(self) -> int:
        """Bytes that the server announces, 0 if unknown; pooch sets it when the answer begins."""
        return self._total

    @total.setter
    def total(self, announced: int) -> None:
        self._total = announced
        if sys.stderr.isatty():
            self._show_bar()
        else:
            size = f" ({announced / 1e6:.1f} MB)" if announced else ""
            print(f"Downloading {self._name}{size} from {self._host}", file=sys.stderr)

    def _show_bar(self) -> None:
        from rich.console import Console  # only here, so that the command line starts fast
        from rich.progress import DownloadColumn

        from unrolled.runtime import bar

        progress = self.enter_context(bar(Console(stderr=True), "Downloading {task.description}", DownloadColumn()))
        task = progress.add_task(self._name, total=self._total or None)
        self._advance = lambda count: progress.advance(task, count)

    def write(self, block: bytes) -> None:
        if len(self.content) + len(block) > self._limit_bytes:
            raise WrongContentError("it is far longer than expected")
        self.content += block
        self._advance(len(block))

    def flush(self) -> None:
        """Does nothing: pooch flushes after every block."""

    def update(self, _: int) -> None:
        """Does nothing: pooch counts blocks as whole even if they are shorter; `write` counts bytes."""

    def reset(self) -> None:
        """Does nothing: pooch resets its own bar at the end."""


def _cause(error: RequestException) -> str:
    """The reason, without the layers that requests and urllib3 wrap around it."""
    from requests.exceptions import ChunkedEncodingError

    if error.response is not None:
        return f"HTTP status {error.response.status_code} {error.response.reason}".rstrip()
    root: BaseException = error
    while below := root.__cause__ or root.__context__:
        root = below
    if isinstance(root, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    reason = " ".join(str(root).split()) or type(root).__name__
    return f"the connection broke off ({reason})" if isinstance(error, ChunkedEncodingError) else reason
