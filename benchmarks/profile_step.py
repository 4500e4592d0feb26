"""Shows where a training step's time goes, in unrolled's loop and in the plain PyTorch one.

    python benchmarks/profile_step.py
    python benchmarks/profile_step.py --clip 1 --operators

The functions of each part are wrapped with a clock while the real loops run, so nothing of them is copied
here; what no clock catches is the loop's own. ``--operators`` adds PyTorch's profile of single operations.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from measuring import BATCH_SIZE, available_cores, let_idle_threads_sleep, scratch_folder, settings, training_rows
from torch_loops import PlainLoop, PlainNetwork, UnrolledLoop
from unrolled.data.batches.batcher import Batcher
from unrolled.network import network as unrolled_network
from unrolled.nn.pooling import LastPooling
from unrolled.training import loop as unrolled_loop
from unrolled.training import update as unrolled_update
from unrolled.training.optimizers import Optimizer
from unrolled.training.stepping import StepRandomness

Loop = UnrolledLoop | PlainLoop
Target = tuple[str, Any, str]
"""A part's name, and the object and attribute whose calls belong to it. A part within a part is indented."""

INNER = "  "
SHARED: list[Target] = [
    (f"{INNER}output layer", nn.Linear, "forward"),
    ("backward", torch.Tensor, "backward"),
]
OF_UNROLLED: list[Target] = [
    ("batch", Batcher, "choose"),
    ("batch", Batcher, "steps_of"),
    ("batch", Batcher, "gather"),
    ("schedule", unrolled_loop, "updates_of_epoch"),
    ("seeds", StepRandomness, "begin_step"),
    ("forward", unrolled_network.Network, "forward"),
    (f"{INNER}preparation", unrolled_network.Preparation, "forward"),
    (f"{INNER}recurrence", unrolled_network.Layer, "forward"),
    (f"{INNER}pooling", LastPooling, "forward"),
    ("loss", unrolled_update, "batch_loss"),
    ("clearing gradients", Optimizer, "forget_gradients"),
    ("clipping", Optimizer, "clip_gradients"),
    ("optimizer", Optimizer, "step"),
    ("logging", unrolled_loop.Fitting, "log_step"),
    *SHARED,
]
OF_PLAIN: list[Target] = [
    ("batch", PlainLoop, "batch"),
    ("forward", PlainNetwork, "forward"),
    (f"{INNER}recurrence", nn.LSTM, "forward"),
    ("loss", torch.nn.functional, "cross_entropy"),
    ("clearing gradients", torch.optim.Optimizer, "zero_grad"),
    ("clipping", torch.nn.utils, "clip_grad_norm_"),
    ("optimizer", torch.optim.Adam, "step"),
    ("logging", PlainLoop, "log"),
    *SHARED,
]
PARTS = (
    "batch",
    "schedule",
    "seeds",
    "forward",
    f"{INNER}preparation",
    f"{INNER}recurrence",
    f"{INNER}pooling",
    f"{INNER}output layer",
    "loss",
    "clearing gradients",
    "backward",
    "clipping",
    "optimizer",
    "logging",
)
REST, WHOLE = "the loop's own", "the whole step"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="measured rounds (20)")
    parser.add_argument("--steps", type=int, default=50, help="steps in a round (50)")
    parser.add_argument("--threads", type=int, default=available_cores(), help="threads (as many as cores)")
    parser.add_argument("--clip", type=float, default=0.0, help="largest norm of the gradient (0: any)")
    parser.add_argument("--operators", action="store_true", help="also PyTorch's profile of single operations")
    arguments = parser.parse_args()
    let_idle_threads_sleep()
    rows, note = training_rows()
    with settings(arguments.threads), scratch_folder() as folder:
        print(f"{note}; {arguments.rounds} rounds of {arguments.steps} steps of {BATCH_SIZE}\n")
        loops: list[Loop] = [UnrolledLoop(rows, folder, arguments.clip), PlainLoop(rows, arguments.clip)]
        print_table(*measure(loops, arguments.rounds, arguments.steps))
        if arguments.operators:
            for loop in loops:
                print_operators(loop, arguments.steps)


def measure(loops: Sequence[Loop], rounds: int, steps: int) -> list[dict[str, float]]:
    """Milliseconds a step of each part, medians over the rounds, for each loop."""
    found: list[list[dict[str, float]]] = [[], []]
    for number in range(rounds + 1):  # the first one warms up
        for loop, targets, rows in zip(loops, (OF_UNROLLED, OF_PLAIN), found, strict=True):
            row = parts_of_round(loop, targets, steps)
            if number:
                rows.append(row)
    return [{name: statistics.median(row[name] for row in rows) for name in rows[0]} for rows in found]


def parts_of_round(loop: Loop, targets: list[Target], steps: int) -> dict[str, float]:
    """Milliseconds a step of each part."""
    watch = Stopwatch()
    with watch.over(targets):
        seconds = loop.round(steps)
    spent = watch.between(*loop.window)
    row = {name: 1000 * spent[name] / steps for name in PARTS}
    whole = 1000 * seconds / steps
    outer = sum(value for name, value in row.items() if not name.startswith(INNER))
    return {**row, REST: whole - outer, WHOLE: whole}


class Stopwatch:
    """When each part was called and for how long."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, float]] = []

    @contextmanager
    def over(self, targets: list[Target]) -> Iterator[None]:
        """Watches the calls of these functions while the block runs."""
        with ExitStack() as stack:
            for name, holder, attribute in targets:
                watched = self.watched(name, getattr(holder, attribute))
                stack.enter_context(mock.patch.object(holder, attribute, watched))
            yield

    def watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its calls noted under this name."""

        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.calls.append((name, started, time.perf_counter()))

        return call

    def between(self, start: float, end: float) -> dict[str, float]:
        """Seconds of each part in the calls that began in this time."""
        spent: dict[str, float] = defaultdict(float)
        for name, started, ended in self.calls:
            if start <= started < end:
                spent[name] += ended - started
        return spent


def print_table(own: dict[str, float], plain: dict[str, float]) -> None:
    """A row each part: its time and share in both loops."""
    print("| part | unrolled, ms | share | plain PyTorch, ms | share | unrolled more by, ms |")
    print("|---|---|---|---|---|---|")
    for name in (*PARTS, REST, WHOLE):
        a, b = own[name], plain[name]
        label = name.replace(INNER, "– ")
        print(f"| {label} | {a:.3f} | {a / own[WHOLE]:.1%} | {b:.3f} | {b / plain[WHOLE]:.1%} | {a - b:+.3f} |")
    print("The parts of forward stand under it with a dash, and are counted in it.\n")


def print_operators(loop: Loop, steps: int) -> None:
    """PyTorch's own profile; it slows the step, so read the shares, not the times."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        loop.round(steps)
    print(f"{loop.name}, {steps + 1} steps:")
    print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=60))


if __name__ == "__main__":
    main()
