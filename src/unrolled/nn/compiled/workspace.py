"""Buffers that are reused: fresh large ones would cost page faults at every step.

A layer goes through megabytes of memory, more than the processor's address caches hold in pages of 4 kB, so large pages
are requested where the system has them.
"""

from __future__ import annotations

import mmap
import os
import threading
from bisect import bisect_left, insort
from collections import deque
from contextlib import suppress

import torch
from torch import Tensor

_LARGE = 1 << 21
"""Bytes of a large page; smaller buffers use ordinary pages."""

_KEPT = 6
"""Free buffers that are kept at most: enough for forward and backward of a few layers and directions."""

_free: list[Tensor] = []
"""Free buffers, the smallest first."""
_dropped: deque[Tensor] = deque(maxlen=_KEPT)
"""Buffers of dropped leases. A lease is dropped at any moment, by a garbage collection even while this thread changes
``_free``, so its finaliser takes no lock and leaves the buffer here."""
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):  # another thread may hold the lock at a fork, and the child has no such thread
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class Lease:
    """A buffer of at least ``size`` floats with undefined content; it is free again when the lease is dropped."""

    def __init__(self, size: int) -> None:
        self.buffer = _take(size)

    @property
    def address(self) -> int:
        """Address of the buffer."""
        return self.buffer.data_ptr()

    def __del__(self) -> None:
        if hasattr(self, "buffer"):
            _dropped.append(self.buffer)


def _take(size: int) -> Tensor:
    with _lock:
        while _dropped:
            insort(_free, _dropped.popleft(), key=len)
        del _free[:-_KEPT]
        place = bisect_left(_free, size, key=len)
        if place < len(_free):
            return _free.pop(place)
    return _reserve(size + size // 8)  # lengths differ from batch to batch


def _reserve(size: int) -> Tensor:
    """A new buffer of at least ``size`` floats."""
    size_bytes = 4 * size
    if size_bytes < _LARGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(size, dtype=torch.float32, device="cpu")
    place = mmap.mmap(-1, -(-size_bytes // _LARGE) * _LARGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a system without them
        place.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(place, dtype=torch.float32)
