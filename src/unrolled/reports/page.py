"""The content of the page, in order, and the page itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unrolled.config import Recipe
from unrolled.data import Sequences
from unrolled.drawing import (
    COUNTS_AND_SHARES,
    MOST_CLASSES,
    MOST_RECORDINGS,
    draw_by_length,
    draw_by_share,
    draw_confusion,
    draw_curve,
    draw_recordings,
    draw_reliability,
    draw_standing,
)
from unrolled.evaluation import (
    ClassRow,
    Evaluation,
    Outcomes,
    WindowFigures,
    accuracies,
    further_figures,
    further_shares,
    strips,
)
from unrolled.model import Model
from unrolled.reports import origin, words
from unrolled.reports.cases import card, most_confident_mistakes, typical_right_answers
from unrolled.reports.inside import look_inside
from unrolled.reports.pictures import Album, Picture, plainly_styled
from unrolled.statistics import Figure, Proportion
from unrolled.training import EpochLog, StepLog
from unrolled.version import VERSION

MOST_ROWS = 200
"""Most rows of the table of classes; with more classes, those with the most errors."""

MOST_CONFUSIONS = 10


@dataclass(frozen=True)
class Shown:
    """The test sequences that the page can show.

    Attributes:
        sequences: the test sequences.
        outcomes: the model's predictions for them.
    """

    sequences: Sequences
    outcomes: Outcomes


@dataclass(frozen=True)
class Material:
    """The input of a report.

    Attributes:
        title: the run's name.
        recipe: its recipe.
        facts: data and conditions that the run recorded.
        history: the figures of each epoch.
        steps: the figures of its updates.
        model: its model.
        evaluation: the figures on the test sequences; None without test sequences.
        shown: the test sequences to draw from; None if they cannot be read.
        without: the reason why not.
        inside: number of the sequence for the look inside; by default a typical right prediction.
    """

    title: str
    recipe: Recipe
    facts: Mapping[str, Any]
    history: Sequence[EpochLog]
    model: Model
    evaluation: Evaluation | None = None
    shown: Shown | None = None
    without: str = ""
    inside: int | None = None
    steps: Sequence[StepLog] = ()


@dataclass(frozen=True)
class FigureRow:
    """A row of the table of figures, as text."""

    name: str
    value: str
    interval: str
    method: str
    meaning: str
    note: str | None = None


def render(material: Material) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("unrolled.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]
    with plainly_styled():
        content = compose(material)
    template = environment.get_template("report.html")
    style = Markup(source)  # noqa: S704  # the package's own
    return template.render(page=content, words=words, style=style, version=VERSION)


def compose(material: Material) -> dict[str, Any]:
    """The content of the page, by the names that its template uses; parts that a run does not have are empty."""
    album, found, model = Album(), material.evaluation, material.model
    content = {
        "title": material.title,
        "origin": origin.lines(material.facts, model, list(material.history), words.tested(found)),
        "command": origin.command_to_repeat(
            material.recipe,
            text=material.model.facts.vocabulary is not None,
            start=material.facts.get("start", {}).get("path"),
        ),
        "evaluation": found,
        "about": origin.about(material.recipe, material.facts, model, list(material.history)),
        "curves": _curves(material.history, material.steps, album),
        "unnormalised": model.network.config.normalisation == "none",
        "without": material.without,
        **dict.fromkeys(("standing", "mistakes", "right", "inside", "recordings", "steps", "changes")),
    }
    if found is not None:
        content |= _figures(found, album)
    if found is not None and found.windows is not None:
        content |= _windows(found.windows, material.shown, model, album)
    if material.shown is not None:
        content |= _cases(material.shown, model, album, material.inside)
    return content


def _windows(found: WindowFigures, shown: Shown | None, model: Model, album: Album) -> dict[str, Any]:
    """Long recordings: bands of true and predicted labels, the figures of the steps and of the changes."""
    steps = found.steps
    content = {
        "steps": f"{words.per_cent(steps.value, steps.cases)} of {steps.cases:,} steps are right (95 % interval "
        f"{words.interval(steps, steps.cases)}, by {found.groups}), each by the mean of all windows over it.",
        "changes": words.changes_in_words(found),
    }
    matrix = np.array(found.confusion)
    pictures = []
    if shown is not None and shown.sequences.cut is not None:
        drawn = list(strips(shown.sequences, model.predict_proba(shown.sequences), model.classes))
        count = min(len(drawn), MOST_RECORDINGS)
        alt = f"The labels of {count} of {len(drawn)} recordings over time, true and predicted."
        figure = draw_recordings(drawn, model.classes, found.interval)
        pictures.append(album.add(figure, alt, "Grey: not a part of the test."))
    if len(model.classes) <= MOST_CLASSES:
        alt = f"Steps by true and predicted class: {int(matrix.trace()):,} of {int(matrix.sum()):,} on the diagonal."
        figure = draw_confusion(matrix, list(model.classes), ("shares",))
        pictures.append(album.add(figure, alt, "Steps, as shares of the rows."))
    return {**content, "recordings": pictures}


def _curves(history: Sequence[EpochLog], steps: Sequence[StepLog], album: Album) -> list[Picture]:
    if not history:
        return []
    first, last = history[0], history[-1]
    epochs = f"over {last.epoch} epochs" if last.epoch > 1 else "after one epoch"
    kind, name = ("train", "training") if last.validation_loss is None else ("validation", "validation")
    losses = [getattr(log, f"{kind}_loss") for log in (first, last)]
    wrongs = [1 - getattr(log, f"{kind}_accuracy") for log in (first, last)]
    return [
        album.add(
            draw_curve(history, "loss", steps),
            f"The loss {epochs}: on {name} data from {losses[0]:.3f} to {losses[1]:.3f}.",
        ),
        album.add(
            draw_curve(history, "wrong", steps),
            f"Wrong answers {epochs}: on {name} data from {wrongs[0]:.1%} to {wrongs[1]:.1%}.",
        ),
    ]


def _figures(found: Evaluation, album: Album) -> dict[str, Any]:
    """Sentences, tables and pictures of the figures."""
    matrix, names = np.array(found.confusion), [row.name for row in found.classes]
    classes = _class_rows(found)
    return {
        "headline": words.headline(found),
        "beside": words.beside(found),
        "standing": _standing(found, album),
        "rows": _rows(found),
        "calibration": _calibration(found),
        "confusion": _confusion(matrix, names, album) if len(names) <= MOST_CLASSES else [],
        "confusions": _most_confused(matrix, names),
        "classes": classes,
        "classes_left_out": len(found.classes) - len(classes),
        "reliability": _reliability(found, album),
        "by_share": _by_share(found, album),
        "by_length": _by_length(found, album),
        "early": _early(found),
        "decisions": words.early_rows(found),
        "promise": words.promised(found),
    }


def _reliability(found: Evaluation, album: Album) -> Picture:
    error = words.number(found.quality.calibration_error.value)
    alt = f"Confidence and accuracy in {len(found.reliability)} bins; their mean distance is {error}."
    return album.add(draw_reliability(found.reliability), alt)


def _by_share(found: Evaluation, album: Album) -> Picture:
    shares = {seen.share: words.per_cent(seen.accuracy.value, seen.accuracy.cases) for seen in found.by_share}
    alt = (
        f"Accuracy by share of the sequence read: {shares[0.2]} after a fifth, {shares[0.5]} after a half, "
        f"{shares[1.0]} at the end."
    )
    return album.add(draw_by_share(found.by_share), alt)


def _by_length(found: Evaluation, album: Album) -> Picture | None:
    """Accuracy by length; None where all sequences have the same."""
    if not found.by_length:
        return None
    ends = [words.per_cent(g.accuracy.value, g.accuracy.cases) for g in (found.by_length[0], found.by_length[-1])]
    alt = f"Accuracy by length of the sequence: {ends[0]} for the shortest, {ends[1]} for the longest."
    return album.add(draw_by_length(found.by_length), alt)


def _standing(found: Evaluation, album: Album) -> Picture | None:
    """The network beside the baselines; None if there are none."""
    shown = accuracies(found, most=9)
    if len(shown) == 1:
        return None
    parts = [
        f"{name} {words.per_cent(share.value, share.cases)} ({words.interval(share, share.cases)})"
        for name, share in shown.items()
    ]
    return album.add(draw_standing(shown), f"Accuracies with their 95 % intervals: {'; '.join(parts)}.")


def _cases(shown: Shown, model: Model, album: Album, inside: int | None) -> dict[str, Any]:
    """Sequences with their running probabilities, and the look inside."""
    mistakes, right = most_confident_mistakes(shown.outcomes), typical_right_answers(shown.outcomes)
    if inside is None:
        inside = _longest(shown.sequences, [*right[len(right) // 2 :], *right[: len(right) // 2]])
    return {
        "mistakes": [card(model, shown.sequences, int(case), album) for case in mistakes],
        "right": [card(model, shown.sequences, int(case), album) for case in right],
        "inside": look_inside(model, shown.sequences, inside, album),
    }


def _longest(sequences: Sequences, cases: Sequence[int]) -> int:
    """The longest of some sequences, the first of equally long ones; 0 without any."""
    return max(map(int, cases), key=lambda case: int(sequences.lengths[case]), default=0)


def _rows(found: Evaluation) -> list[FigureRow]:
    """The table of figures, the network's accuracy first."""
    rows = [_share_row("Accuracy", found.accuracy, "share of right predictions")]
    for name, one in zip(list(accuracies(found))[1:], found.regressions, strict=False):
        meaning = f"accuracy of a {words.regression(one)} of {one.cases:,} training sequences"
        if one.accuracy.cases < found.cases:
            meaning += f", on the {one.accuracy.cases:,} sequences that it can judge"
        rows.append(_share_row(_capital(name), one.accuracy, meaning))
    if found.majority is not None:
        *_, name = accuracies(found)
        rows.append(_share_row(_capital(name), found.majority, "accuracy of always predicting the majority class"))
    if found.headline is not None:
        first = f"accuracy on the first {found.headline.cases:,} sequences only"
        rows.append(_share_row("Headline", found.headline, first))
    rows += [
        _share_row(_capital(name), share, f"share of sequences with {what}")
        for name, (share, what) in further_shares(found).items()
    ]
    return rows + [_row(_capital(name), figure, meaning) for name, (figure, meaning) in further_figures(found).items()]


def _capital(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}"


def _share_row(name: str, found: Proportion, meaning: str) -> FigureRow:
    value, ends = words.per_cent(found.value, found.cases), words.interval(found, found.cases)
    return FigureRow(name, value, ends, words.METHODS[found.method], meaning)


def _row(name: str, found: Figure, meaning: str) -> FigureRow:
    return FigureRow(
        name, words.number(found.value), words.interval(found), words.METHODS[found.method], meaning, found.note
    )


def _calibration(found: Evaluation) -> str:
    if found.uncalibrated is None:
        return "The probabilities are not calibrated; training with the option calibrate fits a temperature."
    before, after = found.uncalibrated, found.quality
    losses = [words.number(quality.log_loss.value) for quality in (before, after)]
    errors = [words.number(quality.calibration_error.value) for quality in (before, after)]
    return (
        f"The probabilities are calibrated: the temperature {found.temperature:.3f} was fitted to the validation data. "
        f"Without it the log loss would be {losses[0]} instead of {losses[1]}, the calibration error {errors[0]} "
        f"instead of {errors[1]}."
    )


def _confusion(matrix: np.ndarray[Any, np.dtype[np.int64]], names: list[str], album: Album) -> list[Picture]:
    right = int(matrix.trace())
    alt = f"Sequences by true and predicted class: {right:,} of {int(matrix.sum()):,} on the diagonal."
    if len(names) <= COUNTS_AND_SHARES:
        return [
            album.add(draw_confusion(matrix, names), alt, "Each cell: number of sequences, and their share of the row.")
        ]
    return [
        album.add(draw_confusion(matrix, names, ("counts",)), alt, "Number of sequences."),
        album.add(draw_confusion(matrix, names, ("shares",)), f"{alt} As shares of the rows.", "Shares of the row."),
    ]


def _most_confused(matrix: np.ndarray[Any, np.dtype[np.int64]], names: list[str]) -> list[tuple[str, str, int, str]]:
    """True class, predicted class, number of sequences, and their share of the true class."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    found = []
    for row, column in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if count := int(wrong[row, column]):
            cases = int(matrix[row].sum())
            found.append((names[row], names[column], count, words.per_cent(count / cases, cases)))
    return found


def _class_rows(found: Evaluation) -> Sequence[ClassRow]:
    """The rows of the table of classes."""
    if len(found.classes) <= MOST_ROWS:
        return found.classes
    return sorted(found.classes, key=lambda row: -row.errors)[:MOST_ROWS]


def _early(found: Evaluation) -> str:
    """The share of the steps after which the accuracy is nearly that at the end."""
    end = found.by_share[-1].accuracy
    seen = next(one for one in found.by_share if one.accuracy.value >= 0.95 * end.value)
    text = (
        f"The accuracy is {words.per_cent(seen.accuracy.value, end.cases)} after {100 * seen.share:.0f} % of the steps "
        f"and {words.per_cent(end.value, end.cases)} at the end."
    )
    if end.cases < found.cases:
        text += f" It was measured on {end.cases:,} of the sequences, as this network has to read every prefix again."
    return text
