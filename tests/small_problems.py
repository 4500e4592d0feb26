"""A small ragged problem and a classifier that learns it at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled import SequenceClassifier

Ragged = tuple[list[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def quick(**parameters: Any) -> SequenceClassifier:
    """A classifier that learns the small problems in a fraction of a second."""
    settings = {"hidden_size": 8, "max_steps": 40, "random_state": 0, "threads": 1, "learning_rate": 0.02}
    return SequenceClassifier(**{**settings, **parameters})


def ragged_problem() -> Ragged:
    """36 sequences of 3 to 9 steps and 2 channels in three classes that their mean tells apart."""
    rng = np.random.default_rng(0)
    names = np.array(["high", "low", "middle"])
    levels = {"high": 2.0, "low": -2.0, "middle": 0.0}
    labels = names[np.arange(36) % 3]
    return [rng.normal(levels[label], 1, (rng.integers(3, 10), 2)) for label in labels], labels
