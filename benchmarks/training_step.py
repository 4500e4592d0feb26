"""Times a whole training step: unrolled, a plain PyTorch loop, and Keras where it is installed.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --rounds 60 --with keras-tf keras-jax

Batch 128, 28 steps of 28 (MNIST from UNROLLED_DATA, else random bytes), one LSTM layer of 128 units,
float32, Adam: making the batch, forward, backward, update, a logged line every 50 steps, for unrolled also
its schedule and its seeds. README.md says what the contenders do, and how to read the table.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from keras_settings import KerasSettings
from measuring import (
    BATCH_SIZE,
    HIDDEN_SIZE,
    LEARNING_RATE,
    Contender,
    available_cores,
    interleave,
    let_idle_threads_sleep,
    pictures,
    print_table,
    scratch_folder,
    settings,
    training_rows,
)
from torch_loops import PlainLoop, UnrolledLoop

KERAS = {
    "keras-tf": ("tensorflow", False),
    "keras-tf-unroll": ("tensorflow", True),
    "keras-jax": ("jax", False),
    "keras-jax-unroll": ("jax", True),
}


def main() -> None:
    arguments = parse()
    let_idle_threads_sleep()
    rows, note = training_rows()
    with ExitStack() as stack:
        stack.enter_context(settings(arguments.threads))
        folder = stack.enter_context(scratch_folder())
        clip = f"clipped at {arguments.clip:g}" if arguments.clip else "not clipped"
        print(f"{note}; {arguments.rounds} rounds of {arguments.steps} steps of {BATCH_SIZE}, gradients {clip}\n")
        contenders: list[Contender] = [UnrolledLoop(rows, folder, arguments.clip), PlainLoop(rows, arguments.clip)]
        if arguments.keras:
            np.savez(folder / "data.npz", inputs=pictures(rows) / np.float32(255), targets=rows.targets)
        for name in arguments.keras:
            contenders.append(stack.enter_context(keras_loop(name, folder, arguments)))
        print_table(interleave(contenders, arguments.rounds, arguments.steps), "step")


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40, help="measured rounds (40)")
    parser.add_argument("--steps", type=int, default=20, help="steps in a round (20)")
    parser.add_argument("--threads", type=int, default=available_cores(), help="threads (as many as cores)")
    parser.add_argument("--clip", type=float, default=0.0, help="largest norm of the gradient, for all (0: any)")
    parser.add_argument(
        "--with",
        dest="keras",
        nargs="*",
        choices=KERAS,
        default=installed_keras(),
        help="Keras, and on what (those that are installed)",
    )
    return parser.parse_args()


def installed_keras() -> Sequence[str]:
    """Keras on its backends, where both are installed; with Keras's own default for unrolling."""
    if find_spec("keras") is None:
        return []
    return [name for name, (backend, unroll) in KERAS.items() if find_spec(backend) is not None and not unroll]


class KerasLoop:
    """`Model.fit` in a worker process, one round at a time; see keras_worker.py."""

    def __init__(self, name: str, worker: subprocess.Popen[str], log: Path) -> None:
        self.name, self.worker, self.log = name, worker, log
        self.answer()

    def round(self, count: int) -> float:
        """See `Contender`."""
        assert self.worker.stdin is not None
        self.worker.stdin.write(f"{count}\n")
        self.worker.stdin.flush()
        return float(self.answer())

    def answer(self) -> str:
        """The worker's next line."""
        assert self.worker.stdout is not None
        line = self.worker.stdout.readline()
        if not line:
            said = self.log.read_text(errors="replace")
            raise SystemExit(f"{said}\n{self.name}: the worker ended with exit code {self.worker.wait()}.")
        return line


@contextmanager
def keras_loop(name: str, folder: Path, arguments: argparse.Namespace) -> Iterator[KerasLoop]:
    """A worker while the block runs."""
    backend, unroll = KERAS[name]
    file = folder / f"{name}.json"
    KerasSettings(
        backend=backend,
        unroll=unroll,
        data=str(folder / "data.npz"),
        threads=arguments.threads,
        batch_size=BATCH_SIZE,
        hidden_size=HIDDEN_SIZE,
        learning_rate=LEARNING_RATE,
        clip_norm=arguments.clip,
    ).write(file)
    command = [sys.executable, str(Path(__file__).with_name("keras_worker.py")), str(file)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", **os.environ}
    log, pipe = folder / f"{name}.log", subprocess.PIPE
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=environment) as worker,
    ):
        try:
            yield KerasLoop(name, worker, log)
        finally:
            assert worker.stdin is not None
            worker.stdin.close()


if __name__ == "__main__":
    main()
