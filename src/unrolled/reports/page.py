"""What stands on the page, in order, and the page itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unrolled.config import Recipe
from unrolled.data import Sequences
from unrolled.drawing import (
    COUNTS_AND_SHARES,
    MOST_CLASSES,
    draw_by_length,
    draw_by_share,
    draw_confusion,
    draw_loss,
    draw_reliability,
    draw_standing,
    draw_wrong,
)
from unrolled.errors import shortened
from unrolled.evaluation import Evaluation, Outcomes
from unrolled.model import Model
from unrolled.reports import origin, words
from unrolled.reports.cases import Card, card, most_confident_mistakes, typical_right_answers
from unrolled.reports.inside import Inside, look_inside
from unrolled.reports.pictures import Album, Picture, plainly_styled
from unrolled.statistics import Figure, Proportion
from unrolled.training import EpochLog
from unrolled.version import VERSION

MOST_ROWS = 200
"""Of the table of classes: the ones with the most errors."""

MOST_CONFUSIONS = 10


@dataclass(frozen=True)
class Shown:
    """The test sequences that the page can show.

    Attributes:
        sequences: the test sequences.
        outcomes: what the model said of them.
    """

    sequences: Sequences
    outcomes: Outcomes


@dataclass(frozen=True)
class Material:
    """All that a report is made from.

    Attributes:
        title: the run's name.
        recipe: what it was made from.
        facts: what was recorded beside it.
        history: what each pass gave.
        model: what it made.
        evaluation: the figures on the test data; None where none were held out.
        shown: the sequences that are drawn; None where they cannot be had.
        without: why they cannot.
        inside: number of the sequence to look inside at; by default a typical right answer.
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


@dataclass(frozen=True)
class Row:
    """A line of the table of figures."""

    name: str
    value: str
    interval: str
    method: str
    meaning: str
    note: str | None = None


@dataclass(frozen=True)
class ClassLine:
    """A line of the table of classes.

    Attributes:
        name, cases, wrong: as text.
        figures: precision, recall and F1, each with its interval, which may be empty.
    """

    name: str
    cases: str
    wrong: str
    figures: list[tuple[str, str]]


@dataclass
class Content:
    """The page's parts; those that a run does not have are empty."""

    title: str
    origin: list[tuple[str, str]]
    command: str
    evaluation: Evaluation | None
    about: str = ""
    headline: str = ""
    beside: str = ""
    standing: Picture | None = None
    rows: list[Row] = field(default_factory=list)
    calibration: str = ""
    curves: list[Picture] = field(default_factory=list)
    confusion: list[Picture] = field(default_factory=list)
    confusions: list[tuple[str, str, int, str]] = field(default_factory=list)
    classes: list[ClassLine] = field(default_factory=list)
    classes_left_out: int = 0
    reliability: Picture | None = None
    by_share: Picture | None = None
    by_length: Picture | None = None
    early: str = ""
    mistakes: list[Card] = field(default_factory=list)
    right: list[Card] = field(default_factory=list)
    inside: Inside | None = None
    unnormalised: bool = False
    without: str = ""


def render(material: Material) -> str:
    """The page."""
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
    return template.render(page=content, style=Markup(source), version=VERSION)  # noqa: S704  # the package's own


def compose(material: Material) -> Content:
    """The parts of the page from what there is."""
    album, found, model = Album(), material.evaluation, material.model
    content = Content(
        title=material.title,
        origin=origin.lines(material.facts, model, list(material.history), found.cases if found else None),
        command=origin.command_to_repeat(material.recipe),
        evaluation=found,
        about=origin.about(material.recipe, material.facts, model, list(material.history)),
        curves=_curves(material.history, album),
        unnormalised=model.network.config.normalisation == "none",
        without=material.without,
    )
    if found is not None:
        _add_figures(content, found, album)
    if material.shown is not None:
        _add_cases(content, material.shown, model, album, material.inside)
    return content


def _curves(history: Sequence[EpochLog], album: Album) -> list[Picture]:
    if not history:
        return []
    first, last = history[0], history[-1]
    epochs = f"over {last.epoch} epochs" if last.epoch > 1 else "after one epoch"
    kind, name = ("train", "training") if last.validation_loss is None else ("validation", "validation")
    losses = [getattr(log, f"{kind}_loss") for log in (first, last)]
    wrongs = [1 - getattr(log, f"{kind}_accuracy") for log in (first, last)]
    return [
        album.add(draw_loss(history), f"The loss {epochs}: on {name} data from {losses[0]:.3f} to {losses[1]:.3f}."),
        album.add(
            draw_wrong(history),
            f"Wrong answers {epochs}: on {name} data from {wrongs[0]:.1%} to {wrongs[1]:.1%}.",
        ),
    ]


def _add_figures(content: Content, found: Evaluation, album: Album) -> None:
    """Sentences, tables and pictures of the figures."""
    content.headline, content.beside = words.headline(found), words.beside(found)
    content.standing = _standing(found, album)
    content.rows, content.calibration = _rows(found), _calibration(found)
    matrix, names = np.array(found.confusion), [row.name for row in found.classes]
    if len(names) <= MOST_CLASSES:
        content.confusion = _confusion(matrix, names, album)
    content.confusions = _most_confused(matrix, names)
    content.classes, content.classes_left_out = _class_rows(found)
    error = words.number(found.quality.calibration_error.value)
    content.reliability = album.add(
        draw_reliability(found.reliability),
        f"Confidence beside the share that is right, in {len(found.reliability)} bins: on average they are "
        f"{error} apart.",
    )
    shares = {seen.share: words.per_cent(seen.accuracy.value, seen.accuracy.cases) for seen in found.by_share}
    content.by_share = album.add(
        draw_by_share(found.by_share),
        f"Accuracy by share of the sequence seen: {shares[0.2]} after a fifth, {shares[0.5]} after a half, "
        f"{shares[1.0]} at the end.",
    )
    content.early = _early(found)
    if found.by_length:
        ends = [words.per_cent(g.accuracy.value, g.accuracy.cases) for g in (found.by_length[0], found.by_length[-1])]
        content.by_length = album.add(
            draw_by_length(found.by_length),
            f"Accuracy by length of the sequence: {ends[0]} for the shortest, {ends[1]} for the longest.",
        )


def _standing(found: Evaluation, album: Album) -> Picture | None:
    """The network beside what is simple; None where there is nothing beside it."""
    simple = {
        "logistic regression": found.logistic,
        f"always {shortened(found.majority_class or '', 12)!r}": found.majority,
    }
    shown = {name: share for name, share in simple.items() if share is not None}
    if not shown:
        return None
    shown = {"this network": found.accuracy, **shown}
    parts = [
        f"{name} {words.per_cent(share.value, share.cases)} ({words.interval(share, share.cases)})"
        for name, share in shown.items()
    ]
    return album.add(draw_standing(shown), f"Accuracies with their 95 % intervals: {'; '.join(parts)}.")


def _add_cases(content: Content, shown: Shown, model: Model, album: Album, inside: int | None) -> None:
    """Sequences with their beliefs, and the look inside."""
    mistakes, right = most_confident_mistakes(shown.outcomes), typical_right_answers(shown.outcomes)
    content.mistakes = [card(model, shown.sequences, int(case), album) for case in mistakes]
    content.right = [card(model, shown.sequences, int(case), album) for case in right]
    if inside is None:
        inside = _longest(shown.sequences, [*right[len(right) // 2 :], *right[: len(right) // 2]])
    content.inside = look_inside(model, shown.sequences, inside, album)


def _longest(sequences: Sequences, cases: Sequence[int]) -> int:
    """The case with the most steps to look at, the first of equally long ones; 0 where there is none."""
    return max(map(int, cases), key=lambda case: int(sequences.lengths[case]), default=0)


def _rows(found: Evaluation) -> list[Row]:
    """The table of figures, the network's accuracy first."""
    rows = [_share_row("Accuracy", found.accuracy, "share of right answers")]
    if found.logistic is not None:
        seen = words.SEEN[found.logistic_features or "summary"]
        meaning = f"the same, of a logistic regression on {seen} of {found.logistic_cases:,} training sequences"
        rows.append(_share_row("Logistic regression", found.logistic, meaning))
    if found.majority is not None:
        rows.append(_share_row(f"Always {found.majority_class!r}", found.majority, "the same, of the majority class"))
    if found.headline is not None:
        first = f"the same, on the first {found.headline.cases:,} cases alone: what a headline from so few is worth"
        rows.append(_share_row("Headline", found.headline, first))
    for k, share in found.top.items():
        rows.append(_share_row(f"Top {k}", share, f"the right class is among the {k} most probable"))
    quality = found.quality
    rows += [
        _row("Balanced accuracy", found.balanced_accuracy, "mean over the classes of the share found"),
        _row("Macro F1", found.macro_f1, "mean over the classes of F1: found, and rightly named"),
        _row("Area under the ROC curve", found.roc_auc, "how well the probabilities rank; 0.5 is chance, 1 the best"),
        _row("Log loss", quality.log_loss, "surprise at the truth, natural logarithm; 0 is best"),
        _row("Brier score", quality.brier, "squared distance of the probabilities from the truth; 0 is best"),
        _row("Calibration error", quality.calibration_error, "how far confidence and accuracy are apart; 0 is best"),
    ]
    return rows


def _share_row(name: str, found: Proportion, meaning: str) -> Row:
    value, ends = words.per_cent(found.value, found.cases), words.interval(found, found.cases)
    return Row(name, value, ends, words.METHODS[found.method], meaning)


def _row(name: str, found: Figure, meaning: str) -> Row:
    return Row(name, words.number(found.value), words.interval(found), words.METHODS[found.method], meaning, found.note)


def _calibration(found: Evaluation) -> str:
    if found.uncalibrated is None:
        return "The probabilities are the network's own; training with the option calibrate fits their temperature."
    before, after = found.uncalibrated, found.quality
    losses = [words.number(quality.log_loss.value) for quality in (before, after)]
    errors = [words.number(quality.calibration_error.value) for quality in (before, after)]
    return (
        f"The probabilities have the temperature {found.temperature:.3f}, fitted to the validation data. Without it "
        f"the log loss would be {losses[0]} in place of {losses[1]}, the calibration error {errors[0]} in place of "
        f"{errors[1]}."
    )


def _confusion(matrix: np.ndarray[Any, np.dtype[np.int64]], names: list[str], album: Album) -> list[Picture]:
    right = int(matrix.trace())
    alt = f"Cases by true and predicted class: {right:,} of {int(matrix.sum()):,} on the diagonal."
    if len(names) <= COUNTS_AND_SHARES:
        return [album.add(draw_confusion(matrix, names), alt, "In each cell cases, and their share of the row.")]
    return [
        album.add(draw_confusion(matrix, names, ("counts",)), alt, "Cases."),
        album.add(draw_confusion(matrix, names, ("shares",)), f"{alt} As shares of the rows.", "Shares of the row."),
    ]


def _most_confused(matrix: np.ndarray[Any, np.dtype[np.int64]], names: list[str]) -> list[tuple[str, str, int, str]]:
    """True class, what it was taken for, how often, and the share of the true class."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    found = []
    for row, column in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if count := int(wrong[row, column]):
            cases = int(matrix[row].sum())
            found.append((names[row], names[column], count, words.per_cent(count / cases, cases)))
    return found


def _class_rows(found: Evaluation) -> tuple[list[ClassLine], int]:
    """The table of classes as text, and how many it leaves out."""
    rows = found.classes
    if len(rows) > MOST_ROWS:
        rows = sorted(rows, key=lambda row: -row.errors)[:MOST_ROWS]
    table = []
    for row in rows:
        figures = [
            ("–", "")
            if share is None
            else (words.per_cent(share.value, share.cases), words.interval(share, share.cases))
            for share in (row.precision, row.recall)
        ]
        figures = [(value, ends.removesuffix(" %")) for value, ends in figures]  # which the value beside it has
        figures.append((words.number(row.f1.value, 3), "" if row.f1.low is None else words.interval(row.f1, digits=3)))
        table.append(ClassLine(row.name, f"{row.support:,}", f"{row.errors:,}", figures))
    return table, len(found.classes) - len(rows)


def _early(found: Evaluation) -> str:
    """When the answer is nearly as good as at the end."""
    end = found.by_share[-1].accuracy
    for seen in found.by_share:
        if seen.accuracy.value >= 0.95 * end.value:
            share = f"{seen.share:.0%}".replace("%", " %")
            said = f"After {share} of the steps it is {words.per_cent(seen.accuracy.value, seen.accuracy.cases)}"
            break
    said += f", at the end {words.per_cent(end.value, end.cases)}."
    if end.cases < found.cases:
        said += f" Measured on {end.cases:,} of the cases: this network reads every part anew."
    return said
