"""How often inputs of other kinds are told from the training data ('none of these'), at 5 % of false alarms.

    python benchmarks/novelty.py --data FOLDER    # a folder with mnist/ and, for text, names/ (one file a language)

Letters are glyphs of matplotlib's fonts that look like no digit, drawn as the digits are; scribbles are random smooth
curves. The confidence beside it: the share of inputs that a threshold on the largest probability would find, at the
same share of false alarms on validation sequences. Prints a table for docs/results.md.
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from scipy.interpolate import CubicSpline

import unrolled

LETTERS = "acdefhjkmnpqrtuvwxyACDEFGHKLMNPQRTUVWXY"
FONTS = ("DejaVu Sans", "DejaVu Serif", "STIXGeneral", "DejaVu Sans Mono")
EUROPE = ("Czech", "English", "German", "Italian", "Polish", "Portuguese", "Spanish", "French", "Dutch")
RATE, FINE = 0.05, 4


def canvas(size: int) -> tuple[Figure, Any]:
    figure = Figure((1, 1), dpi=size * FINE, facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    return figure, axes


def pixels(figure: Figure, size: int, most: int) -> np.ndarray[Any, Any]:
    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    ink = np.asarray(drawn.buffer_rgba())[..., 0].reshape(size, FINE, size, FINE).mean((1, 3))
    return np.round(ink * most / 255).astype(np.uint8)


def letter(name: str, font: str, size: int, most: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    figure, axes = canvas(size)
    path = TextPath((0, 0), name, size=10, prop=FontProperties(family=font))
    box = path.get_extents()
    place = Affine2D().translate(-box.x0 - box.width / 2, -box.y0 - box.height / 2)
    place = place.scale(20 / 28 / max(box.width, box.height)).rotate_deg(rng.normal(0, 5)).translate(0.5, 0.5)
    axes.add_patch(PathPatch(path.transformed(place), color="white", lw=rng.uniform(0, 3)))
    return pixels(figure, size, most)


def scribble(size: int, most: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    figure, axes = canvas(size)
    count = int(rng.integers(6, 14))
    curve = CubicSpline(np.arange(count), rng.uniform(0.15, 0.85, (count, 2)))(np.linspace(0, count - 1, 200))
    axes.plot(*curve.clip(0.1, 0.9).T, color="white", lw=rng.uniform(4, 8), solid_capstyle="round")
    return pixels(figure, size, most)


def pictures(test: np.ndarray[Any, Any], most: int) -> dict[str, list[Any]]:
    """Inputs of other kinds for pictures [N, size, size]."""
    rng, size = np.random.default_rng(1), test.shape[1]
    return {
        "letters": [letter(name, font, size, most, rng) for name in LETTERS for font in FONTS],
        "scribbles": [scribble(size, most, rng) for _ in range(150)],
        "digits, rows shuffled": [one[rng.permutation(size)] for one in test[:200]],
        "digits with noise": [
            np.clip(one + rng.normal(0, 0.3 * most, one.shape), 0, most).astype(np.uint8) for one in test[:200]
        ],
        "noise": [rng.integers(0, most + 1, (size, size)).astype(np.uint8) for _ in range(200)],
    }


def series(test: Sequence[np.ndarray[Any, Any]]) -> dict[str, list[Any]]:
    """Inputs of other kinds for sequences [T, F]."""
    rng = np.random.default_rng(1)
    spread = np.concatenate(test).std(0)
    return {
        "steps shuffled": [one[rng.permutation(len(one))] for one in test],
        "read backwards": [one[::-1] for one in test],
        "with noise of their own deviation": [
            one + rng.normal(0, spread, one.shape).astype(np.float32) for one in test
        ],
        "noise of their mean and deviation": [
            rng.normal(np.concatenate(test).mean(0), spread, one.shape).astype(np.float32) for one in test
        ],
    }


def table(name: str, run: unrolled.Run, validation: Any, test: Any, others: dict[str, Any]) -> None:
    model = run.model

    def doubt(values: Any) -> np.ndarray[Any, Any]:
        return 1 - model.predict_proba(values).max(1)

    found = np.sort(doubt(validation))
    limit = found[min(int(np.ceil((1 - RATE) * (len(found) + 1))) - 1, len(found) - 1)]
    assert model.novelty is not None
    rate = model.novelty.rate
    print(f"| {name} ({model.facts.method}, {len(validation):,} validation sequences) | | |")
    for kind, values in {"its own test sequences": test, **others}.items():
        novel, unsure = (model.familiarity(values) <= rate).mean(), (doubt(values) > limit).mean()
        print(f"| {kind} ({len(values):,}) | {100 * novel:.1f} % | {100 * unsure:.1f} % |", flush=True)


def arrays(sequences: unrolled.Sequences, most: int) -> list[Any]:
    some = sequences.take(np.arange(min(len(sequences), most)))
    return [np.asarray(one) for one in some]


def of_digits(name: str, runs: Path, most: int, **options: Any) -> None:
    recipe = unrolled.recipe_for(name)
    dataset = unrolled.load_dataset(recipe.data)
    run = unrolled.train(recipe, data=dataset, runs=runs, report=False, **options)
    assert dataset.validation is not None
    assert dataset.test is not None
    test = np.stack(arrays(dataset.test, 2000))
    table(name, run, dataset.validation, dataset.test, pictures(test, most))


def of_vowels(runs: Path) -> None:
    config = unrolled.recipe_for("japanese-vowels").data.model_copy(update={"validation_fraction": 0.3})
    dataset = unrolled.load_dataset(config)
    assert dataset.test is not None
    for method in ("fitted", "trained"):
        run = unrolled.train(data=dataset, runs=runs, report=False, method=method)
        others = series(arrays(dataset.test, 400))
        table("JapaneseVowels, default recipe", run, dataset.validation, dataset.test, others)


def of_names(folder: Path, runs: Path) -> None:
    rng = np.random.default_rng(0)
    names = {file.stem: file.read_text(encoding="utf-8").split("\n") for file in sorted(folder.glob("*.txt"))}
    unique = {language: list(dict.fromkeys(filter(str.strip, found))) for language, found in names.items()}
    with (runs / "names.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "language"])
        writer.writerows((name, language) for language in EUROPE for name in unique[language])
    config = unrolled.DataConfig(source=str(runs / "names.csv"), text="name", label="language", tokens="characters")
    dataset = unrolled.load_dataset(config)
    others: dict[str, Any] = {one: unique[one] for one in ("Russian", "Arabic", "Japanese", "Chinese", "Vietnamese")}
    others["letters at random"] = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 7)) for _ in range(300)]
    for method in ("fitted", "trained"):
        run = unrolled.train(data=dataset, runs=runs, report=False, method=method)
        table(
            f"surnames of {len(EUROPE)} European languages, default recipe",
            run,
            dataset.validation,
            dataset.test,
            others,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    warnings.simplefilter("ignore", unrolled.UnrolledWarning)
    print("| sequences | told as novel | told by confidence |\n|---|---|---|")
    with TemporaryDirectory() as place:
        runs = Path(place)
        of_digits("digits", runs, 16)
        of_digits("mnist-rows", runs, 255, method="fitted")
        of_vowels(runs)
        if (folder / "names").is_dir():
            of_names(folder / "names", runs)


if __name__ == "__main__":
    main()
