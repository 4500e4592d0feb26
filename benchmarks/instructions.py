"""Counts the instructions of a recurrence, forward and backward, by callgrind: a noisy hour does not change them.

    python benchmarks/instructions.py            # LSTM and GRU, compiled and PyTorch's kernel, one thread

Valgrind does not know AVX-512, so both kernels run at the level of AVX2. Each figure is the difference between a
process that does the work several times and one that does it once, divided by their difference in number.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from kernels import Work, both_ways

FEW, MANY = 1, 4
WORKS = (Work("lstm", batch=32, steps=14), Work("gru", batch=32, steps=14))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=int, help="do this work, in this process")
    parser.add_argument("--kernel", default="compiled")
    parser.add_argument("--count", type=int, default=FEW)
    arguments = parser.parse_args()
    if arguments.work is not None:
        do(WORKS[arguments.work], arguments.kernel, arguments.count)
        return
    print("| forward and backward | multiplications and additions | unrolled | PyTorch | PyTorch / unrolled |")
    print("|---|---|---|---|---|")
    for number, work in enumerate(WORKS):
        own, other = (instructions(number, kernel) for kernel in ("compiled", "torch"))
        counts = " | ".join(f"{value / 1e6:.1f} million" for value in (work.operations(), own, other))
        print(f"| {work} | {counts} | **{other / own:.2f}** |", flush=True)


def do(work: Work, kernel: str, count: int) -> None:
    """The work, so many times."""
    torch.set_num_threads(1)
    layers = work.make()
    inputs, lengths = torch.randn(work.batch, work.steps, work.features), torch.full((work.batch,), work.steps)
    for _ in range(count):
        both_ways(layers, inputs, lengths, kernel)


def instructions(number: int, kernel: str) -> float:
    """Of one time, as callgrind counts them."""
    few, many = (_total(number, kernel, count) for count in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _total(number: int, kernel: str, count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable, __file__]
        command += ["--work", str(number), "--kernel", kernel, "--count", str(count)]
        environment = {**os.environ, "UNROLLED_KERNEL_LEVEL": "3", "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise SystemExit(done.stderr)
    return int(found[1])


if __name__ == "__main__":
    main()
