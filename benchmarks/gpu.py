"""Times whole training steps on a GPU: replayed as CUDA graphs, one by one, and a plain PyTorch loop.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --rounds 20 --steps 5000 --clip 1 --recipe
    python benchmarks/gpu.py --rounds 1 --steps 200 --operators

Batch 128, 28 steps of 28 (MNIST from UNROLLED_DATA, else random bytes), one LSTM layer of 128 units, Adam. The
plain loop's pictures lie on the GPU as float32, and its shuffling is done there. ``--recipe`` also trains
mnist-rows-quick from the command line to its result, imports and all. ``--operators`` adds PyTorch's profile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from measuring import (
    BATCH_SIZE,
    HIDDEN_SIZE,
    LEARNING_RATE,
    LOG_EVERY,
    Contender,
    interleave,
    print_table,
    scratch_folder,
    settings,
    training_rows,
)
from torch_loops import PlainLoop
from unrolled.config import ModelConfig, TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.network.network import Network
from unrolled.runtime.devices import choose_device
from unrolled.training.loop import fit, new_state
from unrolled.training.recorders.recorder import MetricsFile, Recorder
from unrolled.training.state import TrainState

WARM_UP = 100
"""Steps that are not timed: by then every shape has been captured."""


class SettledClock(Recorder):
    """Notes the time at two updates, each when the device has done all that was asked of it."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.times: list[float] = []

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Notes the time at the two updates."""
        del batch
        if state.step in (self.first, self.last):
            self.times.append(settled_time())


class UnrolledOnGpu:
    """`fit` itself, with its file of metrics; each round is a training of its own."""

    def __init__(self, name: str, rows: Sequences, folder: Path, **options: object) -> None:
        self.name, self.rows, self.folder, self.options = name, rows, folder, options

    def round(self, count: int) -> float:
        """See `Contender`."""
        config = TrainConfig.model_validate(
            {
                "max_steps": WARM_UP + count,
                "batch_size": BATCH_SIZE,
                "optimizer": "adam",
                "learning_rate": LEARNING_RATE,
                "weight_decay": 0.0,
                "log_every": LOG_EVERY,
                "keep": "last",
                **self.options,
            }
        )
        network = Network(ModelConfig(hidden_size=HIDDEN_SIZE), len(self.rows.channels), len(self.rows.classes))
        clock = SettledClock(WARM_UP, WARM_UP + count)
        recorders = [MetricsFile(self.folder / "metrics.jsonl"), clock]
        fit(new_state(network.to("cuda"), config), self.rows, None, config, recorders=recorders)
        return clock.times[1] - clock.times[0]


class PlainOnGpu:
    """A tutorial's loop, its pictures on the GPU."""

    name = "plain PyTorch"

    def __init__(self, rows: Sequences, clip_norm: float) -> None:
        self.loop = PlainLoop(rows, clip_norm, torch.device("cuda"))

    def round(self, count: int) -> float:
        """See `Contender`."""
        for _ in range(WARM_UP):
            next(self.loop.steps)
        started = settled_time()
        for _ in range(count):
            next(self.loop.steps)
        return settled_time() - started


def main() -> None:
    arguments = parse()
    if not torch.cuda.is_available():
        raise SystemExit("benchmarks/gpu.py measures on a GPU, and PyTorch sees none here.")
    rows, note = training_rows()
    choose_device("cuda")
    with settings(1), scratch_folder() as folder:
        clip = f"clipped at {arguments.clip:g}" if arguments.clip else "not clipped"
        print(f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
        print(f"{note}; {arguments.rounds} rounds of {arguments.steps} steps of {BATCH_SIZE}, gradients {clip}\n")
        contenders = make_contenders(rows, folder, arguments.clip)
        print_table(interleave(contenders, arguments.rounds, arguments.steps), "step")
        if arguments.operators:
            for contender in contenders:
                print_operators(contender, lambda contender=contender: contender.round(arguments.steps))
        if arguments.recipe:
            print(train_recipe(folder))


def make_contenders(rows: Sequences, folder: Path, clip: float) -> list[Contender]:
    """Whoever is measured."""
    return [
        UnrolledOnGpu("unrolled, CUDA graphs", rows, folder, clip_norm=clip),
        UnrolledOnGpu("unrolled, CUDA graphs, bfloat16", rows, folder, clip_norm=clip, precision="bfloat16"),
        UnrolledOnGpu("unrolled, steps one by one", rows, folder, clip_norm=clip, cuda_graphs=False),
        PlainOnGpu(rows, clip),
    ]


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="measured rounds (10)")
    parser.add_argument("--steps", type=int, default=2000, help="steps in a round (2000)")
    parser.add_argument("--clip", type=float, default=0.0, help="largest norm of the gradient, for all (0: any)")
    parser.add_argument("--recipe", action="store_true", help="also mnist-rows-quick, from the command line")
    parser.add_argument("--operators", action="store_true", help="also PyTorch's profile of the device's kernels")
    return parser.parse_args()


def settled_time() -> float:
    """The time when the device has done all that was asked of it, in seconds."""
    torch.cuda.synchronize()
    return time.perf_counter()


def print_operators(contender: Contender, work: Callable[[], float]) -> None:
    """PyTorch's own profile; it slows the step, so read the shares, not the times."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        work()
    print(f"{contender.name}:")
    print(profiler.key_averages().table(sort_by="self_cuda_time_total", row_limit=20, max_name_column_width=60))


def train_recipe(folder: Path) -> str:
    """Trains mnist-rows-quick as a user would; how long that took, and how good it is."""
    if not os.environ.get("UNROLLED_DATA"):
        return "mnist-rows-quick: set UNROLLED_DATA to the folder that holds mnist/."
    program = "from unrolled.cli.main import main; main()"
    options = ["train", "mnist-rows-quick", "--device=cuda", f"--runs={folder}", "--json"]
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program, *options], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    found = json.loads(done.stdout)
    return (
        f"mnist-rows-quick: {seconds:.1f} s from the command to its result, {found['seconds']:.1f} s of it training; "
        f"accuracy on the test data {100 * found['evaluation']['accuracy']['value']:.2f} %."
    )


if __name__ == "__main__":
    main()
