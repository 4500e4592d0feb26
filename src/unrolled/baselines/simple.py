"""The baselines that a network must beat: the majority class, and a logistic regression for each kind of features."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from threadpoolctl import threadpool_limits

from unrolled.baselines.kinds import FITTED, KINDS, Features, Kind, Table, stacked
from unrolled.data import Integers, Sequences

Doubles = npt.NDArray[np.float64]

MOST_VALUES = 50_000_000
"""Most features of all training sequences together, 400 MB; of more sequences a random part is taken."""

MOST_WORK = 3e10
"""Most multiplications of one fit: some seconds on one core."""

MAX_ITERATIONS = 200
FEWEST_ITERATIONS = 20


@dataclass(frozen=True)
class RegressionAnswers:
    """The answers of a logistic regression for N sequences.

    Attributes:
        features: its kind of features; see `Regression`.
        cases: number of training sequences that it was fitted to.
        judged: whether it can judge each sequence, [N].
        predicted: index of the class of each sequence that it can judge, [N].
    """

    features: Features
    cases: int
    judged: npt.NDArray[np.bool_]
    predicted: Integers


@dataclass(frozen=True)
class BaselineAnswers:
    """The answers of all baselines for N sequences.

    Attributes:
        majority: index of the most frequent training class, [N].
        regressions: those of each regression.
    """

    majority: Integers
    regressions: tuple[RegressionAnswers, ...]


@dataclass(frozen=True)
class Regression:
    """A logistic regression on features of one kind.

    Attributes:
        features: a name in `KINDS`.
        length: steps of the sequences that it can judge; 0 for any.
        cases: number of training sequences that it was fitted to.
        mean, deviation: of each feature over these sequences; a missing feature is replaced by its mean.
        weights: [C, features].
        bias: [C].
    """

    features: Features
    length: int
    cases: int
    mean: Doubles
    deviation: Doubles
    weights: npt.NDArray[np.floating]
    bias: Doubles

    def answers(self, prepared: Sequences, raw: Sequences) -> RegressionAnswers:
        """The answers for N sequences, as the network gets them and as they were read."""
        kind = KINDS[self.features]
        sequences = raw if kind.reads_raw else prepared
        judged = sequences.lengths == self.length if self.length else np.ones(len(sequences), bool)
        predicted = np.zeros(len(sequences), np.int64)
        if judged.any():
            blocks = kind.blocks(sequences.take(np.flatnonzero(judged)), len(self.mean))
            scores = [kind.standardise(block, self.mean, self.deviation) @ self.weights.T for block in blocks]
            predicted[judged] = (np.concatenate(scores) + self.bias).argmax(1)
        return RegressionAnswers(self.features, self.cases, judged, predicted)


@dataclass(frozen=True)
class Baselines:
    """Simple classifiers, fitted to the training data.

    Attributes:
        majority: index of the most frequent training class.
        regressions: a logistic regression for each kind of features that these data have.
    """

    majority: int
    regressions: tuple[Regression, ...]

    def answers(self, prepared: Sequences, raw: Sequences | None = None) -> BaselineAnswers:
        """The answers for N sequences, as the network gets them, and as they were read where that is not the same."""
        raw = raw or prepared
        found = tuple(regression.answers(prepared, raw) for regression in self.regressions)
        return BaselineAnswers(np.full(len(prepared), self.majority, np.int64), found)

    def predict(self, prepared: Sequences, raw: Sequences | None = None) -> Integers:
        """The first regression's class of each sequence, [N]; the majority class where it cannot judge one."""
        answers = self.answers(prepared, raw)
        first = answers.regressions[:1]
        return np.where(first[0].judged, first[0].predicted, answers.majority) if first else answers.majority


def fit_baselines(prepared: Sequences, raw: Sequences | None = None, seed: int = 0) -> Baselines:
    """Fits the baselines to training sequences.

    Each regression is scikit-learn's, with an L2 penalty, in double precision. Where the work is bounded
    (`MOST_VALUES`, `MOST_WORK`), a random part of the sequences, or fewer iterations, are used; time plays no part.

    Args:
        prepared: labelled sequences as the network gets them.
        raw: the same as they were read, where that is not the same.
        seed: of the random part.
    """
    found = []
    for features in FITTED:
        sequences = raw or prepared if KINDS[features].reads_raw else prepared
        width = KINDS[features].width(sequences)
        if width is not None:
            found.append(_fit(features, sequences, width, seed))
    return Baselines(int(prepared.class_counts().argmax()), tuple(found))


def _fit(features: Features, train: Sequences, width: int, seed: int) -> Regression:
    kind = KINDS[features]
    most = len(train) if kind.is_sparse else MOST_VALUES // width
    chosen = _affordable(train, most, kind.most_steps, seed)
    table = stacked(kind.blocks(chosen, width), len(chosen))
    mean, deviation = kind.scales(table)
    table = kind.standardise(table, mean, deviation)
    length = (train.equal_length or 0) if kind.one_length else 0
    weights = np.zeros((len(train.classes), width), np.float32 if kind.is_sparse else np.float64)
    bias = np.full(len(train.classes), -np.inf)
    present = np.flatnonzero(chosen.class_counts())
    if len(present) < 2:
        bias[present] = 0
        return Regression(features, length, len(chosen), mean, deviation, weights, bias)
    regression = _regression(table, len(present), kind)
    with warnings.catch_warnings(), threadpool_limits(1):
        # A baseline that has not quite converged is still a baseline. On one thread the result is the same on every
        # machine, and no thread waits for a core that another process uses.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(table, chosen.targets)
    ones = getattr(regression, "estimators_", [regression])
    coefficients, intercepts = (
        np.concatenate([getattr(one, name) for one in ones]) for name in ("coef_", "intercept_")
    )
    if len(present) == 2:  # scikit-learn keeps one row of weights for two classes
        weights[present[1]], bias[present] = coefficients[0], (0, intercepts[0])
    else:
        weights[present], bias[present] = coefficients, intercepts
    return Regression(features, length, len(chosen), mean, deviation, weights, bias)


def _affordable(train: Sequences, most: int, most_steps: int, seed: int) -> Sequences:
    """The sequences, or a random part of them with at most so many sequences and about so many steps."""
    count = min(len(train), most, max(1, most_steps * len(train) // train.num_steps))
    if count == len(train):
        return train
    return train.take(np.sort(np.random.default_rng(seed).choice(len(train), count, replace=False)))


def _regression(table: Table, classes: int, kind: Kind) -> Any:
    """The regression to fit: multinomial, or of sparse features one for each class, which takes a tenth of the time."""
    if kind.is_sparse:
        return OneVsRestClassifier(LogisticRegression(C=kind.penalty, solver="liblinear"))
    each = 4 * table.size * (1 if classes == 2 else classes)
    return LogisticRegression(
        C=kind.penalty, max_iter=min(MAX_ITERATIONS, max(FEWEST_ITERATIONS, int(MOST_WORK / each)))
    )
