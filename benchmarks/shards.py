"""Times what shards cost one process, and what several workers gain.

    python benchmarks/shards.py
    python benchmarks/shards.py --rounds 9 --batch-size 512 --workers 2

MNIST's rows, LSTM 128. Each contender trains the same epochs by `unrolled.train`, and the time is that of the epochs
after the first. The contenders take turns.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from measuring import (
    Contender,
    available_cores,
    interleave,
    let_idle_threads_sleep,
    print_table,
    scratch_folder,
    settings,
    training_rows,
)
from unrolled import Dataset, Recipe, Sequences, train

EPOCHS = 2
"""Epochs whose time is taken."""


class Training:
    """A contender whose repetition is some epochs; see `measuring.Contender`."""

    def __init__(self, data: Dataset, folder: Path, batch_size: int, shards: int, workers: int, threads: int) -> None:
        threads_each = f"{threads} thread{'s' if threads > 1 else ''}"
        self.name = f"{shards} shard{'s' if shards > 1 else ''}, {workers} × {threads_each}"
        self.data, self.folder = data, folder
        own = {"batch_size": batch_size, "shards": shards, "threads": threads}
        model = {"hidden_size": 128, "bidirectional": False, "pooling": "last", "frame_steps": 1, "context_steps": 0}
        plain = {"skip_segments": 0, "initializer": "orthogonal", "output_initializer": "glorot", "method": "trained"}
        self.options = {**model, **plain, **own, "report": False, "validation_fraction": 0.0, "patience": None}
        self.workers = workers

    def round(self, count: int) -> float:
        """Seconds that ``count`` epochs take, after one that is not counted."""
        recipe = Recipe(name="shards").with_options({**self.options, "max_epochs": count + 1})
        run = train(recipe, data=self.data, runs=self.folder, workers=self.workers)
        return run.history[-1].seconds - run.history[0].seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of each contender (5)")
    parser.add_argument("--sequences", type=int, default=12_800, help="of an epoch (12,800)")
    parser.add_argument("--batch-size", type=int, default=128, help="sequences of a batch (128)")
    parser.add_argument("--workers", type=int, default=2, help="of the last contender (2)")
    arguments = parser.parse_args()
    let_idle_threads_sleep()
    rows, note = training_rows()
    data = Dataset(train=_part(rows, arguments.sequences), validation=None, test=None, name="rows", note=note)
    cores = available_cores()
    with settings(cores), scratch_folder() as folder:
        ways = [(1, 1, 1), (2, 1, 1), (4, 1, 1), (8, 1, 1)]
        several = [(1, 1, cores), (8, 1, cores), (8, arguments.workers, max(1, cores // arguments.workers))]
        for title, contenders in (("one thread", ways), (f"{cores} cores", several)):
            made: list[Contender] = [Training(data, folder, arguments.batch_size, *way) for way in contenders]
            print(f"\n{title}, batches of {arguments.batch_size}\n")
            print_table(interleave(made, arguments.rounds, EPOCHS), "epoch")


def _part(rows: Sequences, count: int) -> Sequences:
    """The first sequences."""
    return rows.take(np.arange(min(count, len(rows))))


if __name__ == "__main__":
    main()
