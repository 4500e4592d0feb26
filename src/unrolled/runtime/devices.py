"""Devices: where to compute.

PyTorch takes seconds to import, so each function imports it when it is called.
"""

from __future__ import annotations

import platform
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.errors import ConfigError, option
from unrolled.runtime.threads import current_threads

if TYPE_CHECKING:
    import torch


def choose_device(wish: str) -> torch.device:
    """The device that ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` means here.

    On a GPU PyTorch's recurrent layers give the same bits each time only where the environment asks cuBLAS for a
    workspace that allows it, by ``CUBLAS_WORKSPACE_CONFIG=:4096:2`` (see `torch.nn.LSTM`). The command line sets it; a
    program of your own sets it before it imports torch.

    Raises:
        ConfigError: for another word, or for a GPU that PyTorch does not see.
    """
    import torch

    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", wish):
        raise ConfigError(f"{option('device', wish)}: expected auto, cpu, cuda or cuda:N.")
    device = torch.device(wish)
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(
            f"{option('device', wish)}: PyTorch sees {torch.cuda.device_count()} CUDA devices here; use cpu or auto."
        )
    return device


RESIDENT_SHARE = 0.5
"""Largest share of a GPU's memory that sequences may take; larger data stay in the host's memory."""


def choose_storage(size_bytes: int, device: torch.device) -> torch.device:
    """The device whose memory holds the sequences: the computing device itself, if they fit beside the work.

    The choice depends on the device's whole memory and not on what is free, so that a resumed run chooses as before.
    """
    import torch

    if device.type != "cuda" or size_bytes <= RESIDENT_SHARE * torch.cuda.get_device_properties(device).total_memory:
        return device
    return torch.device("cpu")


def describe_processor() -> str:
    """The name of the CPU, or of its architecture where the system does not tell it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def describe_device(device: torch.device) -> str:
    """``cpu (2 threads)``, or the GPU's name."""
    import torch

    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    threads = current_threads()
    return f"cpu ({threads} thread{'s' if threads > 1 else ''})"
