"""Calls of C side by side: ctypes releases Python's lock, so a few Python threads are all it takes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

_pools: dict[int, ThreadPoolExecutor] = {}


def call_each(function: Callable[[int], None], count: int) -> None:
    """Calls ``function`` with 0 … count - 1, on as many threads as PyTorch may use.

    Whoever is free takes the next number, so a thread that another process keeps waiting delays one
    number, not all.
    """
    helpers = min(torch.get_num_threads(), count) - 1
    if helpers < 1:
        for number in range(count):
            function(number)
        return
    numbers, lock = iter(range(count)), threading.Lock()

    def work() -> None:
        for number in _shared(numbers, lock):
            function(number)

    waiting = [_pool(helpers).submit(work) for _ in range(helpers)]
    work()
    for helper in waiting:
        helper.result()


def _shared(numbers: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        yield number


def _pool(size: int) -> ThreadPoolExecutor:
    if size not in _pools:
        _pools[size] = ThreadPoolExecutor(size, "unrolled")
    return _pools[size]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a child has none of its parent's threads
