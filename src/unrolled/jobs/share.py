"""How the cores are shared out over several trainings."""

from __future__ import annotations

from dataclasses import dataclass

from joblib import cpu_count
from joblib.parallel import BACKENDS, get_active_backend


@dataclass(frozen=True)
class Share:
    """How the cores are shared out.

    Attributes:
        processes: trainings at a time; one is done in the caller's own process.
        threads: of each; None where each chooses for itself.
        reason: for a person.
    """

    processes: int
    threads: int | None
    reason: str


def share_cores(trainings: int, *, jobs: int | None = None, threads: int | None = None, device: str = "auto") -> Share:
    """How many trainings run at once, each with how many threads.

    As many as there are cores for this process (its affinity and its container's quota counted), and no more
    than there are trainings; one at a time on a GPU, which they would share. Inside `joblib.parallel_config` its
    ``n_jobs`` is taken for ``jobs``, and a backend other than joblib's own processes says itself how many it can do.

    Args:
        trainings: how many there are.
        jobs: a wish for how many at once, which is then granted.
        threads: a wish for the threads of each, which is then granted.
        device: see `choose_device`.
    """
    backend, configured = get_active_backend()
    jobs = jobs or configured
    if not isinstance(backend, BACKENDS["loky"]):
        count = min(backend.effective_n_jobs(jobs or -1), trainings)
        return Share(count, threads, f"{count} at a time by {type(backend).__name__}")
    cores = max(1, int(cpu_count()))
    if jobs is not None and jobs < 0:
        jobs = max(1, cores + 1 + jobs)
    if jobs is None and _uses_gpu(device):
        return Share(1, threads, "one after the other, for they share the GPU")
    processes = min(jobs or max(1, cores // (threads or 1)), trainings)
    if processes <= 1:
        why = f"there {'is 1 core' if cores == 1 else f'are {cores} cores'}"
        return Share(1, threads, f"one after the other ({'as asked for' if jobs else why})")
    each = threads or max(1, cores // processes)
    return Share(
        processes, each, f"{processes} at a time with {each} thread{'s' if each > 1 else ''} each, on {cores} cores"
    )


def _uses_gpu(device: str) -> bool:
    if device == "cpu":
        return False
    import torch

    return torch.cuda.is_available()
