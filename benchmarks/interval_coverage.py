"""How often do 95 % intervals contain the truth, and how often is a difference found where there is none?

Simulated classifiers of known accuracy answer simulated test sequences. The tables give the lowest and the highest
coverage over all simulated situations of a row, in per cent.

    python benchmarks/interval_coverage.py --rounds 1000
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from unrolled.evaluation.metrics import decisions, log_probabilities, mean_losses
from unrolled.statistics import (
    Confidence,
    Figure,
    Groups,
    calibration_error,
    difference,
    mean_share,
    proportion,
    roc_auc,
    share,
)

SIZES = (5, 10, 20, 50, 150, 1000)
ACCURACIES = (0.6, 0.8, 0.9, 0.97, 0.99)
SEEDS = (1, 2, 3, 5)
SHARPNESS = (0.5, 1.0, 2.0)
"""How sure a classifier is: 1 is calibrated (for two classes), 2 twice as sure as it should be."""

GROUPS = ((5, 10), (8, 15), (20, 15), (60, 5))
"""Numbers of groups, and of sequences in the mean group."""

ALIKE = (0.0, 0.2, 0.5)
"""Correlations of the difficulty of two sequences of a group."""

Array = npt.NDArray[np.float64]


def right_answers(
    rng: np.random.Generator, accuracy: float, seeds: int, cases: int, *, difficulty: float = 1.0, luck: float = 0.1
) -> npt.NDArray[np.bool_]:
    """Right answers of several seeds, [S, N]: sequences differ in difficulty for all seeds, seeds in their luck."""
    level = stats.norm.ppf(accuracy) * math.sqrt(1 + difficulty**2 + luck**2)
    found = rng.normal(size=(seeds, cases)) + difficulty * rng.normal(size=cases) + luck * rng.normal(size=(seeds, 1))
    return np.asarray(found < level)


def random_groups(rng: np.random.Generator, count: int, size: int, *, equal: bool) -> Groups:
    """Groups of equal size, or of sizes that differ by a factor of about 10."""
    sizes = np.full(count, size) if equal else np.maximum(1, size * rng.lognormal(-0.25, 0.7, count)).astype(int)
    return Groups(np.repeat(np.arange(count), sizes), int(sizes.sum()))


def difficulty(rng: np.random.Generator, groups: Groups, alike: float, width: int = 1) -> Array:
    """Normal values of variance 1 that are correlated within groups, [N, width]."""
    shared = rng.normal(size=(len(groups.sizes), width))
    places = np.arange(groups.cases) if groups.places is None else groups.places
    return math.sqrt(alike) * shared[places] + math.sqrt(1 - alike) * rng.normal(size=(groups.cases, width))


@cache
def distance(accuracy: float, classes: int) -> float:
    """By how much the score of the true class is raised above standard normal noise for this accuracy."""
    noise = np.random.default_rng(0).normal(size=(200_000, classes))
    return float(np.quantile(noise[:, 1:].max(1) - noise[:, 0], accuracy))


def answers(
    rng: np.random.Generator, groups: Groups, accuracy: float, sharpness: float, classes: int, alike: float = 0.0
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Logits, [N, C], and targets, [N], of a classifier; the classes are twice to once as frequent as each other."""
    raised = distance(accuracy, classes)
    scores = difficulty(rng, groups, alike, classes)
    scores[:, 0] += raised
    shares = np.linspace(2, 1, classes)
    targets = rng.choice(classes, groups.cases, p=shares / shares.sum())
    order = (np.arange(classes) - targets[:, None]) % classes
    return np.take_along_axis(scores, order, 1) * raised * sharpness, targets


def figures(logits: Array, targets: npt.NDArray[np.int64], groups: Groups) -> dict[str, Figure]:
    """All figures but the calibration error, whose resamples take long."""
    logs = log_probabilities(logits)
    decided = decisions(logits, targets, tuple(map(str, range(logits.shape[1]))), groups)
    log_loss, brier = mean_losses(logs, targets, groups)
    found = {"log loss": log_loss, "Brier": brier, "balanced accuracy": decided.balanced_accuracy}
    return found | {"macro F1": decided.macro_f1, "ROC area": roc_auc(logs, targets, groups)}


def calibration(logits: Array, targets: npt.NDArray[np.int64], groups: Groups) -> dict[str, Figure]:
    """The calibration error."""
    probabilities = np.exp(log_probabilities(logits))
    return {"calibration error": calibration_error(Confidence.of(probabilities, targets), groups)}


Judge = Callable[[Array, npt.NDArray[np.int64], Groups], dict[str, Figure]]


def coverage_of_figures(
    judge: Judge, make: Callable[[np.random.Generator], Groups], situation: tuple[float, float, int, float], rounds: int
) -> dict[str, float]:
    """The share of intervals of each figure that hold its value on very many sequences; those without one left out."""
    accuracy, sharpness, classes, alike = situation
    everything = Groups(None, 100_000)
    many = answers(np.random.default_rng(1), everything, accuracy, sharpness, classes)
    truth = {name: figure.value for name, figure in judge(*many, everything).items()}
    inside: dict[str, list[bool]] = {name: [] for name in truth}
    rng = np.random.default_rng(2)
    for _ in range(rounds):
        groups = make(rng)
        for name, found in judge(*answers(rng, groups, accuracy, sharpness, classes, alike), groups).items():
            if found.low is not None and found.high is not None:
                inside[name].append(found.low <= truth[name] <= found.high)
    return {name: float(np.mean(ones)) for name, ones in inside.items() if ones}


def coverage_of_share(accuracy: float, cases: int) -> float:
    """The exact coverage of a share's interval."""
    counts = np.arange(cases + 1)
    inside = [(one := proportion(int(count), cases)).low <= accuracy <= one.high for count in counts]
    return float(stats.binom.pmf(counts, cases, accuracy) @ inside)


def coverage_of_seeds(accuracy: float, cases: int, seeds: int, rounds: int) -> float:
    """The coverage of the interval of a mean over seeds."""
    rng = np.random.default_rng(0)
    found = [mean_share(right_answers(rng, accuracy, seeds, cases)) for _ in range(rounds)]
    return float(np.mean([one.low <= accuracy <= one.high for one in found]))


def coverage_of_groups(
    accuracy: float, make: Callable[[np.random.Generator], Groups], alike: float, rounds: int
) -> float:
    """The coverage of the accuracy's interval where sequences are grouped."""
    rng, inside = np.random.default_rng(0), []
    for _ in range(rounds):
        groups = make(rng)
        found = share(difficulty(rng, groups, alike)[:, 0] < stats.norm.ppf(accuracy), groups)
        inside.append(found.low <= accuracy <= found.high)
    return float(np.mean(inside))


def differences(
    accuracy: float,
    gap: float,
    seeds: int,
    make: Callable[[np.random.Generator], Groups],
    alike: float,
    rounds: int,
    *,
    paired: bool = True,
) -> tuple[float, float]:
    """The coverage of a difference's interval, and how often a difference is shown, of two classifiers."""
    luck = 0.1 if seeds > 1 else 0.0  # a single run is compared as it is
    rng, levels = np.random.default_rng(0), stats.norm.ppf([accuracy, accuracy - gap]) * math.sqrt(2 + luck**2)
    inside, shown = [], []
    for _ in range(rounds):
        groups = [make(rng), make(rng)]
        common = difficulty(rng, groups[0], alike)[:, 0]
        hard = [common, common if paired else difficulty(rng, groups[1], alike)[:, 0]]
        runs = [
            rng.normal(size=(seeds, len(one))) + one + luck * rng.normal(size=(seeds, 1)) < level
            for one, level in zip(hard, levels, strict=True)
        ]
        found = difference(*runs, paired=paired, groups=groups[0], second_groups=groups[1])
        inside.append(found.low <= gap <= found.high)
        shown.append(found.p < 0.05)
    return float(np.mean(inside)), float(np.mean(shown))


def single(cases: int) -> Callable[[np.random.Generator], Groups]:
    """Makes sequences that are groups of their own."""
    return lambda _: Groups(None, cases)


def grouped(count: int, size: int, *, equal: bool) -> Callable[[np.random.Generator], Groups]:
    """Makes groups."""
    return lambda rng: random_groups(rng, count, size, equal=equal)


def rows(parts: set[str], rounds: int) -> Iterator[tuple[str, str, list[float]]]:
    """Name of the figure, name of the row, and the coverages of its situations."""
    if "shares" in parts:
        for cases in SIZES:
            yield "accuracy, one run", f"{cases}", [coverage_of_share(accuracy, cases) for accuracy in ACCURACIES]
        for seeds, cases in itertools.product(SEEDS[1:], SIZES):
            found = [coverage_of_seeds(accuracy, cases, seeds, rounds) for accuracy in ACCURACIES]
            yield f"mean of {seeds} seeds", f"{cases}", found
    if "differences" in parts:
        for (paired, seeds), cases in itertools.product(((True, 1), (True, 3), (False, 1), (False, 3)), SIZES):
            kind = f"difference, {'paired' if paired else 'unpaired'}, {seeds} seed{'s' * (seeds > 1)}"
            both = [
                differences(accuracy, gap, seeds, single(cases), 0.5, rounds, paired=paired)
                for accuracy, gap in itertools.product(ACCURACIES[1:], (0.0, 0.1))
            ]
            yield kind, f"{cases}", [one[0] for one in both]
            yield f"{kind}: shown where there is none", f"{cases}", [one[1] for one in both[::2]]
    situations = list(itertools.product(ACCURACIES, SHARPNESS, (2, 5)))
    for part, judge in (("figures", figures), ("calibration", calibration)):
        if part in parts:
            for cases in SIZES:
                yield from _by_figure(
                    f"{cases}",
                    [
                        coverage_of_figures(judge, single(cases), (*one, 0.0), max(rounds // 2, 50))
                        for one in situations
                    ],
                )
    if "groups" in parts:
        for (count, size), equal in itertools.product(GROUPS, (True, False)):
            make, name = grouped(count, size, equal=equal), f"{count} groups of {'' if equal else 'about '}{size}"
            found = [coverage_of_groups(a, make, alike, rounds) for a, alike in itertools.product(ACCURACIES, ALIKE)]
            yield "grouped: accuracy", name, found
            kinds = list(itertools.product((0.0, 0.1), (0.8, 0.9, 0.97), ALIKE))
            both = [differences(accuracy, gap, 1, make, alike, rounds) for gap, accuracy, alike in kinds]
            yield "grouped: difference", name, [one[0] for one in both]
            shown = [one[1] for one in both[: len(kinds) // 2]]
            yield "grouped: difference shown where there is none", name, shown
            chosen = [(accuracy, 1.0, 3, alike) for accuracy, alike in itertools.product((0.8, 0.95), ALIKE)]
            yield from _by_figure(
                name, [coverage_of_figures(figures, make, one, max(rounds // 2, 50)) for one in chosen], "grouped: "
            )


def _by_figure(row: str, found: Iterable[dict[str, float]], prefix: str = "") -> Iterator[tuple[str, str, list[float]]]:
    found = list(found)
    for name in dict.fromkeys(name for one in found for name in one):
        yield f"{prefix}{name}", row, [one[name] for one in found if name in one]


PARTS = ("shares", "differences", "figures", "calibration", "groups")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300, help="simulated test sets for each situation")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    table: dict[str, dict[str, str]] = {}
    for name, row, found in rows(set(options.parts), options.rounds):
        text = f"{100 * min(found):.1f} to {100 * max(found):.1f}"
        table.setdefault(name, {})[row] = text
        print(f"# {name} | {row} | {text}", flush=True)
    for headers in dict.fromkeys(tuple(line) for line in table.values()):
        print(f"\n| | {' | '.join(headers)} |\n|{'---|' * (len(headers) + 1)}")
        for name, line in table.items():
            if tuple(line) == headers:
                print(f"| {name} | {' | '.join(line.values())} |")


if __name__ == "__main__":
    main()
