"""How strong the baselines beside every figure are, and how long their fits take.

    python benchmarks/baselines.py FOLDER [NAME ...]

FOLDER holds `ucr/` (NAME_TRAIN.tsv and NAME_TEST.tsv), `uea/` (NAME_TRAIN.ts and NAME_TEST.ts) and `real/bench/`
(names and SMS as CSV, windows of AReM with folds by recording). Each regression is fitted to the training file and
asked about the test file; nothing is chosen on the latter. A row: the majority class, each kind of features that the
problem has, in per cent of the test sequences that it can judge, and seconds of all fits on one thread.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from unrolled.baselines import fit_baselines
from unrolled.config import DataConfig
from unrolled.data import Sequences, label_indices
from unrolled.data.formats import read
from unrolled.preparation import learn_preprocessor

FEATURES = ("flattened", "tokens", "bands", "ngrams")
Problem = tuple[str, Sequences, Sequences]


def main() -> None:
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    print(f"{'problem':32}{'train':>7}{'test':>7}{'majority':>10}{''.join(f'{name:>11}' for name in FEATURES)}{'s':>7}")
    rows = []
    for name, train, test in problems(folder):
        if wanted and name not in wanted:
            continue
        row = measured(train, test)
        rows.append((name, row))
        print(f"{name:32}{len(train):7,}{len(test):7,}{line(row)}", flush=True)
    both = [row for _, row in rows if "flattened" in row and "bands" in row]
    if both:
        mean = {key: float(np.mean([row[key] for row in both])) for key in ("majority", "flattened", "bands", "s")}
        print(f"{'mean of those with both':46}{line(mean)}")


def problems(folder: Path) -> Iterator[Problem]:
    for path in sorted((folder / "ucr").rglob("*_TRAIN.tsv")) + sorted((folder / "uea").rglob("*_TRAIN.ts")):
        parts = [read(p, DataConfig()) for p in (path, path.with_name(path.name.replace("_TRAIN", "_TEST")))]
        yield path.name.partition("_TRAIN")[0], *parts
    bench = folder / "real" / "bench"
    for name, text, label in (("names", "name", "language"), ("sms", "text", "label")):
        config = DataConfig(text=text, label=label)
        yield name, *(read(bench / f"{name}_{part}.csv", config) for part in ("train", "test"))
    with np.load(bench / "arem60.npz", allow_pickle=False) as file:
        whole = Sequences.from_array(file["X"], file["y"])
    fold_of = np.load(bench / "arem60_folds.npy")
    for fold in np.unique(fold_of):
        yield (
            f"AReM fold {fold}",
            *(whole.take(np.flatnonzero(inside)) for inside in (fold_of != fold, fold_of == fold)),
        )


def measured(train: Sequences, test: Sequences) -> dict[str, float]:
    preprocessor = learn_preprocessor(train, DataConfig())
    started = time.perf_counter()
    with threadpool_limits(1):
        baselines = fit_baselines(preprocessor(train), train)
    seconds = time.perf_counter() - started
    targets = label_indices(test, train.classes)
    test = replace(test, labels=targets, classes=train.classes)
    answers = baselines.answers(preprocessor(test), test)
    found = {"majority": float((answers.majority == targets).mean()), "s": seconds}
    return found | {one.features: float((one.predicted == targets)[one.judged].mean()) for one in answers.regressions}


def line(row: dict[str, float]) -> str:
    cells = "".join(f"{100 * row[name]:11.1f}" if name in row else " " * 11 for name in FEATURES)
    return f"{100 * row['majority']:10.1f}{cells}{row['s']:7.1f}"


if __name__ == "__main__":
    main()
