"""Trains on arrays in the form of aeon and sktime, which have the channels first.

    python -m pip install aeon
    python examples/from_aeon.py JapaneseVowels

aeon and sktime hold equal sequences as one array [N, F, T] and others as a list of arrays [F, T_i]. Every
array of this package is [T, F], so each is turned, explicitly: no code could tell 12 channels from 12 steps.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from unrolled import SequenceClassifier


def time_first(X: Iterable[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    """Sequences [T_i, F] from an array [N, F, T] or a list of [F, T_i]; nothing is copied."""
    return [np.asarray(sequence).T for sequence in X]


def accuracy(train: tuple[Any, Any], test: tuple[Any, Any], **parameters: Any) -> float:
    """The share of right answers of a classifier trained on arrays of aeon's form."""
    classifier = SequenceClassifier(**{"random_state": 0, **parameters})
    classifier.fit(time_first(train[0]), train[1])
    return float(classifier.score(time_first(test[0]), test[1]))


if __name__ == "__main__":
    from aeon.datasets import load_classification

    problem = sys.argv[1] if len(sys.argv) > 1 else "JapaneseVowels"
    found = accuracy(load_classification(problem, split="train"), load_classification(problem, split="test"))
    print(f"{problem}: {found:.2%} of the test sequences right")
