"""The baselines that a network must beat: the majority class and a logistic regression."""

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

MAX_SEQUENCES = 10_000
"""Most training sequences of the regression, which must be quick."""

MAX_FEATURES = 1_024
"""Sequences of more values are summarised."""

MAX_ITERATIONS = 200

Features = Literal["flattened", "summary", "tokens"]


@dataclass(frozen=True)
class Baselines:
    """Two simple classifiers, fitted to the training data.

    Attributes:
        majority: index of the most frequent training class.
        features: ``flattened`` (all values in a row, for sequences of one length), ``summary`` (each
            channel's mean, deviation, smallest, largest, first and last value, and the length), or ``tokens`` (for
            text, the counts of the `MAX_FEATURES` most frequent tokens and of all unknown ones together). A
            missing feature is replaced by its mean.
        length: steps of a flattened sequence; 0 for other features.
        cases: number of training sequences of the regression.
        mean, deviation: of each feature over these sequences.
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
        """The regression's class of each sequence, [N]; the majority class for a length that it cannot read."""
        predicted = np.full(len(sequences), self.majority, np.int64)
        readable = np.arange(len(sequences))
        if self.features == "flattened":
            readable = np.flatnonzero(sequences.lengths == self.length)
        if len(readable):
            blocks = _blocks(sequences.take(readable), self.features, len(self.mean))
            scores = (_standardised(block, self.mean, self.deviation) @ self.weights.T + self.bias for block in blocks)
            predicted[readable] = np.concatenate([block.argmax(1) for block in scores])
        return predicted


def fit_baselines(train: Sequences, seed: int = 0) -> Baselines:
    """Fits both classifiers to training sequences; the regression to a random `MAX_SEQUENCES` of many.

    The regression is scikit-learn's, multinomial, with its default L2 penalty, on standardised features.
    """
    majority = int(train.class_counts().argmax())
    chosen = train
    if len(train) > MAX_SEQUENCES:
        picked = np.random.default_rng(seed).choice(len(train), MAX_SEQUENCES, replace=False)
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
        # A baseline that has not quite converged is still a baseline. On one thread the result is the same on every
        # machine, and no thread waits for a core that another process uses.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(table, chosen.targets)
    if len(present) == 2:  # scikit-learn keeps one row of weights for two classes
        weights[present[1]], bias[present] = regression.coef_[0], (0, regression.intercept_[0])
    else:
        weights[present], bias[present] = regression.coef_, regression.intercept_
    return Baselines(majority, features, length, len(chosen), mean, deviation, weights, bias)


def _choose_features(train: Sequences) -> tuple[Features, int, int]:
    """The features of the regression, the length of flattened sequences, and the number of features."""
    if train.symbols is not None:
        return "tokens", 0, min(len(train.symbols), MAX_FEATURES)
    length, channels = train.equal_length or 0, len(train.channels)
    if length and length * channels <= MAX_FEATURES:
        return "flattened", length, length * channels
    return "summary", 0, summary_width(channels)


def _column_means(table: Array) -> Array:
    """The mean of each column, without missing values; 0 for a column without values."""
    present = ~np.isnan(table)
    totals = np.where(present, table, 0).sum(0, dtype=np.float64)  # a sum in float32 would give constants a deviation
    means: Array = (totals / np.maximum(present.sum(0), 1)).astype(np.float32)
    return means


def _standardised(table: Array, mean: Array, deviation: Array) -> Array:
    values: Array = np.nan_to_num((table - mean) / deviation, nan=0.0)
    return values


def _blocks(sequences: Sequences, features: Features, width: int) -> Iterator[Array]:
    """The features of all sequences, in blocks [n, width]; NaN for a missing feature."""
    if features == "summary":
        yield summaries(sequences)
    elif features == "tokens":
        yield from token_counts(sequences, width)
    else:
        yield from flattened(sequences)
