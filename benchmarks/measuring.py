"""What the timing scripts share: data, fair rounds, a table."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from recipes import processor
from unrolled.config import DataConfig
from unrolled.data.sequences import Sequences

BATCH_SIZE, HIDDEN_SIZE, STEPS, CHANNELS, CLASSES = 128, 128, 28, 28, 10
LEARNING_RATE = 1e-3
LOG_EVERY = 50


def let_idle_threads_sleep() -> None:
    """Begins the script again with the command line's GOMP_SPINCOUNT, unless the user chose one; see README.md.

    The thread library reads it once, when torch is loaded, which has happened by now.
    """
    if "GOMP_SPINCOUNT" not in os.environ:
        os.environ["GOMP_SPINCOUNT"] = "0"
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # the same command line


class Contender(Protocol):
    """Something that is measured beside others.

    Attributes:
        name: as the table has it.
    """

    name: str

    def round(self, count: int) -> float:
        """Seconds that ``count`` repetitions take, after one that is not counted."""
        ...


class Calls:
    """A contender whose repetition is one call."""

    def __init__(self, name: str, call: Callable[[], object]) -> None:
        self.name, self.call = name, call

    def round(self, count: int) -> float:
        """See `Contender`."""
        self.call()
        started = time.perf_counter()
        for _ in range(count):
            self.call()
        return time.perf_counter() - started


def interleave(contenders: Sequence[Contender], rounds: int, count: int) -> dict[str, list[float]]:
    """Milliseconds a repetition of each contender, one figure a round.

    Everyone runs once a round, so a slow minute of the machine is a slow minute for all. The order is
    rotated, and every second round it is turned round, so no one always follows the same neighbour. A
    first round of each warms up and is not counted.
    """
    for contender in contenders:
        contender.round(count)
    found: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        first = number // 2 % len(contenders)
        order = [*contenders[first:], *contenders[:first]]
        for contender in order if number % 2 == 0 else reversed(order):
            found[contender.name].append(1000 * contender.round(count) / count)
    return found


def print_table(found: dict[str, list[float]], unit: str) -> None:
    """A row each: median, quartiles, and how many times unrolled's time (the first row's) that is."""
    first = next(iter(found.values()))
    base = statistics.median(first)
    print(f"| | median ms a {unit} | quartiles | ratio of medians | median of the rounds' ratios |")
    print("|---|---|---|---|---|")
    for name, values in found.items():
        low, median, high = np.percentile(values, (25, 50, 75))
        paired = statistics.median(value / own for value, own in zip(values, first, strict=True))
        print(f"| {name} | {median:.3f} | {low:.3f} to {high:.3f} | {median / base:.3f} | {paired:.3f} |")
    print("A ratio over 1 says that unrolled is faster, by this factor.\n")


@contextmanager
def settings(threads: int) -> Iterator[None]:
    """Prints what the figures depend on, and computes with so many threads in this process."""
    import torch

    torch.set_num_threads(threads)
    environment = {name: os.environ.get(name, "not set") for name in ("GOMP_SPINCOUNT", "OMP_NUM_THREADS")}
    print(f"{processor()}, PyTorch {torch.__version__}, {threads} threads of {available_cores()} cores")
    print(", ".join(f"{name} {value}" for name, value in environment.items()))
    before = os.getloadavg()[0]
    yield
    print(f"Load of the machine over the last minute: {before:.1f} before, {os.getloadavg()[0]:.1f} after")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def training_rows() -> tuple[Sequences, str]:
    """Whole batches of MNIST's training pictures from ``UNROLLED_DATA``, else as many random bytes; and which."""
    rows, note = _rows("train", 55_000)
    return rows.take(slice(0, len(rows) // BATCH_SIZE * BATCH_SIZE)), note


def test_rows() -> tuple[Sequences, str]:
    """MNIST's 10,000 test pictures from ``UNROLLED_DATA``, else as many random bytes; and which."""
    return _rows("test", 10_000)


def pictures(rows: Sequences) -> np.ndarray:
    """Equal sequences that stand side by side as an array of bytes, [N, T, F], which is not copied."""
    first = int(rows.starts[0])
    return rows.values[first : first + len(rows) * STEPS].reshape(len(rows), STEPS, CHANNELS)


def _rows(part: str, count: int) -> tuple[Sequences, str]:
    if os.environ.get("UNROLLED_DATA"):
        from unrolled.data.load import load_dataset

        rows = getattr(load_dataset(DataConfig(source="mnist-rows")), part)
        return rows, f"MNIST, {part}"
    generator = np.random.default_rng(0)
    values = generator.integers(0, 256, (count * STEPS, CHANNELS), np.uint8)
    labels = generator.integers(0, CLASSES, count)
    names = [str(number) for number in range(CLASSES)]
    lengths = np.full(count, STEPS)
    rows = Sequences.from_steps(values, lengths, labels, classes=names, scale=1 / 255, pictures=True)
    return rows, "random bytes (set UNROLLED_DATA for MNIST)"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as name:
        yield Path(name)
