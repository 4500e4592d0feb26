"""Times the compiled kernel alone beside PyTorch's: forward and backward of one recurrence, no loss, no optimizer.

    python benchmarks/kernels.py                 # the table of docs/results.md
    python benchmarks/kernels.py --busy          # the same while another process keeps one core busy
    python benchmarks/kernels.py --scaling       # time against T, B and H, up to T = 4,000

"Floor" is the time that the same number of operations takes as products of 512 × 512 matrices, at the same moments.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from measuring import Calls, available_cores, interleave, let_idle_threads_sleep, settings
from unrolled.config import CellName, ModelConfig
from unrolled.nn.cells import Cell
from unrolled.nn.kernels import Kernel, choose_kernel
from unrolled.nn.network import Layer

PRODUCT = 512


@dataclass(frozen=True)
class Work:
    """One recurrence: its cell and sizes."""

    cell: CellName = "lstm"
    batch: int = 128
    steps: int = 28
    features: int = 28
    hidden: int = 128
    layers: int = 1
    both: bool = False

    def __str__(self) -> str:
        shape = f"{self.cell}, B {self.batch}, T {self.steps}, F {self.features}, H {self.hidden}"
        return (
            shape + (f", {self.layers} layers" if self.layers > 1 else "") + (", both directions" if self.both else "")
        )

    def make(self) -> list[Layer]:
        config = ModelConfig(cell=self.cell, hidden_size=self.hidden, bidirectional=self.both)
        torch.manual_seed(0)
        layers, width = [], self.features
        for _ in range(self.layers):
            layers.append(Layer(config, width))
            width = layers[-1].output_size
        for layer in layers:
            for parameter in layer.parameters():
                torch.nn.init.uniform_(parameter, -(self.hidden**-0.5), self.hidden**-0.5)
        return layers

    def operations(self) -> float:
        """Of the products, forward and for both kinds of gradients; the first layer's inputs need none."""
        total = 0.0
        for depth, layer in enumerate(self.make()):
            for cell in layer.cells:
                assert isinstance(cell, Cell)
                total += 2 * (2 if depth == 0 else 3) * cell.W.numel() + 2 * 3 * cell.U.numel()
        return total * self.batch * self.steps


SIZES = (
    Work(),
    Work(hidden=64),
    Work(hidden=256),
    Work(hidden=512),
    Work(batch=16),
    Work(batch=512),
    Work(layers=2, both=True),
    Work("gru"),
    Work("gru", hidden=64),
    Work("gru", hidden=256),
    Work("gru", hidden=512),
    Work("gru", batch=16),
    Work("gru", batch=512),
    Work("rnn"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--busy", action="store_true", help="another process keeps one core busy")
    parser.add_argument("--scaling", action="store_true", help="double T, B and H in turn")
    arguments = parser.parse_args()
    let_idle_threads_sleep()
    works = scaled() if arguments.scaling else SIZES[:1] if arguments.busy else SIZES
    with settings(arguments.threads):
        print("\n| work | unrolled, ms | PyTorch, ms | floor, ms | PyTorch / unrolled | forward alone | above floor |")
        print("|---|---|---|---|---|---|---|")
        for work in works:
            print(row(work, arguments.rounds), flush=True)
        if arguments.busy:
            with busy():
                print(row(works[0], arguments.rounds), "with a busy neighbour")


def row(work: Work, rounds: int) -> str:
    layers = work.make()
    inputs, lengths = torch.randn(work.batch, work.steps, work.features), torch.full((work.batch,), work.steps)
    square = torch.randn(PRODUCT, PRODUCT)
    contenders = [
        Calls("unrolled", lambda: both_ways(layers, inputs, lengths, "compiled")),
        Calls("torch", lambda: both_ways(layers, inputs, lengths, "torch")),
        Calls("unrolled forward", lambda: forward_alone(layers, inputs, lengths, "compiled")),
        Calls("torch forward", lambda: forward_alone(layers, inputs, lengths, "torch")),
        Calls("product", lambda: square @ square),
    ]
    found = interleave(contenders, rounds, 3 if work.operations() < 4e9 else 1)
    own, other, own_forward, other_forward, product = (found[contender.name] for contender in contenders)
    floor = [value * work.operations() / (2 * PRODUCT**3) for value in product]
    cells = (
        f"{median(own):.2f}",
        f"{median(other):.2f}",
        f"{median(floor):.2f}",
        f"**{ratio(other, own):.2f}**",
        f"{ratio(other_forward, own_forward):.2f}",
        f"{ratio(own, floor):.2f}",
    )
    return f"| {work} | " + " | ".join(cells) + " |"


def ratio(one: list[float], other: list[float]) -> float:
    """The median of the rounds' ratios."""
    return median(a / b for a, b in zip(one, other, strict=True))


def both_ways(layers: list[Layer], inputs: Tensor, lengths: Tensor, kernel: str) -> None:
    for layer in layers:
        layer.zero_grad()
    read(layers, inputs, lengths, kernel).sum().backward()


def forward_alone(layers: list[Layer], inputs: Tensor, lengths: Tensor, kernel: str) -> None:
    with torch.no_grad():
        read(layers, inputs, lengths, kernel)


def read(layers: list[Layer], inputs: Tensor, lengths: Tensor, name: str) -> Tensor:
    """The last layer's last outputs, through one kernel. PyTorch's needs no lengths here, for they are all equal."""
    values = inputs
    for depth, layer in enumerate(layers):
        reads = "last" if depth == len(layers) - 1 else "outputs"
        parts = []
        for number, cell in enumerate(layer.cells):
            assert isinstance(cell, Cell)
            kernel: Kernel = choose_kernel(cell, wish=name)
            parts.append(kernel.read(cell, values, lengths, None, bool(number), reads, False))
        values = torch.cat(parts, -1) if len(parts) > 1 else parts[0]
    return values


def scaled() -> Iterator[Work]:
    yield from (Work(steps=28 * 2**power) for power in range(8))
    yield from (Work(batch=16 * 2**power) for power in range(6))
    yield from (Work(hidden=64 * 2**power) for power in range(4))


@contextmanager
def busy() -> Iterator[None]:
    """Another process that computes all the time."""
    process = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    process.start()
    time.sleep(2)
    yield
    process.terminate()
    process.join()


def spin() -> None:
    while True:
        pass


if __name__ == "__main__":
    main()
