"""Many independent jobs on the processes and threads of a machine, or on a cluster that joblib knows."""

from unrolled.jobs.parallel import Answer, Job, do_jobs
from unrolled.jobs.progress import Progress, ProgressRecorder
from unrolled.jobs.share import Share, share_cores
from unrolled.jobs.watcher import Watcher

__all__ = [
    "Answer",
    "Job",
    "Progress",
    "ProgressRecorder",
    "Share",
    "Watcher",
    "do_jobs",
    "share_cores",
]
