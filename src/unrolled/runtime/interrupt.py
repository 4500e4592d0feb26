"""Ctrl-C as a wish that the training loop grants between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the user asked to stop."""

    def __init__(self) -> None:
        self.requested = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """A signal's handler: the first asks, a second one interrupts at once."""
        del frame
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        del number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Takes Ctrl-C and SIGTERM as a `StopRequest` while the block runs.

    Only the main thread can do that; elsewhere the request is never made. A block within another one begins with the
    wish that was made before it began.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    outer = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    request.requested = isinstance(outer, StopRequest) and outer.requested
    former = {number: signal.signal(number, request.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
