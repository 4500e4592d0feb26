"""Memory that is used again: fresh large buffers would cost page faults at every step.

A layer walks through megabytes of it, more than the processor knows the places of in pages of 4 kB, so the system is
asked for large pages where it can give them.
"""

from __future__ import annotations

import mmap
import threading
from contextlib import suppress

import torch
from torch import Tensor

_LARGE = 1 << 21
"""Bytes of a large page, and from where on a buffer is worth some."""

_KEPT = 6
"""Free buffers that are kept at most: forward to backward of a few layers and directions."""

_free: list[Tensor] = []
_lock = threading.RLock()  # a garbage collection inside of it may drop a lease in the same thread


class Lease:
    """A buffer of at least so many floats, with anything in it; it is free again when the lease is dropped."""

    def __init__(self, size: int) -> None:
        self.buffer = _take(size)

    @property
    def address(self) -> int:
        """Where the buffer begins."""
        return self.buffer.data_ptr()

    def __del__(self) -> None:
        if hasattr(self, "buffer"):
            _give_back(self.buffer)


def _take(size: int) -> Tensor:
    with _lock:
        fitting = [index for index, buffer in enumerate(_free) if len(buffer) >= size]
        if fitting:
            return _free.pop(min(fitting, key=lambda index: len(_free[index])))
    return _reserve(size + size // 8)  # lengths differ from batch to batch


def _reserve(size: int) -> Tensor:
    """A new buffer of so many floats."""
    size_bytes = 4 * size
    if size_bytes < _LARGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(size, dtype=torch.float32, device="cpu")
    place = mmap.mmap(-1, -(-size_bytes // _LARGE) * _LARGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a system without them
        place.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(place, dtype=torch.float32)


def _give_back(buffer: Tensor) -> None:
    with _lock:
        _free.append(buffer)
        if len(_free) > _KEPT:
            smallest = min(range(len(_free)), key=lambda index: len(_free[index]))
            _free.pop(smallest)
