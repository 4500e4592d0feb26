"""Many independent jobs on the processes and threads of a machine, or on a cluster that joblib knows.

board.py       messages between jobs and their owner: a folder of small files
companions.py  processes that do one thing together with this one
parallel.py    `do_jobs`: several jobs at once, by joblib
progress.py    the progress of a training that is a job
share.py       how several trainings share the cores of a machine
watcher.py     the listener to the progress of several trainings
worker.py      a worker process of this machine, and how it ends
"""

from unrolled.jobs.companions import companions
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
    "companions",
    "do_jobs",
    "share_cores",
]
