"""The figures of a cross-validation, from the held-out sequences of all its folds."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np

from unrolled.baselines import BaselineAnswers, RegressionAnswers
from unrolled.data import Integers, Sequences
from unrolled.evaluation.evaluation import CrossValidation, Evaluation, figures_of
from unrolled.evaluation.recordings import window_figures
from unrolled.evaluation.scoring import Predictions, predictions_of
from unrolled.model import Model
from unrolled.statistics import Difference, Figure, Groups, Proportion, inflation, widened
from unrolled.storage import write_bytes


@dataclass(frozen=True)
class FoldOutcome:
    """The predictions for the held-out sequences of one fold, by the model that was trained on the other folds.

    Attributes:
        fingerprint: of the held-out sequences.
        predictions: the model's, with logits that are divided by its temperature.
        beside: those of its baselines.
    """

    fingerprint: str
    predictions: Predictions
    beside: BaselineAnswers

    @classmethod
    def of(cls, model: Model, held_out: Sequences) -> Self:
        """Asks a model with baselines."""
        assert model.baselines is not None  # noqa: S101  # a training fits them
        found = predictions_of(model, held_out)
        scaled = replace(found, logits=found.logits / np.float32(model.facts.temperature))
        return cls(held_out.fingerprint, scaled, model.baselines.answers(model.accept(held_out), held_out))

    def save(self, path: Path) -> None:
        """Writes the outcome as an ``.npz`` file."""
        arrays: dict[str, Any] = {"fingerprint": self.fingerprint, "majority": self.beside.majority}
        arrays |= vars(self.predictions)
        for one in self.beside.regressions:
            arrays |= {f"{one.features}/cases": one.cases, f"{one.features}/judged": one.judged}
            arrays[f"{one.features}/predicted"] = one.predicted
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Reads an outcome; None if the file is missing or damaged."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                stored = dict(file)
            names = [name.removesuffix("/cases") for name in stored if name.endswith("/cases")]
            regressions = tuple(
                RegressionAnswers(
                    name, int(stored[f"{name}/cases"]), stored[f"{name}/judged"], stored[f"{name}/predicted"]
                )
                for name in names
            )
            parts = {one.name: stored[one.name] for one in fields(Predictions)}
            parts["seconds"] = float(parts["seconds"])
            return cls(
                str(stored["fingerprint"]), Predictions(**parts), BaselineAnswers(stored["majority"], regressions)
            )
        except (OSError, ValueError, KeyError, TypeError, BadZipFile):
            return None

    def __len__(self) -> int:
        return len(self.predictions.targets)


def evaluate_folds(
    outcomes: Sequence[Sequence[FoldOutcome]], whole: Sequences, fold_of: Integers, headline: int | None = None
) -> tuple[Evaluation, Predictions]:
    """The figures over all held-out sequences.

    Args:
        outcomes: of each fold, in each repeat.
        whole: all sequences, N.
        fold_of: the fold of each sequence in each repeat, [R, N].
        headline: see `evaluate`.
    Returns:
        The figures, and the predictions for all sequences in the order of the data, once for each repeat, [R · N].
    """
    repeats, count = fold_of.shape
    flat = [outcome for row in outcomes for outcome in row]
    held = [r * count + np.flatnonzero(fold_of[r] == k) for r in range(repeats) for k in range(len(outcomes[r]))]
    order = np.argsort(np.concatenate(held))
    predictions = _predictions(flat, held, order)
    found = figures_of(
        predictions,
        BaselineAnswers(np.concatenate([one.beside.majority for one in flat])[order], _regressions(flat, order)),
        replace(whole, groups=None).take(np.tile(np.arange(count), repeats)),
        whole.classes,
        headline_sequences=headline,
    )
    right = predictions.logits.argmax(1) == predictions.targets
    accuracies = [float(right[places].mean()) for places in held]
    folds = len(outcomes[0])
    rows = [accuracies[first : first + folds] for first in range(0, len(accuracies), folds)]
    groups = Groups.of(whole.groups, count)
    factor = inflation(right.reshape(repeats, count), folds, groups)
    crossed = CrossValidation(folds, repeats, count, rows, factor)
    wide: Evaluation = _all_widened(found, repeats * factor)  # the figures took all R · N answers as independent
    windows = window_figures(whole, predictions.probabilities[:count], whole.classes)  # of the first repeat
    crossed_found = replace(wide, fingerprint=whole.fingerprint, groups=groups.count, cross_validation=crossed)
    return replace(crossed_found, windows=windows), predictions


_LOSSES = ("log_loss", "brier")
"""Figures that can be larger than 1."""


def _all_widened(value: Any, factor: float, name: str = "") -> Any:
    """The same with every interval in it widened."""
    if isinstance(value, Proportion | Figure | Difference):
        return widened(value, factor, math.inf if name in _LOSSES else 1.0)
    if isinstance(value, dict):
        return {key: _all_widened(one, factor) for key, one in value.items()}
    if isinstance(value, list):
        return [_all_widened(one, factor) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _all_widened(getattr(value, f.name), factor, f.name) for f in fields(value)})
    return value


def _predictions(flat: Sequence[FoldOutcome], held: Sequence[Integers], order: Integers) -> Predictions:
    """The predictions of all folds, in the order of the data."""
    parts = [one.predictions for one in flat]
    targets, logits, probabilities = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("targets", "logits", "probabilities")
    )
    early_cases = np.concatenate([places[part.early_cases] for part, places in zip(parts, held, strict=True)])
    early = np.concatenate([part.early for part in parts])
    return Predictions(targets, logits, probabilities, early_cases, early, sum(part.seconds for part in parts))


def _regressions(flat: Sequence[FoldOutcome], order: Integers) -> tuple[RegressionAnswers, ...]:
    """The answers of the regressions of all folds; one that a fold lacks judges nothing there."""
    found = []
    for features in dict.fromkeys(one.features for outcome in flat for one in outcome.beside.regressions):
        there = [next((o for o in outcome.beside.regressions if o.features == features), None) for outcome in flat]
        judged, predicted = (
            np.concatenate(
                [
                    np.zeros(len(outcome), kind) if one is None else getattr(one, name)
                    for one, outcome in zip(there, flat, strict=True)
                ]
            )[order]
            for name, kind in (("judged", bool), ("predicted", np.int64))
        )
        found.append(RegressionAnswers(features, min(one.cases for one in there if one is not None), judged, predicted))
    return tuple(found)
