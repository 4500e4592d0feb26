"""Where to compute, and a sentence that says why.

PyTorch takes seconds to import, so it is imported where it is used: a process can then be started before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unrolled.errors import ConfigError

if TYPE_CHECKING:
    import torch


def choose_device(wish: str) -> torch.device:
    """The device for a wish: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    On a GPU PyTorch's recurrent layers give the same bits each time only where the environment asks cuBLAS for a
    workspace that allows it, by ``CUBLAS_WORKSPACE_CONFIG=:4096:2`` (see `torch.nn.LSTM`). The command line sets it; a
    program of your own sets it before it imports torch.

    Raises:
        ConfigError: for another word, or for a GPU that is not there.
    """
    import torch

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


RESIDENT_SHARE = 0.5
"""Sequences that would take more of a GPU's memory than this stay in the host's."""


def choose_storage(size_bytes: int, device: torch.device) -> torch.device:
    """Where sequences lie whose batches a device is to get: on it, if they fit beside the work.

    By the memory the device has, not by what is free: a run that is resumed must choose as it did before.
    """
    import torch

    if device.type != "cuda" or size_bytes <= RESIDENT_SHARE * torch.cuda.get_device_properties(device).total_memory:
        return device
    return torch.device("cpu")


def describe_device(device: torch.device) -> str:
    """``cpu (2 threads)``, or the GPU's name."""
    import torch

    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"cpu ({threads} thread{'s' if threads > 1 else ''})"


SMALL_STEP_FLOP = 3e8
"""Below this a training step is hardly quicker on several threads: most of it is not the recurrence."""


def choose_threads(wish: int | None, step_flop: float) -> int:
    """CPU threads for a training.

    Args:
        wish: a number, which is then the answer.
        step_flop: floating-point operations of one training step, about.
    """
    import torch

    if wish is not None:
        return wish
    return 1 if step_flop < SMALL_STEP_FLOP else torch.get_num_threads()


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Computes with so many threads while the block runs."""
    import torch

    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)
