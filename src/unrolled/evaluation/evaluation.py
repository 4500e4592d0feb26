"""The figures of a model and of the baselines on labelled sequences."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from unrolled.baselines import BaselineAnswers
from unrolled.data import Frame, Integers, Sequences, in_folds
from unrolled.errors import ConfigError, DataError, TrainedOnWarning, option
from unrolled.evaluation.classes import ClassRow
from unrolled.evaluation.early import EarlyDecision, early_decisions
from unrolled.evaluation.held_out import learned, part_counts, parts_of
from unrolled.evaluation.metrics import Quality, confusion, decisions, log_probabilities, quality
from unrolled.evaluation.names import accuracies, further_figures
from unrolled.evaluation.recordings import WindowFigures, window_figures
from unrolled.evaluation.scoring import SHARES, Predictions, predictions_of
from unrolled.model import Model
from unrolled.notebook import shares, table, titled
from unrolled.statistics import (
    Booleans,
    Confidence,
    Difference,
    Figure,
    Groups,
    Proportion,
    ReliabilityBin,
    Right,
    counted,
    difference,
    roc_auc,
    share,
)

SCHEMA_VERSION = 2

LENGTH_GROUPS = 8
"""Most groups of about equal size into which sequences are divided by length."""


@dataclass(frozen=True)
class ShareSeen:
    """The accuracy after a share of the steps.

    Attributes:
        share: share of each sequence's own steps, rounded up to whole steps.
        accuracy: accuracy of the predictions after them; on fewer sequences if every prefix has to be read again.

    Example:
        >>> run.evaluation.by_share[4].share  # how often is the answer right after half of the steps?
        0.5
        >>> run.evaluation.by_share[4].accuracy.value > 0.5
        True
    """

    share: float
    accuracy: Proportion


@dataclass(frozen=True)
class LengthGroup:
    """The accuracy of sequences of about the same length.

    Attributes:
        shortest, longest: numbers of steps.
        accuracy: accuracy on the sequences of these lengths.

    Example:
        >>> groups = run.evaluation.by_length
        >>> groups[0].longest < groups[-1].shortest
        True
    """

    shortest: int
    longest: int
    accuracy: Proportion


@dataclass(frozen=True)
class RegressionFigures:
    """A logistic regression on the sequences that it can judge: one on all values reads only those of its length.

    Attributes:
        features: its input: ``flattened`` (all values), ``bands`` (summaries of parts), ``tokens`` (the count of each
            token), ``ngrams`` (runs of letters), or ``summary`` in models of version 0.1.0.
        cases: number of training sequences that it was fitted to.
        accuracy: its accuracy on the sequences that it can judge.
        over: the network's accuracy less its own on these sequences; None in figures of version 0.1.0.

    Example:
        >>> [one.features for one in run.evaluation.regressions]
        ['bands']
    """

    features: str
    cases: int
    accuracy: Proportion
    over: Difference | None


@dataclass(frozen=True)
class CrossValidation:
    """How the sequences of a cross-validation were held out. The model itself was trained on all of them.

    Attributes:
        folds: number of parts; each was held out once, from a model that was trained on the others.
        repeats: number of divisions into folds; each sequence was held out so many times.
        sequences: number of sequences.
        accuracies: accuracy of each fold, in each repeat.
        inflation: variance of the accuracy, as a multiple of that of as many independent sequences; the intervals
            allow for it.

    Example:
        >>> own = unrolled.Sequences.from_list(arrays, labels)
        >>> crossed = unrolled.train(run.recipe, data=own, name="crossed", folds=5, max_epochs=5)
        >>> found = crossed.evaluation.cross_validation
        >>> found.folds, found.repeats, found.sequences
        (5, 1, 60)
    """

    folds: int
    repeats: int
    sequences: int
    accuracies: list[list[float]]
    inflation: float = 1.0

    def __str__(self) -> str:
        return f"cross-validated, {in_folds(self.folds, self.repeats)}"

    def in_brief(self) -> dict[str, int]:
        """The number of folds, repeats and sequences."""
        return {"folds": self.folds, "repeats": self.repeats, "sequences": self.sequences}


@dataclass(frozen=True)
class Evaluation:
    """The figures of a model on some sequences.

    Attributes:
        cases: number of sequences.
        fingerprint: SHA-256 of the sequences; equal for equal data.
        accuracy: share of right predictions, with its interval.
        majority: accuracy of always predicting the most frequent class of the training data.
        logistic: accuracy of the first logistic regression on the sequences that it can judge; None if there is none.
        majority_class: the most frequent class.
        logistic_cases: number of training sequences that the regression was fitted to.
        logistic_features: its input; see `RegressionFigures`.
        headline: accuracy on the first sequences only, if it was asked for.
        balanced_accuracy: mean recall of the classes.
        macro_f1: mean F1 of the classes.
        roc_auc: area under the ROC curve; for more than two classes the mean of each class against the rest.
        top: share of sequences whose true class is among the k most probable, by k.
        quality: figures of the probabilities.
        temperature: divisor of the logits before the softmax; 1 if it was not fitted.
        uncalibrated: figures of the probabilities without the temperature; None if it is 1.
        reliability: confidence and accuracy, in bins of the confidence.
        by_share: accuracy after 10 % … 100 % of the steps.
        by_length: accuracy by length of the sequence; empty if all have one length.
        classes: a row for each class.
        confusion: number of sequences by true class (rows) and predicted class (columns).
        seconds: computing time of the network.
        over_logistic, over_majority: the network's accuracy less that of the two baselines on the same sequences; None
            without baselines, and in figures of version 0.1.0.
        parts: number of sequences by their part in the model's training, such as ``{"held out": 12, "new": 3}``; None
            if the model does not record its data.
        unlearned: accuracy on the sequences whose content is neither in the training nor in the validation data; None
            if that is so for all or for none, or unknown.
        groups: number of groups of the sequences, which are what the intervals count as independent; None without
            groups.
        early: what becomes of sequences that are decided early; empty for a network that cannot be streamed.
        other_regressions: the logistic regressions on other features.
        cross_validation: how the sequences were held out; None for one test part. With repeats, ``cases`` and all
            counts count each sequence once for each repeat; the intervals count it once.
        windows: of windows, the figures of their recordings; None for whole sequences.

    Example:
        >>> run.evaluation.confusion  # rows: the true class
        [[5, 0], [0, 5]]
        >>> run.evaluation.quality.log_loss.value < 0.69  # that of a guess
        True
    """

    def __repr__(self) -> str:
        """The accuracy beside the baselines; `to_dict` has all figures."""
        beside = {"logistic regression": self.logistic, f"always {self.majority_class!r}": self.majority}
        lines = [f"Evaluation on {self.cases:,} sequences: {self.accuracy}"]
        return "\n  ".join([*lines, *(f"{name}: {share}" for name, share in beside.items() if share is not None)])

    def _repr_html_(self) -> str:
        """The same for a notebook, with the other figures."""
        beside = {name: (one.value, one.low, one.high) for name, one in accuracies(self).items()}
        figures = [
            (name, "–" if one.value is None else f"{one.value:.4f}", _ends(one), meaning)
            for name, (one, meaning) in further_figures(self).items()
        ]
        return titled(
            f"Evaluation on {counted(self.cases, self.groups)}",
            shares(beside),
            table(("figure", "value", "95 % interval", ""), figures),
        )

    cases: int
    fingerprint: str
    accuracy: Proportion
    majority: Proportion | None
    logistic: Proportion | None
    majority_class: str | None
    logistic_cases: int | None
    logistic_features: str | None
    headline: Proportion | None
    balanced_accuracy: Figure
    macro_f1: Figure
    roc_auc: Figure
    top: dict[int, Proportion]
    quality: Quality
    temperature: float
    uncalibrated: Quality | None
    reliability: list[ReliabilityBin]
    by_share: list[ShareSeen]
    by_length: list[LengthGroup]
    classes: list[ClassRow]
    confusion: list[list[int]]
    seconds: float
    over_logistic: Difference | None = None
    over_majority: Difference | None = None
    parts: dict[str, int] | None = None
    unlearned: Proportion | None = None
    groups: int | None = None
    early: list[EarlyDecision] = field(default_factory=list)
    other_regressions: list[RegressionFigures] = field(default_factory=list)
    cross_validation: CrossValidation | None = None
    windows: WindowFigures | None = None

    @property
    def regressions(self) -> list[RegressionFigures]:
        """All logistic regressions, the first one first."""
        if self.logistic is None:
            return []
        features, cases = self.logistic_features or "summary", self.logistic_cases or 0
        return [RegressionFigures(features, cases, self.logistic, self.over_logistic), *self.other_regressions]

    @property
    def loss(self) -> float:
        """Mean cross-entropy."""
        value = self.quality.log_loss.value
        assert value is not None  # noqa: S101  # it is defined for any sequences
        return value

    @property
    def is_complete(self) -> bool:
        """Whether the differences from the baselines are there; version 0.1.0 did not record them."""
        return self.majority is None or self.over_majority is not None

    def to_dict(self) -> dict[str, Any]:
        """The content of ``evaluation.json``."""
        return {"schema_version": SCHEMA_VERSION, **_ADAPTER.dump_python(self, mode="json")}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Evaluation:
        """The evaluation that ``evaluation.json`` holds.

        Raises:
            DataError: if the content is invalid, or another version of this package wrote it.
        """
        plain = dict(content)
        found = plain.pop("schema_version", None)
        if found != SCHEMA_VERSION:
            raise DataError(f"its schema_version is {found}; expected {SCHEMA_VERSION}. Evaluate the model anew.")
        try:
            return _ADAPTER.validate_python(plain)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise DataError(f"{place}: {first['msg']}. Evaluate the model anew.") from None

    def figures(self) -> dict[str, float]:
        """All figures by name, for trackers."""
        others = {
            "balanced_accuracy": self.balanced_accuracy.value,
            "macro_f1": self.macro_f1.value,
            "roc_auc": self.roc_auc.value,
            "brier": self.quality.brier.value,
            "calibration_error": self.quality.calibration_error.value,
        }
        found = self.summary() | others
        return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}

    def summary(self) -> dict[str, Any]:
        """The few figures that a model folder keeps."""
        crossed = self.cross_validation
        how = {} if crossed is None else {"cross_validation": crossed.in_brief()}
        return {
            **how,
            "cases": self.cases,
            "groups": self.groups,
            "accuracy": self.accuracy.value,
            "accuracy_low": self.accuracy.low,
            "accuracy_high": self.accuracy.high,
            "loss": self.loss,
            "majority": self.majority.value if self.majority else None,
            "logistic": max((one.accuracy.value for one in self.regressions), default=None),
        }


_ADAPTER = TypeAdapter(Evaluation)


def json_schema() -> dict[str, Any]:
    """The JSON schema of ``evaluation.json``."""
    schema = _ADAPTER.json_schema(mode="serialization")
    for part in (schema, *schema["$defs"].values()):  # the descriptions are docstrings, whose examples are for Python
        part["description"] = part["description"].partition("\n\nExample:")[0]
    version = {"const": SCHEMA_VERSION, "title": "Schema Version", "type": "integer"}
    return schema | {
        "title": "evaluation.json",
        "properties": {"schema_version": version, **schema["properties"]},
        "required": ["schema_version", *schema["required"]],
    }


def evaluate(
    model: Model,
    sequences: Sequences | Frame,
    *,
    predictions: Predictions | None = None,
    headline_sequences: int | None = None,
    seed: int = 0,
) -> Evaluation:
    """Figures of a model on labelled sequences, each with its 95 % interval, beside those of its baselines.

    All of them count, whatever the model was trained on: `Evaluation.parts` says which they are.

    Args:
        model: the model.
        sequences: with labels, all of them among the model's classes, N; or a data frame, read as the training data.
        predictions: of this model on these sequences, where they are already there.
        headline_sequences: a number of sequences, at least 1: also gives the accuracy on the first so many of them.
        seed: of the simulation behind the interval of the calibration error.
    Returns:
        The figures; `Evaluation` says which they are, and their units.
    Raises:
        ConfigError: for headline_sequences below 1.
        MismatchError: for sequences or labels that do not fit the model.
        DataError: for sequences without labels.
    Warns:
        TrainedOnWarning: if some of them stand in the model's training or validation data.

    Example:
        >>> evaluation = unrolled.evaluate(model, dataset.test)
        >>> print(evaluation.accuracy)
        100.00 % (71.52 to 100.00)
        >>> print(evaluation.majority)
        50.00 % (20.33 to 79.67)
    """
    if headline_sequences is not None and headline_sequences < 1:
        raise ConfigError(
            f"{option('headline_sequences', headline_sequences)}: expected a number of sequences, at least 1."
        )
    if not isinstance(sequences, Sequences):
        own = model.read(sequences, labels_needed=True)
        return evaluate(model, own, predictions=predictions, headline_sequences=headline_sequences, seed=seed)
    predictions = predictions or predictions_of(model, sequences)
    beside = model.baselines.answers(model.accept(sequences), sequences) if model.baselines else None
    found = figures_of(predictions, beside, sequences, model.classes, model.facts.temperature, headline_sequences, seed)
    parts, new = parts_of(model, sequences), ~learned(model, sequences)
    if not new.all():
        _warn_of_learned(new)
    right = predictions.logits.argmax(1) == predictions.targets
    fresh = np.flatnonzero(new)
    groups = Groups.of(sequences.groups, len(right))
    return replace(
        found,
        parts=None if parts is None else part_counts(parts),
        unlearned=share(right[fresh], groups.take(fresh)) if 0 < len(fresh) < len(right) else None,
        early=early_decisions(model, sequences),
        windows=window_figures(sequences, predictions.probabilities, model.classes),
    )


def figures_of(
    predictions: Predictions,
    beside: BaselineAnswers | None,
    sequences: Sequences,
    classes: tuple[str, ...],
    temperature: float = 1.0,
    headline_sequences: int | None = None,
    seed: int = 0,
) -> Evaluation:
    """The figures of predictions, whichever models made them.

    Args:
        predictions: for the sequences.
        beside: those of the baselines; None without baselines.
        sequences: with labels, N.
        classes: names, in the order of the logits.
        temperature: divisor of the logits.
        headline_sequences, seed: see `evaluate`.
    """
    targets, logits = predictions.targets, predictions.logits
    predicted = logits.argmax(1)
    right = predicted == targets
    majority = None if beside is None else targets == beside.majority
    groups = Groups.of(sequences.groups, len(targets))
    regressions = _regressions(beside, right, targets, groups)
    first, beginning = regressions[0] if regressions else None, slice(headline_sequences)
    decided = decisions(logits, targets, classes, groups)
    plain = log_probabilities(logits)
    scaled = plain if temperature == 1 else log_probabilities(logits, temperature)
    return Evaluation(
        cases=len(targets),
        fingerprint=sequences.fingerprint,
        accuracy=share(right, groups),
        majority=None if majority is None else share(majority, groups),
        logistic=first.accuracy if first else None,
        majority_class=None if beside is None else classes[int(np.bincount(beside.majority).argmax())],
        logistic_cases=first.cases if first else None,
        logistic_features=first.features if first else None,
        headline=share(right[beginning], groups.take(beginning)) if headline_sequences else None,
        balanced_accuracy=decided.balanced_accuracy,
        macro_f1=decided.macro_f1,
        roc_auc=roc_auc(plain, targets, groups),
        top=decided.top,
        quality=quality(scaled, targets, groups, seed),
        temperature=temperature,
        uncalibrated=quality(plain, targets, groups, seed) if temperature != 1 else None,
        reliability=Confidence.of(predictions.probabilities.astype(np.float64), targets).reliability(groups),
        by_share=_by_share(predictions, groups),
        by_length=_by_length(sequences.lengths, right, groups),
        classes=decided.classes,
        confusion=confusion(targets, predicted, len(classes)).tolist(),
        seconds=predictions.seconds,
        over_logistic=first.over if first else None,
        over_majority=None if majority is None else difference(right[None], majority[None], groups=groups),
        other_regressions=regressions[1:],
        groups=groups.count,
    )


def _warn_of_learned(new: npt.NDArray[np.bool_]) -> None:
    warnings.warn(
        f"{np.count_nonzero(~new):,} of these {len(new):,} sequences stand in the model's training or validation data; "
        "the figures flatter it.",
        TrainedOnWarning,
        stacklevel=3,
    )


def _regressions(
    beside: BaselineAnswers | None, right: Right, targets: Integers, groups: Groups
) -> list[RegressionFigures]:
    """The figures of each regression on the sequences that it can judge, if there are any."""
    found = []
    for one in beside.regressions if beside else ():
        if one.judged.any():
            judged, its = right[one.judged], (one.predicted == targets)[one.judged]
            own = groups.take(one.judged)
            over = difference(judged[None], its[None], groups=own)
            found.append(RegressionFigures(one.features, one.cases, share(its, own), over))
    return found


def _by_share(predictions: Predictions, groups: Groups) -> list[ShareSeen]:
    right = predictions.early == predictions.targets[predictions.early_cases][:, None]
    asked = groups.take(predictions.early_cases)
    return [ShareSeen(part, share(column, asked)) for part, column in zip(SHARES, right.T, strict=True)]


def _by_length(lengths: Integers, right: Booleans, groups: Groups) -> list[LengthGroup]:
    """Parts between quantiles of the lengths; equal lengths stay together."""
    if (lengths == lengths[0]).all():
        return []
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, LENGTH_GROUPS + 1)[1:], method="inverted_cdf"))
    part = np.searchsorted(edges, lengths)
    found = []
    for number in np.unique(part):
        inside = part == number
        accuracy = share(right[inside], groups.take(inside))
        found.append(LengthGroup(int(lengths[inside].min()), int(lengths[inside].max()), accuracy))
    return found


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))


def _ends(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f"{figure.low:.4f} to {figure.high:.4f}"
