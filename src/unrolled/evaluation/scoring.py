"""A model's predictions for labelled sequences: at their end, and after a share of their steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers, Sequences
from unrolled.model import Model, Probabilities
from unrolled.statistics import fit_temperature

SHARES = tuple(part / 10 for part in range(1, 11))
"""Shares of the steps after which the prediction is recorded."""

MOST_ASKED = 100_000
"""Most sequences with early predictions; from more, a random subset is drawn."""

MOST_READ_ANEW, FEWEST_READ_ANEW = 200_000, 200
"""Steps at most that a network reads which has to read every prefix again, and the fewest sequences."""


@dataclass(frozen=True)
class Predictions:
    """A model's predictions for labelled sequences.

    Attributes:
        targets: index of each sequence's class in the model's order, [N].
        logits: [N, C].
        probabilities: of each class, softmax(logits / temperature), [N, C].
        early_cases: indices of the sequences with early predictions, [M].
        early: index of the most probable class after each of `SHARES`, [M, 10].
        seconds: computing time of the logits.

    Example:
        >>> predictions = unrolled.predictions_of(model, dataset.test)
        >>> predictions.logits.shape, predictions.early.shape
        ((10, 2), (10, 10))
    """

    targets: Integers
    logits: npt.NDArray[np.float32]
    probabilities: Probabilities
    early_cases: Integers
    early: Integers
    seconds: float


def predictions_of(model: Model, sequences: Sequences) -> Predictions:
    """Computes a model's predictions for labelled sequences.

    Args:
        model: the model.
        sequences: with labels, all of them among the model's classes, N.
    Raises:
        MismatchError: for sequences or labels that do not fit the model.
        DataError: for sequences without labels.

    Example:
        >>> predictions = unrolled.predictions_of(model, dataset.test)
        >>> evaluation = unrolled.evaluate(model, dataset.test, predictions=predictions)  # asks only once
    """
    targets = model.targets(sequences)
    model.warn_if_out_of_range(sequences)
    started = time.perf_counter()
    logits = model.logits(sequences)
    seconds = time.perf_counter() - started
    cases = np.arange(len(sequences))
    most = MOST_ASKED
    if not model.network.reads_forward:
        each = steps_seen(sequences.lengths).sum(1).mean()
        most = max(int(MOST_READ_ANEW / each), FEWEST_READ_ANEW)
    if len(cases) > most:
        cases = np.sort(np.random.default_rng(0).choice(cases, most, replace=False))
    early = _early(model, sequences.take(cases))
    return Predictions(targets, logits.numpy(), model.probabilities(logits), cases, early, seconds)


def calibrate(model: Model, validation: Sequences) -> Model:
    """The model with a temperature that is fitted to validation sequences.

    Example:
        >>> doubtful = unrolled.Sequences.from_list(arrays[40:50], [*labels[40:48], "high", "low"])
        >>> calibrated = unrolled.calibrate(model, doubtful)  # the last two labels are wrong
        >>> calibrated.facts.temperature > 1  # so sure the model must not be
        True
    """
    temperature = fit_temperature(model.logits(validation).numpy(), model.targets(validation))
    return replace(model, facts=model.facts.model_copy(update={"temperature": temperature}))


def steps_seen(lengths: Integers) -> Integers:
    """The number of steps in each of `SHARES`, at least one, [N, 10]."""
    tenths = np.arange(1, len(SHARES) + 1)
    return -(-lengths[:, None] * tenths // len(SHARES))


def _early(model: Model, sequences: Sequences) -> Integers:
    """The most probable class after each share of the steps, [N, 10]."""
    accepted = model.accept(sequences)
    found: Integers = model.logits_at(accepted, steps_seen(accepted.lengths)).argmax(-1).numpy()
    return found
