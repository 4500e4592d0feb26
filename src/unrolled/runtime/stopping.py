"""Requests to stop: a process's entry takes signals as such, and a training heeds them between two steps.

A library function installs no handler. Where no entry did, Ctrl-C is Python's own `KeyboardInterrupt`.
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
"""How often a sign is looked at, at most: it may be a file on another machine's disk."""


class StopRequest:
    """Whether trainings are to stop at their next step.

    Args:
        sign: something that tells it, such as whether a file is there; None where only `make` does.
    Attributes:
        heeded: how many blocks look at the request now.
    """

    def __init__(self, sign: Callable[[], bool] | None = None) -> None:
        self.heeded = 0
        self._sign, self._made, self._looked = sign, False, -LOOK_SECONDS

    def make(self) -> None:
        """Asks to stop."""
        self._made = True

    @property
    def requested(self) -> bool:
        """Whether it was made, by now."""
        if self._sign is not None and not self._made and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._made = self._sign()
        return self._made


_current: ContextVar[StopRequest | None] = ContextVar("stop_request", default=None)


@contextmanager
def stopping_by(request: StopRequest) -> Iterator[None]:
    """What runs in the block, in this thread, heeds this request."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def heeding_stops() -> Iterator[StopRequest]:
    """A block that looks at the request that holds here, soon and again and again; it is never made where none holds.

    A request that was made before the block began holds in it.
    """
    request = _current.get() or StopRequest()
    request.heeded += 1
    try:
        yield request
    finally:
        request.heeded -= 1


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Takes Ctrl-C and SIGTERM as a `StopRequest` while the block runs; for a process's entry.

    Where nothing heeds the request, and when one was made before, a signal raises `KeyboardInterrupt` at once. Only
    the main thread can take signals; elsewhere the request is never made by one.
    """
    request = StopRequest()

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
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
