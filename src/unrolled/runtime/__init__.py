"""The machine and the process: devices, threads, requests to stop, progress bars.

installed/  what is installed, and which kernel computes each cell
pytorch/    PyTorch's private names, with public ones as a fallback

bars.py      the progress bar of all commands
devices.py   where to compute
forks.py     forked children, which have none of their parent's threads
memory.py    too little memory, said in one line
stopping.py  Ctrl-C and other signals as requests to stop, which a training heeds at each update; abandoned predictions
threads.py   with how many threads
"""

from unrolled.runtime.bars import bar
from unrolled.runtime.devices import choose_device, choose_storage, describe_device, describe_processor
from unrolled.runtime.memory import check_memory, saying_lack_of_memory
from unrolled.runtime.stopping import (
    AbandonedError,
    StopRequest,
    abandoning_when,
    go_on,
    heeding_stops,
    stop_on_signals,
    stopping_by,
)
from unrolled.runtime.threads import choose_threads, current_threads, one_blas_thread, using_threads

__all__ = [
    "AbandonedError",
    "StopRequest",
    "abandoning_when",
    "bar",
    "check_memory",
    "choose_device",
    "choose_storage",
    "choose_threads",
    "current_threads",
    "describe_device",
    "describe_processor",
    "go_on",
    "heeding_stops",
    "one_blas_thread",
    "saying_lack_of_memory",
    "stop_on_signals",
    "stopping_by",
    "using_threads",
]
