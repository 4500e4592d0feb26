"""The weights of n-grams: a logistic regression of each class on their weighted counts."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold

from unrolled.data import Integers, Sequences
from unrolled.data.batches import Batcher
from unrolled.network import Network, evaluation_batches
from unrolled.nn import NGrams

Doubles = npt.NDArray[np.float64]

FOLDS = 5
PENALTY = 10.0
"""scikit-learn's C, the inverse of the L2 penalty."""


@dataclass(frozen=True)
class Counted:
    """Logits as a linear function of weighted counts.

    Attributes:
        weights: [columns, C].
        bias: [C].
        left_out: the logits of each sequence from a fit without it, [N, C].
    """

    weights: Doubles
    bias: Doubles
    left_out: Doubles


def fit_counted(
    network: Network, ngrams: NGrams, train: Sequences, weights: Doubles, groups: Integers | None, seed: int
) -> Counted:
    """Sets the rarities of the n-grams, and fits a regression for each class to their weighted counts.

    The rarity is scikit-learn's smoothed inverse document frequency, ln((1 + N) / (1 + n)) + 1.

    Args:
        network: with these n-grams.
        ngrams: its n-grams.
        train: labelled texts, prepared.
        weights: of the texts, [N].
        groups: of the texts, [N]; a group is left out as a whole.
        seed: of the folds.
    """
    ngrams.fold(train.symbols or ())
    ngrams.rarity.fill_(1)
    count = _table(network, ngrams, train)
    found = np.bincount(count.indices, minlength=ngrams.columns)
    ngrams.rarity.copy_(torch.from_numpy(np.log((1 + len(train)) / (1 + found)) + 1))
    table = _table(network, ngrams, train)
    classes, folds = len(train.classes), min(FOLDS, len(train) if groups is None else len(np.unique(groups)))
    left_out = np.zeros((len(train), classes))
    parts: Any = KFold(folds, shuffle=True, random_state=seed) if groups is None else GroupKFold(folds)
    for rest, held in parts.split(left_out, None, groups):
        slopes, bias = _regressions(table[rest], train.targets[rest], weights[rest], classes)
        left_out[held] = table[held] @ slopes + bias
    slopes, bias = _regressions(table, train.targets, weights, classes)
    return Counted(slopes, bias, left_out)


def _regressions(table: csr_array, targets: Integers, weights: Doubles, classes: int) -> tuple[Doubles, Doubles]:
    """One regression for each class, [columns, C] and [C]; a class without a text is as good as impossible."""
    slopes, bias = np.zeros((table.shape[1], classes)), np.full(classes, -10.0)
    for one in np.unique(targets):
        regression = LogisticRegression(C=PENALTY, solver="liblinear", random_state=0)
        if (targets == one).all():
            bias[one] = 0.0
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            regression.fit(table, targets == one, weights)
        slopes[:, one], bias[one] = regression.coef_[0], regression.intercept_[0]
    return slopes, bias


def _table(network: Network, ngrams: NGrams, train: Sequences) -> csr_array:
    """The weighted counts of all texts, [N, columns]."""
    rows, columns, values = [], [], []
    for indices, batch in evaluation_batches(network, Batcher(train, ngrams.rarity.device)):
        texts, places, found = (part.cpu().numpy() for part in ngrams(batch.inputs, batch.lengths))
        rows.append(indices[texts].astype(np.int32))
        columns.append(places.astype(np.int32))  # scikit-learn takes no longer ones
        values.append(found.astype(np.float64))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=(len(train), ngrams.columns))
