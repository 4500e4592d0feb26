"""Times what comes before any work: `import unrolled` and `unrolled --help`.

    python benchmarks/startup.py
    python benchmarks/startup.py --runs 20 --imports

Each is a process of its own, beside a bare interpreter; asked for are under 0.3 s.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from recipes import processor

LIMIT_SECONDS = 0.3
HELP = "from unrolled.cli.main import main; main()"
COMMANDS = {
    "a bare interpreter": ["-c", "pass"],
    "import unrolled": ["-c", "import unrolled"],
    "unrolled --help": ["-c", HELP, "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="processes of each (10)")
    parser.add_argument("--imports", action="store_true", help="also print what takes longest to import")
    arguments = parser.parse_args()
    print(f"{processor()}; {arguments.runs} runs, load of the machine {os.getloadavg()[0]:.1f}\n")
    print_table(measure(arguments.runs))
    if arguments.imports:
        print_imports()


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds of each command, run in turn; a first run fills the disk's cache."""
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(runs + 1):
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            if number:
                found[name].append(time.perf_counter() - started)
    return found


def print_table(found: dict[str, list[float]]) -> None:
    """A row each."""
    print(f"| | median s | least | most | under {LIMIT_SECONDS} s |")
    print("|---|---|---|---|---|")
    for name, seconds in found.items():
        median = statistics.median(seconds)
        verdict = "yes" if median < LIMIT_SECONDS else "no"
        print(f"| {name} | {median:.3f} | {min(seconds):.3f} | {max(seconds):.3f} | {verdict} |")


def print_imports(count: int = 15) -> None:
    """The modules that take longest in ``unrolled --help``, each with what it imports."""
    command = [sys.executable, "-X", "importtime", "-c", HELP, "--help"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    rows = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")][1:]
    print("\n| module | ms, with what it imports | ms, alone |\n|---|---|---|")
    for alone, whole, name in sorted(rows, key=lambda row: -int(row[1]))[:count]:
        print(f"| {name.strip()} | {int(whole) / 1000:.1f} | {int(alone) / 1000:.1f} |")


if __name__ == "__main__":
    main()
