"""What a network must beat: the majority class, and a logistic regression without recurrence."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from unrolled.baselines.features import Array, flattened, summaries, summary_width, token_counts
from unrolled.data import Integers, Sequences

MAX_CASES = 10_000
"""Training sequences that the regression sees at most: it is to be simple, and quick."""

MAX_FEATURES = 1_024
"""More values than these in a sequence are summarised."""

MAX_ITERATIONS = 200

Features = Literal["flattened", "summary", "tokens"]


@dataclass(frozen=True)
class Baselines:
    """Two simple classifiers, fitted on the training data.

    Attributes:
        majority: index of the most frequent training class.
        features: ``flattened`` (all values in a row, for sequences of one length), ``summary`` (each
            channel's mean, deviation, least, largest, first and last value, and the length), or ``tokens`` (of
            text, how often each of the most frequent `MAX_FEATURES` tokens occurs, the unknown ones together).
            A feature that is missing counts as its mean.
        length: steps of a flattened sequence; 0 for anything else.
        cases: training sequences that the regression was fitted on.
        mean, deviation: of each feature over those.
        weights: of the regression, [C, features].
        bias: of the regression, [C].
    """

    majority: int
    features: Features
    length: int
    cases: int
    mean: Array
    deviation: Array
    weights: Array
    bias: Array

    def predict(self, sequences: Sequences) -> Integers:
        """The regression's class of each sequence, [N]; sequences of another length get the majority's."""
        found = np.full(len(sequences), self.majority, np.int64)
        if self.features != "flattened":
            judged = np.arange(len(sequences))
        else:
            judged = np.flatnonzero(sequences.lengths == self.length)
        if len(judged):
            blocks = _blocks(sequences.take(judged), self.features, len(self.mean))
            scores = (self._standardised(block) @ self.weights.T + self.bias for block in blocks)
            found[judged] = np.concatenate([block.argmax(1) for block in scores])
        return found

    def _standardised(self, table: Array) -> Array:
        return _standardised(table, self.mean, self.deviation)


def fit_baselines(train: Sequences, seed: int = 0) -> Baselines:
    """Fits both on training sequences; of many, on a random `MAX_CASES`.

    The regression is scikit-learn's, multinomial, with its default L2 penalty, on standardised features.
    """
    majority = int(train.class_counts().argmax())
    chosen = train
    if len(train) > MAX_CASES:
        picked = np.random.default_rng(seed).choice(len(train), MAX_CASES, replace=False)
        chosen = train.take(np.sort(picked))
    features, length, width = _choose_features(train)
    table = np.concatenate(list(_blocks(chosen, features, width)))
    mean = _column_means(table)
    deviation = np.sqrt(_column_means(np.square(table - mean)))
    deviation[deviation <= 1e-6 * np.abs(mean)] = 1
    table = _standardised(table, mean, deviation)
    weights = np.zeros((len(train.classes), table.shape[1]), np.float32)
    bias = np.full(len(train.classes), -np.inf, np.float32)
    present = np.flatnonzero(chosen.class_counts())
    if len(present) < 2:
        bias[majority] = 0
        return Baselines(majority, features, length, len(chosen), mean, deviation, weights, bias)
    regression = LogisticRegression(max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings(), threadpool_limits(1):
        # A baseline that has not quite converged is still one. On one thread it is the same on every machine,
        # and does not wait for a core that another process holds.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(table, chosen.targets)
    if len(present) == 2:  # scikit-learn keeps one row of weights for two classes
        weights[present[1]], bias[present] = regression.coef_[0], (0, regression.intercept_[0])
    else:
        weights[present], bias[present] = regression.coef_, regression.intercept_
    return Baselines(majority, features, length, len(chosen), mean, deviation, weights, bias)


def _choose_features(train: Sequences) -> tuple[Features, int, int]:
    """What the regression sees, the length it holds for, and how many features that are."""
    if train.symbols is not None:
        return "tokens", 0, min(len(train.symbols), MAX_FEATURES)
    length, channels = train.equal_length or 0, len(train.channels)
    if length and length * channels <= MAX_FEATURES:
        return "flattened", length, length * channels
    return "summary", 0, summary_width(channels)


def _column_means(table: Array) -> Array:
    """The mean of each column over what is there; 0 where nothing is."""
    there = ~np.isnan(table)
    totals = np.where(there, table, 0).sum(0, dtype=np.float64)  # a sum in float32 would give constants a deviation
    means: Array = (totals / np.maximum(there.sum(0), 1)).astype(np.float32)
    return means


def _standardised(table: Array, mean: Array, deviation: Array) -> Array:
    values: Array = np.nan_to_num((table - mean) / deviation, nan=0.0)
    return values


def _blocks(sequences: Sequences, features: Features, width: int) -> Iterator[Array]:
    """The features of all sequences, some at a time, [n, width]; NaN where one is missing."""
    if features == "summary":
        yield summaries(sequences)
    elif features == "tokens":
        yield from token_counts(sequences, width)
    else:
        yield from flattened(sequences)
