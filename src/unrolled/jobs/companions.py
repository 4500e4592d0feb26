"""Companions: further processes of this machine that do one thing together with this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor

from unrolled.errors import UnrolledError, WorkerLostError
from unrolled.jobs.worker import accompany


@contextmanager
def companions(function: Callable[..., None], calls: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """Makes calls in further processes while the block runs; they end with it.

    Args:
        function: a function of a module.
        calls: the arguments of each process's call, by name.
    Raises:
        UnrolledError: the error of a companion, in the place of a `WorkerLostError` that it led to.
    """
    executor = ProcessPoolExecutor(max_workers=len(calls), timeout=None)
    try:
        here = Path.cwd()
        futures = [executor.submit(accompany, function, call, here) for call in calls]
        try:
            yield
        except WorkerLostError as error:
            raise _cause(futures) or error from None
        for future in futures:
            future.result()
    finally:
        executor.shutdown(wait=True, kill_workers=True)


def _cause(futures: Sequence[Future[None]]) -> UnrolledError | None:
    """The error of the first companion that ended by one of its own."""
    ended = [future.exception() for future in futures if future.done()]
    return next((error for error in ended if isinstance(error, UnrolledError)), None)
