"""CPU threads: how many compute, and which library may start some.

The compiled kernel has threads of its own. PyTorch's other functions share their work by OpenMP, whose idle threads
spin, by GNU's default: as soon as another process keeps a core busy, every shared product waits for a thread that is
not running, and a fit takes ten times as long. The command line asks OpenMP for threads that sleep, which must be asked
for at the start of a process. In any other program OpenMP has one thread during our work, and the kernel has all.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from unrolled.runtime.forks import is_forked_child

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

SMALL_STEP_FLOP = 3e8
"""Work of an update below which several threads save little: most of its time is not the recurrence."""


def choose_threads(wish: int | None, step_flop: float) -> int:
    """CPU threads for a training.

    Args:
        wish: the number that the user asked for; None: choose.
        step_flop: approximate floating-point operations of one update.
    """
    if wish is not None:
        return wish
    return 1 if step_flop < SMALL_STEP_FLOP else current_threads()


def current_threads() -> int:
    """The number of threads for work that is begun now: that of `using_threads`, or else PyTorch's."""
    import torch

    return getattr(_local, "threads", None) or torch.get_num_threads()


@contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Computes the block with this number of threads; with as many as before for None, with one in a forked child."""
    import torch

    outer = getattr(_local, "threads", None)
    _local.threads = 1 if is_forked_child() else count or current_threads()
    former = torch.get_num_threads()  # of this thread, which it also sets where it is new
    try:
        if _openmp_spins():
            with _controller().limit(limits=1, user_api="openmp"):
                yield
        else:
            torch.set_num_threads(_local.threads)
            try:
                yield
            finally:
                torch.set_num_threads(former)
    finally:
        _local.threads = outer


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Computes NumPy's products and decompositions in the block on one thread, so that their bits are always the same.

    The number of BLAS threads is one number for the process: other threads wait until the block has ended.
    """
    from threadpoolctl import threadpool_limits

    with _blas, threadpool_limits(1):
        yield


_local = threading.local()
_blas = threading.RLock()


def _renew_lock() -> None:
    """A forked child may have been forked while another thread held the lock."""
    global _blas
    _blas = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def _openmp_spins() -> bool:
    """Whether idle threads of OpenMP spin, as GNU's do unless the environment says otherwise."""
    sleep = os.environ.get("GOMP_SPINCOUNT") == "0" or os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"
    return sys.platform == "linux" and not sleep


@cache
def _controller() -> ThreadpoolController:
    """PyTorch's OpenMP, and any other that is loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="openmp")
