"""Times a grid of small trainings, one after the other and several at once.

    python benchmarks/several_trainings.py
    python benchmarks/several_trainings.py --rounds 5 --epochs 60 --settings 4
    python benchmarks/several_trainings.py --within

Both ways take turns, each in a folder of its own. What is timed is the command `unrolled compare digits --hidden-size
16,20,… --jobs N`, from its start to its end; or, with `--within`, the same in this process, which has imported
everything before, while each further process must still import.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measuring import available_cores, let_idle_threads_sleep, scratch_folder
from recipes import processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of both ways (5)")
    parser.add_argument("--epochs", type=int, default=30, help="of each training (30)")
    parser.add_argument("--settings", type=int, default=4, help="trainings (4)")
    parser.add_argument("--jobs", type=int, default=available_cores(), help="at once (as many as cores)")
    parser.add_argument("--within", action="store_true", help="in this process, not as a command")
    arguments = parser.parse_args()
    measure = within if arguments.within else by_command
    let_idle_threads_sleep()
    print(f"{processor()}; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{arguments.settings} trainings of {arguments.epochs} epochs on digits, {arguments.rounds} rounds\n")
    found: dict[int, list[float]] = {1: [], arguments.jobs: []}
    with scratch_folder() as folder:
        for number in range(arguments.rounds):
            order = list(found) if number % 2 else list(reversed(found))
            for jobs in order:
                place = folder / f"{number}-{jobs}"
                found[jobs].append(measure(place, jobs, arguments.epochs, arguments.settings))
    base = statistics.median(found[1])
    print("| trainings at once | median s | least | most | ratio of medians |\n|---|---|---|---|---|")
    for jobs, values in found.items():
        median = statistics.median(values)
        print(f"| {jobs} | {median:.1f} | {min(values):.1f} | {max(values):.1f} | {base / median:.2f} |")
    print("A ratio over 1 says that several at once are faster, by this factor.")


def by_command(runs: Path, jobs: int, epochs: int, settings: int) -> float:
    """How long the command takes, in seconds."""
    command = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "compare", "digits", "--quiet"]
    command += ["--hidden-size", ",".join(map(str, sizes(settings))), "--max-epochs", str(epochs), "--jobs", str(jobs)]
    command += ["--runs", str(runs), "--output", str(runs / "comparison")]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def within(runs: Path, jobs: int, epochs: int, settings: int) -> float:
    """How long it takes in this process, in seconds."""
    from unrolled.comparison.settings import compare_settings

    started = time.perf_counter()
    compare_settings("digits", {"hidden_size": sizes(settings)}, jobs=jobs, runs=runs, max_epochs=epochs)
    return time.perf_counter() - started


def sizes(settings: int) -> list[int]:
    """Hidden sizes, one for each training."""
    return [16 + 4 * number for number in range(settings)]


if __name__ == "__main__":
    main()
