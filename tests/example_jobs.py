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

Moved = Callable[[float], None]


def add(a: int, b: int, *, moved: Moved) -> int:
    return a + b


def fail(text: str, *, moved: Moved) -> None:
    raise DataError(text)


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


def crash(after: str, *, moved: Moved) -> float:
    wait_for(after)
    return 1 / 0


def die(number: int, *, moved: Moved) -> None:
    os.kill(os.getpid(), number)


def place(*, moved: Moved) -> tuple[int, str, int]:
    return os.getpid(), str(Path.cwd()), torch.get_num_threads()


def blocked(*, moved: Moved) -> list[int]:
    return [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])]


def tell(share: float, until: str, *, moved: Moved) -> None:
    moved(share)
    wait_for(until)


def goes_on(witness: str, *, moved: Moved) -> None:
    """Until it is asked to stop; then it saves. Meanwhile its process's number is what it says of its progress."""
    moved(os.getpid())
    Path(f"{witness}.begun").write_text(str(os.getpid()))
    with heeding_stops() as stop:
        while not stop.requested:
            time.sleep(0.01)
    Path(witness).touch()
    raise InterruptedRunError("saved")


def train_for_ever(data: Sequences, runs: Path, *, moved: Moved) -> None:
    train(Recipe(name="mine"), data=data, runs=runs, hidden_size=4, max_steps=1_000_000, report=False)


def dirty(values: npt.NDArray[Any], *, moved: Moved) -> bool:
    clean = not values.any()
    np.add(values, 1, out=values)
    return clean and isinstance(values, np.memmap)
