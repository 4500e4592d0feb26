"""Early decisions of a stream: how often they are right, and the confidence that keeps a promised error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers, Sequences
from unrolled.model import Model
from unrolled.statistics import Booleans, Groups, Proportion, share

CONFIDENCES = (0.9, 0.95, 0.99)
"""The confidences whose decisions are measured."""

PROMISES = (0.1, 0.05, 0.01)
"""The errors for which a confidence is looked for."""

AT_LEAST = 5
"""Steps that are read before a decision; the default of `Stream.decide_when` and of ``predict --stream``."""

MOST_DECIDED = 2_000
"""Most sequences whose decisions are measured; from more, a random subset is drawn."""

_TRIED = tuple(np.round(np.concatenate([np.arange(0.5, 0.95, 0.025), np.arange(0.95, 0.9995, 0.005), [0.999]]), 4))

_AT_ONCE = 128
"""Sequences whose running probabilities are in memory at a time."""

_FACT = "decide_at"


@dataclass(frozen=True)
class EarlyDecision:
    """What becomes of sequences that are decided once a class has some probability, after at least 5 steps.

    Attributes:
        confidence: that probability.
        decided: share of sequences that reach it; the others are read to their end.
        right: share of these that are decided rightly; None if there are none.
        steps: mean number of steps until the decision; None if there is none.
        promise: the share of wrong decisions for which this confidence was chosen, so that validation sequences show
            that it is kept; None for a confidence that was not chosen.

    Example:
        >>> [decision.confidence for decision in run.evaluation.early]
        [0.9, 0.95, 0.99]
        >>> run.evaluation.early[0].decided.cases
        10
    """

    confidence: float
    decided: Proportion
    right: Proportion | None
    steps: float | None
    promise: float | None = None


@dataclass(frozen=True)
class _Decisions:
    """The first decisions at several confidences.

    Attributes:
        steps: number of steps read until then, [M, K]; 0 for no decision.
        right: whether it is right, [M, K].
        groups: of the sequences.
    """

    steps: Integers
    right: Booleans
    groups: Groups

    def shares(self, column: int) -> tuple[Proportion, Proportion | None]:
        """The share that is decided, and that of the right ones among these."""
        decided = self.steps[:, column] > 0
        right = share(self.right[decided, column], self.groups.take(decided)) if decided.any() else None
        return share(decided, self.groups), right


def early_decisions(model: Model, sequences: Sequences) -> list[EarlyDecision]:
    """What becomes of sequences that are decided early; nothing for a model that cannot be streamed.

    Args:
        model: the model; the confidences of its promises are measured too.
        sequences: with labels, N.
    """
    promises = {float(promise): float(at) for promise, at in model.facts.training.get(_FACT, {}).items()}
    confidences = [*CONFIDENCES, *promises.values()]
    decisions = _decisions(model, sequences, confidences)
    if decisions is None:
        return []
    found = []
    kept: list[float | None] = [*[None] * len(CONFIDENCES), *promises]
    for column, (confidence, promise) in enumerate(zip(confidences, kept, strict=True)):
        decided, right = decisions.shares(column)
        steps = decisions.steps[:, column]
        mean = float(steps[steps > 0].mean()) if decided.count else None
        found.append(EarlyDecision(confidence, decided, right, mean, promise))
    return found


def promise(model: Model, validation: Sequences) -> Model:
    """The model with the confidences that keep `PROMISES` on validation sequences, where there are such.

    For each promise the confidences are tried from the highest to lower ones, as long as the upper end of the 95 %
    interval of the wrong decisions is not above it: an order that was fixed before needs no correction for several
    tests (Bauer 1991, Statistics in Medicine 10; Angelopoulos et al. 2021, arXiv 2110.01052). A confidence at which too
    few sequences are decided to show anything is left out.

    Args:
        model: the model, calibrated if it is to be.
        validation: sequences with labels that it was not trained on.
    """
    decisions = _decisions(model, validation, _TRIED)
    if decisions is None:
        return model
    rights = [decisions.shares(column)[1] for column in range(len(_TRIED))]
    found = {str(most): at for most in PROMISES if (at := _lowest(rights, most)) is not None}
    training = model.facts.training | {_FACT: found}
    return replace(model, facts=model.facts.model_copy(update={"training": training}))


def _lowest(rights: Sequence[Proportion | None], most: float) -> float | None:
    """The lowest confidence that keeps the wrong decisions below ``most``; None without one."""
    lowest = None
    for confidence, right in sorted(zip(_TRIED, rights, strict=True), key=lambda one: -one[0]):
        if right is None or 1 - share(np.ones(right.cases, bool)).low > most:
            continue
        if 1 - right.low > most:
            break
        lowest = float(confidence)
    return lowest


def _decisions(model: Model, sequences: Sequences, confidences: Sequence[float]) -> _Decisions | None:
    """The first decisions at each confidence; None for a model that cannot be streamed."""
    if model.network.obstacles() or model.facts.max_length is not None:
        return None
    if len(sequences) > MOST_DECIDED:
        chosen = np.random.default_rng(0).choice(len(sequences), MOST_DECIDED, replace=False)
        sequences = sequences.take(np.sort(chosen))
    targets, levels = model.targets(sequences), np.asarray(confidences)
    steps = np.zeros((len(sequences), len(levels)), np.int64)
    classes = np.zeros_like(steps)
    for begin in range(0, len(sequences), _AT_ONCE):
        for case, running in enumerate(model.predict_steps(sequences.take(slice(begin, begin + _AT_ONCE))), begin):
            steps[case], classes[case] = _first(running, levels)
    right = (classes == targets[:, None]) & (steps > 0)
    return _Decisions(steps, right, Groups.of(sequences.groups, len(sequences)))


def _first(running: npt.NDArray[np.float32], levels: npt.NDArray[np.float64]) -> tuple[Integers, Integers]:
    """The step of the first decision at each level, 0 for none, and its class, from running probabilities [T, C]."""
    enough = running.max(1)[:, None] >= levels
    enough[: AT_LEAST - 1] = False
    place = enough.argmax(0)
    return np.where(enough.any(0), place + 1, 0), running[place].argmax(1)
