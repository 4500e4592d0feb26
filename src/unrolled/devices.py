"""Where to compute, and a sentence that says why."""

from __future__ import annotations

import re

import torch

from unrolled.errors import ConfigError


def choose_device(wish: str) -> torch.device:
    """The device for a wish: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ConfigError: for another word, or for a GPU that is not there.
    """
    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", wish):
        raise ConfigError(f"device = {wish!r}; expected auto, cpu, cuda or cuda:N.")
    device = torch.device(wish)
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(
            f"device = {wish!r}: PyTorch sees {torch.cuda.device_count()} CUDA devices here; use cpu or auto."
        )
    return device


def describe_device(device: torch.device) -> str:
    """``cpu (2 threads)``, or the GPU's name."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"cpu ({threads} thread{'s' if threads > 1 else ''})"
