"""Computations of the worker for a batch of sequences, and the form of their answers.

Each result depends on its own sequence only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers
from unrolled.model import Model
from unrolled.serving.inputs import Steps
from unrolled.serving.problems import HTTPProblem

DIGITS = 7
"""Decimals of a probability in an answer: the precision of float32."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StepResult:
    """The network's results for one sequence, step by step.

    Attributes:
        probabilities: after each step, [T, C].
        hidden: the last layer's outputs at each step, [T, H].
        familiarity: see `Model.familiarity`; None for a model that cannot tell.
    """

    probabilities: Floats
    hidden: Floats
    familiarity: float | None = None


@dataclass(frozen=True)
class JudgedResult:
    """The network's result for one sequence, and how much it is like the training data.

    Attributes:
        probabilities: [C].
        familiarity: see `Model.familiarity`.
    """

    probabilities: Floats
    familiarity: float


def predict(model: Model, sequences: list[Steps]) -> list[Floats]:
    """The probabilities of each sequence, [C]."""
    return list(_rounded(model.probabilities(model.logits(sequences)), DIGITS))


def predict_judged(model: Model, sequences: list[Steps]) -> list[JudgedResult]:
    """The probabilities of each sequence, and how much it is like the training data."""
    familiarity = model.familiarity(sequences).round(DIGITS).tolist()
    return [JudgedResult(*pair) for pair in zip(predict(model, sequences), familiarity, strict=True)]


def predict_steps(model: Model, sequences: list[Steps]) -> list[StepResult]:
    """Probabilities and hidden state after each step of each sequence, and how much it is like the training data."""
    known = [None] * len(sequences) if model.novelty is None else model.familiarity(sequences).round(DIGITS).tolist()
    found = zip(model.predict_steps(sequences), model.hidden_steps(sequences), known, strict=True)
    return [StepResult(_rounded(running, DIGITS), _rounded(states, 4), judged) for running, states, judged in found]


@dataclass(frozen=True)
class WindowResult:
    """The results for the windows of one recording.

    Attributes:
        begins: first step of each, counted from 0, [K].
        ends: the step after the last one of each, [K].
        probabilities: [K, C].
    """

    begins: Integers
    ends: Integers
    probabilities: Floats


def predict_windows(model: Model, recordings: list[Steps]) -> list[WindowResult]:
    """The probabilities of the windows of each recording."""
    windows = model.windows(recordings)
    cut = windows.cut
    assert cut is not None  # noqa: S101
    rounded = _rounded(model.probabilities(model.logits(windows)), DIGITS)
    return [WindowResult(cut.begins[rows], cut.ends[rows], rounded[rows]) for _, rows in cut.in_order()]


def answer_windows(model: Model, result: WindowResult) -> dict[str, Any]:
    """The answer for one recording: label, probabilities, first and last step of each window."""
    places = zip((result.begins + 1).tolist(), result.ends.tolist(), result.probabilities, strict=True)
    return {"windows": [{"start": start, "end": end, **answer(model, values)} for start, end, values in places]}


def _rounded(values: npt.NDArray[np.float32], digits: int) -> Floats:
    rounded: Floats = values.astype(np.float64).round(digits)
    return rounded


def check_finite(probabilities: Floats, name: str) -> None:
    """Raises an error for values so large that the network's arithmetic overflowed.

    Args:
        probabilities: of any shape.
        name: of the sequence.
    Raises:
        HTTPProblem: 422.
    """
    if not math.isfinite(probabilities.sum()):
        raise HTTPProblem(
            422,
            "overflow",
            f"{name}: the values are so large that the network's arithmetic overflows; expected values like those "
            "of the training data. Scale them.",
        )


def answer_judged(model: Model, result: JudgedResult) -> dict[str, Any]:
    """As `answer`, with the familiarity."""
    return {**answer(model, result.probabilities), "familiarity": result.familiarity}


def answer(model: Model, probabilities: Floats) -> dict[str, Any]:
    """The answer for one sequence: label, its probability, the probability of every class."""
    values = probabilities.tolist()
    best = int(probabilities.argmax())
    return {
        "label": model.classes[best],
        "probability": values[best],
        "probabilities": dict(zip(model.classes, values, strict=True)),
    }


def answer_steps(model: Model, result: StepResult, with_hidden: bool) -> dict[str, Any]:
    """The answer for one sequence and its prefixes: prediction, running probabilities, the step of the final label."""
    running = result.probabilities
    labels = running.argmax(1)  # [T]
    others = np.flatnonzero(labels != labels[-1])
    final = int(others[-1]) + 2 if others.size else 1
    steps = {"labels": [model.classes[index] for index in labels], "probabilities": running}
    if with_hidden:
        steps["hidden"] = result.hidden
    judged = {} if result.familiarity is None else {"familiarity": result.familiarity}
    return {**answer(model, running[-1]), **judged, "final_from_step": final, "steps": steps}
