"""Many independent jobs on the processes and threads of a machine."""

from unrolled.jobs.parallel import Answered, Share, Watcher, do_jobs, share_cores, start_ahead
from unrolled.jobs.workers import Answer, Job

__all__ = [
    "Answer",
    "Answered",
    "Job",
    "Share",
    "Watcher",
    "do_jobs",
    "share_cores",
    "start_ahead",
]
