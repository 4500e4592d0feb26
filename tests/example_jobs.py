"""Jobs for the tests: functions of a module, as a worker finds them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from unrolled.config import Recipe
from unrolled.data import Sequences
from unrolled.errors import DataError, InterruptedRunError
from unrolled.runs import train
from unrolled.runtime import heeding_stops

Progress = Callable[[float], None]


def add(a: int, b: int, *, progress: Progress) -> int:
    return a + b


def begin(witness: str, *, progress: Progress) -> None:
    Path(f"{witness}.begun").touch()


def fail(text: str, *, progress: Progress) -> None:
    raise DataError(text)


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


def crash(after: str, *, progress: Progress) -> float:
    wait_for(after)
    return 1 / 0


def die(number: int, *, progress: Progress) -> None:
    os.kill(os.getpid(), number)


def place(*, progress: Progress) -> tuple[int, str, int]:
    return os.getpid(), str(Path.cwd()), torch.get_num_threads()


def blocked(*, progress: Progress) -> list[int]:
    return [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])]


def tell(share: float, until: str, *, progress: Progress) -> None:
    progress(share)
    wait_for(until)


def goes_on(witness: str, *, progress: Progress) -> None:
    """Until it is asked to stop; then it saves. Meanwhile its process's number is what it says of its progress."""
    progress(os.getpid())
    Path(f"{witness}.begun").write_text(str(os.getpid()))
    with heeding_stops() as stop:
        while not stop.requested:
            time.sleep(0.01)
    Path(witness).touch()
    raise InterruptedRunError("saved")


def train_for_ever(data: Sequences, runs: Path, *, progress: Progress) -> None:
    train(Recipe(name="mine"), data=data, runs=runs, hidden_size=4, max_steps=1_000_000, report=False)


def dirty(values: npt.NDArray[Any], *, progress: Progress) -> bool:
    clean = not values.any()
    np.add(values, 1, out=values)
    return clean and isinstance(values, np.memmap)
