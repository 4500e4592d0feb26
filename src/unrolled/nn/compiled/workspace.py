"""Memory that is used again: fresh large buffers would cost page faults at every step."""

from __future__ import annotations

import threading

import torch
from torch import Tensor

_KEPT = 6
"""Free buffers that are kept at most: forward to backward of a few layers and directions."""

_free: list[Tensor] = []
_lock = threading.Lock()


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
    return torch.empty(size + size // 8, dtype=torch.float32)  # lengths differ from batch to batch


def _give_back(buffer: Tensor) -> None:
    with _lock:
        _free.append(buffer)
        if len(_free) > _KEPT:
            smallest = min(range(len(_free)), key=lambda index: len(_free[index]))
            _free.pop(smallest)
