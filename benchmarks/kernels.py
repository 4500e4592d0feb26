"""Times the compiled kernel alone beside PyTorch's: forward and backward of one recurrence, no loss, no optimizer.

    python benchmarks/kernels.py                 # the table of docs/results.md
    python benchmarks/kernels.py --busy          # the same while another process keeps one core busy
    python benchmarks/kernels.py --scaling --plot scaling.png    # time against T, B and H, up to T = 4,000

"Floor" is the time that the same number of operations takes as products of 512 × 512 matrices, at the same moments.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

from measuring import Calls, available_cores, interleave, let_idle_threads_sleep, settings
from unrolled.config import CellName, ModelConfig
from unrolled.network import Layer
from unrolled.nn.cells import Cell
from unrolled.nn.kernels import Kernel, choose_kernel

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
    parser.add_argument("--plot", type=Path, help="with --scaling: draw it here, as PNG")
    arguments = parser.parse_args()
    let_idle_threads_sleep()
    if arguments.scaling:
        with settings(arguments.threads):
            scale(arguments.rounds, arguments.plot)
        return
    works = SIZES[:1] if arguments.busy else SIZES
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
            kernel: Kernel = choose_kernel(cell, requested=name)
            parts.append(kernel.read(cell, values, lengths, None, bool(number), reads, False))
        values = torch.cat(parts, -1) if len(parts) > 1 else parts[0]
    return values


DOUBLED = {
    "T, steps (B 16)": ("steps", [Work(batch=16, steps=31 * 2**power) for power in range(8)]),
    "B, sequences (T 28)": ("batch", [Work(batch=16 * 2**power) for power in range(6)]),
    "H, units (B 128, T 28)": ("hidden", [Work(hidden=64 * 2**power) for power in range(4)]),
}
"""What is doubled: its name, its field of `Work`, and the sizes. T goes to 3,968."""


def scale(rounds: int, plot: Path | None) -> None:
    """Time of both kernels while one size is doubled; and the exponent, the slope of a line through the logarithms."""
    print("\n| doubled | work | unrolled, ms | PyTorch, ms | PyTorch / unrolled |")
    print("|---|---|---|---|---|")
    found: dict[str, tuple[list[int], list[float], list[float]]] = {}
    for name, (field, works) in DOUBLED.items():
        sizes, own, other = found[name] = [], [], []
        for work in works:
            times = both_times(work, max(3, rounds if work.operations() < 4e9 else rounds // 3))
            sizes.append(getattr(work, field))
            own.append(median(times[0]))
            other.append(median(times[1]))
            print(
                f"| {name} | {work} | {own[-1]:.2f} | {other[-1]:.2f} | {ratio(times[1], times[0]):.2f} |", flush=True
            )
        print(f"| {name} | exponent | {exponent(sizes, own):.2f} | {exponent(sizes, other):.2f} | |")
    if plot is not None:
        draw(found, plot)


def both_times(work: Work, rounds: int) -> tuple[list[float], list[float]]:
    layers = work.make()
    inputs, lengths = torch.randn(work.batch, work.steps, work.features), torch.full((work.batch,), work.steps)
    contenders = [
        Calls(kernel, lambda kernel=kernel: both_ways(layers, inputs, lengths, kernel))  # type: ignore[misc]
        for kernel in ("compiled", "torch")
    ]
    found = interleave(contenders, rounds, 3 if work.operations() < 4e9 else 1)
    return found["compiled"], found["torch"]


def exponent(sizes: list[int], times: list[float]) -> float:
    """The slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def draw(found: dict[str, tuple[list[int], list[float], list[float]]], path: Path) -> None:
    """Both kernels' times on logarithmic axes, a panel for each size that is doubled."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, len(found), sharey=True)
    for place, (name, (sizes, own, other)) in zip(axes, found.items(), strict=True):
        place.loglog(sizes, other, "s--", color="#8a8f98", label="PyTorch", base=2)
        place.loglog(sizes, own, "o-", color="#1f6feb", label="unrolled", base=2)
        place.set_xlabel(name)
        place.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45, fontsize=8)
        place.set_yticks([2.0**power for power in range(0, 13, 2)], [f"{2**power:,}" for power in range(0, 13, 2)])
        place.grid(alpha=0.3)
    axes[0].set_ylabel("forward and backward, ms")
    axes[0].legend(frameon=False)
    figure.suptitle("An LSTM layer, F 28, H 128 where it is not doubled", fontsize=10)
    figure.savefig(path, dpi=120)


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
