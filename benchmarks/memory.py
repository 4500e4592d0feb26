"""How much memory a training step takes at its peak, for long sequences.

    python benchmarks/memory.py
    python benchmarks/memory.py --steps 10000 --hidden-size 128 --batch-size 32

Each way in a process of its own, whose largest resident memory the operating system tells; what the process holds
before the step (the interpreter, PyTorch, the inputs) is shown apart and counted in the total.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from typing import Any

WAYS = {
    "compiled kernel": ("compiled", False),
    "compiled kernel, --recompute-gates": ("compiled", True),
    "PyTorch's kernel": ("torch", False),
}
MIB = 1024  # ru_maxrss counts KiB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", default="lstm", help="a cell (lstm)")
    parser.add_argument("--steps", type=int, default=10_000, help="T (10,000)")
    parser.add_argument("--hidden-size", type=int, default=128, help="H (128)")
    parser.add_argument("--batch-size", type=int, default=32, help="B (32)")
    parser.add_argument("--channels", type=int, default=8, help="F (8)")
    parser.add_argument("--pooling", default="last", help="last, mean, max or attention")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        step(given, WAYS[given.way][1])
        return
    print(f"{given.cell}, T = {given.steps:,}, H = {given.hidden_size}, B = {given.batch_size}, F = {given.channels}\n")
    print("| | peak, MiB | before the step, MiB | seconds |\n|---|---|---|---|")
    for way, (kernel, _) in WAYS.items():
        command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
        environment = {**os.environ, "UNROLLED_KERNEL": kernel}
        found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
        print(f"| {way} | {' | '.join(found)} |", flush=True)


def step(given: Any, recompute: bool) -> None:
    """A forward and a backward pass, and what they took."""
    import torch
    from torch.nn.functional import cross_entropy

    from unrolled.config import ModelConfig
    from unrolled.network.network import Network

    config = ModelConfig(
        cell=given.cell, hidden_size=given.hidden_size, pooling=given.pooling, recompute_gates=recompute
    )
    network = Network(config, given.channels, 10)
    inputs, lengths = (
        torch.rand(given.batch_size, given.steps, given.channels),
        torch.full((given.batch_size,), given.steps),
    )
    targets = torch.zeros(given.batch_size, dtype=torch.int64)
    before, started = peak(), time.perf_counter()
    cross_entropy(network(inputs, lengths), targets).backward()
    print(f"{peak():.0f} {before:.0f} {time.perf_counter() - started:.1f}")


def peak() -> float:
    """The largest resident memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


if __name__ == "__main__":
    main()
