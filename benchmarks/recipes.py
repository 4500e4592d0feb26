"""Trains a recipe with several seeds and prints what it gave: the tables of docs/results.md.

    python benchmarks/recipes.py mnist-rows --seeds 0 1 2
    python benchmarks/recipes.py tutorial-a --seeds 0 1 2 3 4 --runs /tmp/runs
    python benchmarks/recipes.py count-ones --seeds 0 1 2 --draws

Every run is an ordinary one, `unrolled train RECIPE --seed N --name seed-N`, in a process of its own, so
the whole time from the command to the result is measured too. A run that is finished is not trained again.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--draws", action="store_true", help="split the data anew for each seed, too")
    arguments, options = parser.parse_known_args()
    rows = []
    for seed in arguments.seeds:
        drawn = ["--split-seed", str(seed)] if arguments.draws else []
        rows.append(measure(arguments.recipe, seed, arguments.runs, [*options, *drawn]))
    print(f"\n{' '.join([arguments.recipe, *options])} on {processor()}")
    print("| seed | accuracy on all test data | wrong | first cases alone | training, s | command to result, s |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(line(str(row["seed"]), row))
    for name, function in (("mean", statistics.mean), ("median", statistics.median)):
        keys = ("accuracy", "wrong", "headline", "seconds", "wall")
        print(line(name, {k: None if rows[0][k] is None else function(row[k] for row in rows) for k in keys}))


def measure(recipe: str, seed: int, runs: Path, options: list[str]) -> dict[str, Any]:
    """One run; its figures are kept beside it."""
    kept = runs / "measured" / f"{recipe}-{seed}{'-'.join(['', *options])}.json"
    if not kept.exists():
        command = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "train", recipe]
        command += ["--seed", str(seed), "--runs", str(runs), "--name", f"seed-{seed}", "--json", *options]
        started = time.perf_counter()
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        wall = time.perf_counter() - started
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"wall": wall, **json.loads(answer)}))
    content = json.loads(kept.read_text())
    evaluation = content["evaluation"]
    accuracy, headline = evaluation["accuracy"], evaluation["headline"]
    row = {
        "seed": seed,
        "accuracy": accuracy["value"],
        "wrong": accuracy["cases"] - accuracy["count"],
        "headline": headline["value"] if headline else None,
        "seconds": content["seconds"],
        "wall": content["wall"],
    }
    print(line(str(seed), row), flush=True)
    return row


def line(name: str, row: dict[str, Any]) -> str:
    headline = "" if row["headline"] is None else f"{100 * row['headline']:.2f} %"
    return (
        f"| {name} | {100 * row['accuracy']:.3f} % | {row['wrong']:,g} | {headline} | {row['seconds']:.1f} "
        f"| {row['wall']:.1f} |"
    )


def processor() -> str:
    """The machine, in a few words."""
    names = [
        text.split(":")[1].strip() for text in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in text
    ]
    return f"{len(names)} × {names[0]}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
