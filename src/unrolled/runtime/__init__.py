"""The machine and the process: devices, threads, requests to stop, a bar for what takes long.

installed/  what is installed here, what computes, and why
pytorch/    the private names of PyTorch that are called, and public ones in their place
"""

from unrolled.runtime.bars import bar
from unrolled.runtime.devices import choose_device, choose_storage, choose_threads, describe_device, using_threads
from unrolled.runtime.stopping import StopRequest, heeding_stops, stop_on_signals, stopping_by

__all__ = [
    "StopRequest",
    "bar",
    "choose_device",
    "choose_storage",
    "choose_threads",
    "describe_device",
    "heeding_stops",
    "stop_on_signals",
    "stopping_by",
    "using_threads",
]
