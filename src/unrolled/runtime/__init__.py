"""The machine and the process: devices, threads, signals, a bar for what takes long.

installed/  what is installed here, what computes, and why
"""

from unrolled.runtime.bars import bar
from unrolled.runtime.devices import choose_device, choose_storage, choose_threads, describe_device, using_threads
from unrolled.runtime.interrupt import StopRequest, stop_on_signals

__all__ = [
    "StopRequest",
    "bar",
    "choose_device",
    "choose_storage",
    "choose_threads",
    "describe_device",
    "stop_on_signals",
    "using_threads",
]
