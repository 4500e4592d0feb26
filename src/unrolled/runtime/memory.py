"""Too little memory, said in one line: before a computation that cannot fit, and where an allocation fails."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unrolled.errors import OutOfMemoryError

_ADVICE = (
    "Try a smaller --batch-size or --hidden-size, shorter sequences (--max-length), fewer --jobs, or a machine with "
    "more memory."
)
_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_FAILED = re.compile("can't allocate memory|out of memory|not enough memory|bad_alloc|alloc_cpu", re.IGNORECASE)


def memory_bytes() -> int | None:
    """Memory that this process may have at most, by its machine, container and own limit; None where nobody says."""
    found: list[int] = []
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in map(Path, _GROUPS):
        with suppress(OSError, ValueError):  # "max" is no limit
            found.append(int(path.read_text(encoding="utf-8")))
    with suppress(ImportError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            found.append(limit)
    return min(found, default=None)


def check_memory(needed: float, purpose: str, *, there_is: int | None = None) -> None:
    """Raises an error before a computation that cannot fit.

    Args:
        needed: bytes that it needs at least.
        purpose: as the end of "… are needed".
        there_is: bytes; by default `memory_bytes`.
    Raises:
        OutOfMemoryError: if there are fewer.
    """
    there_is = memory_bytes() if there_is is None else there_is
    if there_is is not None and needed > there_is:
        raise OutOfMemoryError(
            f"at least {_size(needed)} of memory are needed {purpose}; there are {_size(there_is)}. {_ADVICE}"
        )


@contextmanager
def saying_lack_of_memory() -> Iterator[None]:
    """Turns the errors of a failed allocation, which Python, NumPy, PyTorch and the system name each in its own way.

    Raises:
        OutOfMemoryError: in their place.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        text = str(error)
        if not (
            isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM or _FAILED.search(text)
        ):
            raise
        asked = re.search(r"([\d.]+ ?(?:bytes|[KMGT]iB))", text)
        most = f" ({asked[1]} were asked for)" if asked else ""
        raise OutOfMemoryError(f"there is not enough memory{most}. {_ADVICE}") from error


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB"
