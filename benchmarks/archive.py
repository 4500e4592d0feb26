"""The default on problems of the UCR archive: accuracy, probabilities and seconds, beside figures of other classifiers.

    python benchmarks/archive.py FOLDER [--others others.csv] [--picture cd.png] [--set NAME=VALUE ...] [NAME ...]

FOLDER holds NAME_TRAIN.tsv and NAME_TEST.tsv, anywhere below it. A row: the share of the test sequences that is right,
cross-entropy, Brier score, calibration error (15 bins of the largest probability), seconds of processor time of the
training on one thread, and whether training by gradients replaced the fitted start. Nothing is chosen on test files.

``--others`` is a table of the accuracies of other classifiers in per cent, a row a problem and a column a classifier;
``--picture`` draws the mean ranks of all with Nemenyi's critical difference at 5 % (Demšar 2006, "Statistical
Comparisons of Classifiers over Multiple Data Sets", JMLR 7), on the problems that all of them have.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import rankdata, studentized_range

from unrolled import SequenceClassifier
from unrolled.config import DataConfig
from unrolled.data.formats import read

FIGURES = ("right, %", "cross-entropy", "Brier", "calibration", "s")
BINS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--others", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    settings = {name: value(text) for name, _, text in (word.partition("=") for word in arguments.set)}
    print(f"{'problem':32}{''.join(f'{name:>15}' for name in FIGURES)}")
    found = {}
    for path in sorted(arguments.folder.rglob("*_TRAIN.tsv")):
        name = path.name.removesuffix("_TRAIN.tsv")
        if arguments.names and name not in arguments.names:
            continue
        found[name], method = measured(path, settings)
        tell(name, found[name], method)
    tell("mean", np.mean(list(found.values()), 0), f"longest {max(row[-1] for row in found.values()):.1f} s")
    if arguments.others and arguments.picture:
        draw({name: row[0] for name, row in found.items()}, arguments.others, arguments.picture)


def measured(path: Path, settings: dict[str, object]) -> tuple[tuple[float, ...], str]:
    train, test = (read(p, DataConfig()) for p in (path, path.with_name(path.name.replace("_TRAIN", "_TEST"))))
    names = np.array(test.classes)[test.targets]
    begin = time.process_time()
    model = SequenceClassifier(random_state=0, threads=1, missing="forward-fill", **settings).fit(train)
    seconds = time.process_time() - begin
    shares = model.predict_proba(test).astype(np.float64)
    return (*figures(shares, np.searchsorted(model.classes_, names)), seconds), model.model_.facts.method_in_words


def figures(shares: np.ndarray, expected: np.ndarray) -> tuple[float, float, float, float]:
    """Share right in per cent, cross-entropy, Brier score and calibration error of probabilities [N, C]."""
    right, most = shares.argmax(1) == expected, shares.max(1)
    own = shares[np.arange(len(shares)), expected]
    brier = np.square(shares - np.eye(shares.shape[1])[expected]).sum(1).mean()
    place = np.minimum((most * BINS).astype(int), BINS - 1)
    gaps = [abs(right[place == one].mean() - most[place == one].mean()) * (place == one).mean() for one in set(place)]
    return 100 * float(right.mean()), float(-np.log(own.clip(1e-9)).mean()), float(brier), float(sum(gaps))


def draw(own: dict[str, float], others: Path, picture: Path) -> None:
    """Mean ranks, and a bar over classifiers that differ by less than the critical difference."""
    with others.open(encoding="utf-8", newline="") as file:
        rows = {row.pop("problem"): row for row in csv.DictReader(file)}
    shared = [name for name in own if name in rows and all(rows[name].values())]
    names = ["unrolled", *rows[shared[0]]]
    table = np.array([[own[name], *map(float, rows[name].values())] for name in shared])
    ranks = rankdata(-table, axis=1).mean(0)
    count = len(names)
    difference = (
        studentized_range.ppf(0.95, count, np.inf) / np.sqrt(2) * np.sqrt(count * (count + 1) / (6 * len(shared)))
    )
    figure, axes = plt.subplots(figsize=(7, 0.5 * count + 1), layout="constrained")
    order = np.argsort(ranks)
    axes.barh(range(count), ranks[order], color="#4c78a8")
    axes.set_yticks(range(count), [f"{names[one]} ({table[:, one].mean():.1f} %)" for one in order])
    axes.axvline(ranks.min() + difference, color="black", linestyle="--")
    axes.invert_yaxis()
    axes.set_xlabel(
        f"mean rank on {len(shared)} problems; dashed: the best plus the critical difference {difference:.2f}"
    )
    figure.savefig(picture, dpi=150)


def value(text: str) -> object:
    """A number, true or false, or else the word itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def tell(name: str, row: object, note: str) -> None:
    right, loss, brier, gap, seconds = row
    print(f"{name:32}{right:15.1f}{loss:15.3f}{brier:15.3f}{gap:15.3f}{seconds:15.1f}  {note}", flush=True)


if __name__ == "__main__":
    main()
