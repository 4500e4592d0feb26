"""How several trainings share the cores of a machine."""

from __future__ import annotations

from dataclasses import dataclass

from joblib import cpu_count
from joblib.parallel import BACKENDS, get_active_backend

from unrolled.runtime import choose_device


@dataclass(frozen=True)
class Share:
    """How many trainings run at a time, each with how many threads.

    Attributes:
        processes: trainings at a time; a single one runs in the caller's own process.
        threads: threads of each training; None if each chooses for itself.
        reason: the choice in words.
    """

    processes: int
    threads: int | None
    reason: str


def share_cores(trainings: int, *, jobs: int | None = None, threads: int | None = None, device: str = "auto") -> Share:
    """Chooses how many trainings run at a time, each with how many threads.

    By default one training for each core that this process may use (its affinity and its container's quota count), but
    only one at a time on a GPU. Inside `joblib.parallel_config` its ``n_jobs`` is the default of ``jobs``; a backend
    other than joblib's own processes limits the number itself.

    Args:
        trainings: the number of trainings.
        jobs: trainings at a time; negative numbers count from the number of cores, as joblib's do. None: choose.
        threads: threads of each training. None: choose.
        device: see `choose_device`.
    Raises:
        ConfigError: for a device that is not there.
    """
    backend, configured = get_active_backend()
    jobs = jobs or configured
    if not isinstance(backend, BACKENDS["loky"]):
        count = min(backend.effective_n_jobs(jobs or -1), trainings)
        return Share(count, threads, f"{count} at a time by {type(backend).__name__}")
    cores = max(1, int(cpu_count()))
    if jobs is not None and jobs < 0:
        jobs = max(1, cores + 1 + jobs)
    if jobs is None and choose_device(device).type == "cuda":
        return Share(1, threads, "one after the other, since they share the GPU")
    processes = min(jobs or max(1, cores // (threads or 1)), trainings)
    if processes <= 1:
        why = f"there {'is 1 core' if cores == 1 else f'are {cores} cores'}"
        return Share(1, threads, f"one after the other ({'as asked for' if jobs else why})")
    each = threads or max(1, cores // processes)
    return Share(
        processes, each, f"{processes} at a time with {each} thread{'s' if each > 1 else ''} each, on {cores} cores"
    )
