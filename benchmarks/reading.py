"""Times the reading of large long tables, and the most memory it takes: CSV, gzip, Parquet, rows mixed.

    python benchmarks/reading.py                  # 20 million steps, about 2 GB of CSV; needs 4 GB of disk
    python benchmarks/reading.py --steps 2000000

Each file is read in a process of its own, whose peak of resident memory the system tells. Asked for: under 60 s for
the CSV on two cores, under three times the numbers in 32-bit floats, Parquet faster. The memory of a process that
only imports the package is given beside it, and not taken off. The files are made first, which takes longer than
reading them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from recipes import processor

CHANNELS = 8
STEPS_OF_CASE = 1000
BLOCK_CASES = 500
READ = """
import json, resource, sys, time
from unrolled.data.formats import read
started = time.perf_counter()
found = read(sys.argv[1]) if len(sys.argv) > 1 else None
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
steps = found.num_steps if found else 0
print(json.dumps({"seconds": seconds, "peak": peak, "steps": steps, "cases": len(found) if found else 0}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000_000, help="rows of the table (20 million)")
    parser.add_argument("--folder", type=Path, help="where the files are made, and left; else a temporary folder")
    parser.add_argument("--with", dest="kinds", nargs="*", default=list(KINDS), choices=list(KINDS), help="which files")
    parser.add_argument("--only-make", action="store_true", help="make the files and stop")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as scratch:
        folder = arguments.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        files = {kind: make(folder, kind, arguments.steps) for kind in arguments.kinds}
        if not arguments.only_make:
            report(files, arguments.steps)


def report(files: dict[str, Path], steps: int) -> None:
    """A row each."""
    numbers = 4 * steps * CHANNELS
    print(f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {steps:,} steps of {CHANNELS}, ")
    print(f"{numbers / 1e6:,.0f} MB of 32-bit floats; importing alone takes {measure()['peak'] / 1e6:.0f} MB\n")
    print("| file | MB | s | MB/s | million steps/s | peak memory, MB | times the numbers |")
    print("|---|---|---|---|---|---|---|")
    for kind, path in files.items():
        found, size = measure(path), path.stat().st_size
        assert found["steps"] == steps, found
        seconds, peak = found["seconds"], found["peak"]
        print(
            f"| {kind} | {size / 1e6:,.0f} | {seconds:.1f} | {size / 1e6 / seconds:.0f} | {steps / 1e6 / seconds:.2f} "
            f"| {peak / 1e6:,.0f} | {peak / numbers:.2f} |",
            flush=True,
        )


def measure(*arguments: Path) -> dict[str, float]:
    """Seconds and peak memory of a process that reads a file; of one that only imports the package without."""
    command = [sys.executable, "-c", READ, *map(str, arguments)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


# The files


def make(folder: Path, kind: str, steps: int) -> Path:
    """A file of random walks, unless it is there already."""
    path = folder / f"{kind.replace(', ', '-').replace(' ', '-')}-{steps}{KINDS[kind]}"
    if not path.exists():
        size = BLOCK_CASES * STEPS_OF_CASE
        write(path, (table(first, min(first + size, steps), kind) for first in range(0, steps, size)))
    return path


def table(first: int, last: int, kind: str) -> pa.Table:
    """Rows ``first`` to ``last``: id, time, eight channels, label."""
    rng = np.random.default_rng(first)
    rows = np.arange(first, last)
    if kind == "CSV, rows mixed":  # of a thousand sequences, a step of each in turn
        group, rest = np.divmod(rows, 1000 * STEPS_OF_CASE)
        step, case = np.divmod(rest, 1000)
        case += 1000 * group
    else:
        case, step = np.divmod(rows, STEPS_OF_CASE)
    names = pa.array([f"recording {number:07d}" for number in range(case.min(), case.max() + 1)])
    columns: dict[str, pa.Array] = {"id": names.take(pa.array(case - case.min())), "time": pa.array(step * 0.01)}
    for channel in range(CHANNELS):
        columns[f"x{channel}"] = pa.array(np.round(rng.normal(size=len(rows)), 6))
    columns["label"] = pa.array(["walk", "run", "rest"]).take(pa.array(case % 3))
    return pa.table(columns)


def write(path: Path, blocks: Iterator[pa.Table]) -> None:
    """Writes a file block by block, beside its place until it is whole."""
    beside = path.with_name(f"part-{path.name}")
    writer = None
    with pa.OSFile(str(beside), "wb") as raw:
        stream = pa.CompressedOutputStream(raw, "gzip") if path.name.endswith(".gz") else raw
        for block in blocks:
            if writer is None:
                make_writer = parquet.ParquetWriter if path.suffix == ".parquet" else arrow_csv.CSVWriter
                writer = make_writer(stream, block.schema)
            writer.write_table(block)
        if writer is not None:
            writer.close()
        if stream is not raw:
            stream.close()
    beside.rename(path)


KINDS = {"CSV": ".csv", "CSV, gzip": ".csv.gz", "CSV, rows mixed": ".csv", "Parquet": ".parquet"}


if __name__ == "__main__":
    main()
