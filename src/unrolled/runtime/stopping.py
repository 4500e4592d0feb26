"""Requests to stop: the entry of a process turns signals into requests, and a training checks for them at each update.

Library functions install no signal handler. Without such an entry, Ctrl-C raises Python's own `KeyboardInterrupt`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

LOOK_SECONDS = 0.2
"""Least time between two checks of a sign, which may be a file on another machine's disk."""


class StopRequest:
    """A request that trainings stop at their next update.

    Args:
        sign: a function that says whether the request was made elsewhere, such as by removing a file; None if only
            `make` makes it.
    Attributes:
        heeded: number of running blocks that check the request.
    """

    def __init__(self, sign: Callable[[], bool] | None = None) -> None:
        self.heeded = 0
        self._sign, self._made, self._looked = sign, False, -LOOK_SECONDS

    def make(self) -> None:
        """Asks to stop."""
        self._made = True

    @property
    def requested(self) -> bool:
        """Whether the request was made."""
        if self._sign is not None and not self._made and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._made = self._sign()
        return self._made


_current: ContextVar[StopRequest | None] = ContextVar("stop_request", default=None)


@contextmanager
def stopping_by(request: StopRequest) -> Iterator[None]:
    """Makes this request the current one for all that runs in the block, in this thread."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def heeding_stops() -> Iterator[StopRequest]:
    """Yields the current request to a block that promises to check it often; a new one if there is no current request.

    A request that was made before the block began counts.
    """
    request = _current.get() or StopRequest()
    request.heeded += 1
    try:
        yield request
    finally:
        request.heeded -= 1


class AbandonedError(Exception):
    """Nobody waits for what is computed any more."""


_abandoned: ContextVar[Callable[[], bool] | None] = ContextVar("abandoned", default=None)


@contextmanager
def abandoning_when(abandoned: Callable[[], bool]) -> Iterator[None]:
    """Lets long predictions of the block, in this thread, end by an `AbandonedError` once the function says so."""
    token = _abandoned.set(abandoned)
    try:
        yield
    finally:
        _abandoned.reset(token)


def go_on() -> None:
    """Asked between two parts of a long prediction.

    Raises:
        AbandonedError: if nobody waits for it any more.
    """
    abandoned = _abandoned.get()
    if abandoned is not None and abandoned():
        raise AbandonedError


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turns Ctrl-C and SIGTERM into a `StopRequest` while the block runs; for the entry of a process.

    A signal raises `KeyboardInterrupt` at once if no block checks the request, or if it is the second signal. Only the
    main thread can handle signals; in another thread no signal makes the request.
    """
    request = StopRequest()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if request.requested or not request.heeded:
            raise KeyboardInterrupt
        request.make()

    former = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not None:  # a handler that was not set from Python cannot be put back
                former[number] = signal.signal(number, handle)
    try:
        with stopping_by(request):
            yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
