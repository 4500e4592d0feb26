"""The default on real data as people bring them, measured as `real/bench` of the data folder says.

    python benchmarks/real.py FOLDER [--set NAME=VALUE ...] [NAME ...]

FOLDER holds ``arem60.npz`` with its folds, ``lp1.npz``, ``promoters.csv``, and names and SMS as CSV. A row: the share
of held-out sequences that is right, their cross-entropy, and seconds of processor time of all trainings.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold

from archive import value
from unrolled import SequenceClassifier

Part = tuple[list, np.ndarray, list, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    settings = {name: value(text) for name, _, text in (word.partition("=") for word in arguments.set)}
    for name, parts in {"AReM": arem, "lp1": lp1, "promoters": promoters, "names": names, "sms": sms}.items():
        if not arguments.names or name in arguments.names:
            right, loss, seconds = measured(parts(arguments.folder), settings)
            print(f"{name:12}{100 * right:8.1f} %{loss:8.3f}{seconds:8.1f} s", flush=True)


def measured(parts: Iterator[Part], settings: dict[str, object]) -> tuple[float, float, float]:
    right, losses, seconds = [], [], 0.0
    for sequences, labels, others, expected in parts:
        begin = time.process_time()
        model = SequenceClassifier(random_state=0, **settings).fit(sequences, labels)
        seconds += time.process_time() - begin
        shares, place = model.predict_proba(others), np.searchsorted(model.classes_, expected)
        right.append(shares.argmax(1) == place)
        losses.append(-np.log(shares[np.arange(len(place)), place].clip(1e-9)))
    return float(np.concatenate(right).mean()), float(np.concatenate(losses).mean()), seconds


def folds(sequences: list, labels: np.ndarray, count: int) -> Iterator[Part]:
    """Three divisions into stratified folds."""
    for repeat in range(3):
        for rest, held in StratifiedKFold(count, shuffle=True, random_state=repeat).split(labels, labels):
            yield [sequences[i] for i in rest], labels[rest], [sequences[i] for i in held], labels[held]


def arem(folder: Path) -> Iterator[Part]:
    with np.load(folder / "arem60.npz", allow_pickle=False) as file:
        sequences, labels = list(file["X"].astype(np.float32)), file["y"]
    fold = np.load(folder / "arem60_folds.npy")
    for one in np.unique(fold):
        rest, held = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        yield [sequences[i] for i in rest], labels[rest], [sequences[i] for i in held], labels[held]


def lp1(folder: Path) -> Iterator[Part]:
    with np.load(folder / "lp1.npz", allow_pickle=False) as file:
        return folds(list(file["X"].astype(np.float32)), file["y"], 5)


def promoters(folder: Path) -> Iterator[Part]:
    return folds(*table(folder / "promoters.csv", "text", "label"), 10)


def names(folder: Path) -> Iterator[Part]:
    yield *table(folder / "names_train.csv", "name", "language"), *table(folder / "names_test.csv", "name", "language")


def sms(folder: Path) -> Iterator[Part]:
    yield *table(folder / "sms_train.csv", "text", "label"), *table(folder / "sms_test.csv", "text", "label")


def table(path: Path, text: str, label: str) -> tuple[list[str], np.ndarray]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row[text] for row in rows], np.array([row[label] for row in rows])


if __name__ == "__main__":
    main()
