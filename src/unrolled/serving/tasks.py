"""What the worker computes for a batch of sequences; each result depends on its own sequence alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.model import Model
from unrolled.serving.form import Steps
from unrolled.serving.refusals import Refusal

DIGITS = 7
"""Decimals of a probability in an answer: what float32 carries."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """How the network read one sequence.

    Attributes:
        probabilities: after each step, [T, C].
        hidden: the last layer's outputs at each step, [T, H].
    """

    probabilities: Floats
    hidden: Floats


def predict(model: Model, sequences: list[Steps]) -> list[Floats]:
    """The probabilities of each sequence, [C]."""
    return list(_rounded(model.probabilities(model.logits(sequences)), DIGITS))


def read(model: Model, sequences: list[Steps]) -> list[Reading]:
    """Probabilities and hidden state after each step of each sequence."""
    beliefs, states = model.predict_steps(sequences), model.hidden_steps(sequences)
    return [
        Reading(_rounded(belief, DIGITS), _rounded(state, 4)) for belief, state in zip(beliefs, states, strict=True)
    ]


def _rounded(values: npt.NDArray[np.float32], digits: int) -> Floats:
    rounded: Floats = values.astype(np.float64).round(digits)
    return rounded


def check_finite(probabilities: Floats, name: str) -> None:
    """Refuses values so large that the network's arithmetic overflowed: there is no answer to give.

    Args:
        probabilities: of any shape.
        name: of the sequence.
    Raises:
        Refusal: 422.
    """
    if not math.isfinite(probabilities.sum()):
        raise Refusal(
            422,
            "overflow",
            f"{name}: the values are so large that the network's arithmetic overflows; expected values like those "
            "that it was trained on. Scale them.",
        )


def answer(model: Model, probabilities: Floats) -> dict[str, Any]:
    """A prediction as the server says it: label, its probability, the probability of every class."""
    values = probabilities.tolist()
    best = int(probabilities.argmax())
    return {
        "label": model.classes[best],
        "probability": values[best],
        "probabilities": dict(zip(model.classes, values, strict=True)),
    }


def answer_steps(model: Model, reading: Reading, with_hidden: bool) -> dict[str, Any]:
    """A reading as the server says it: the prediction, the belief after each step, where it became final."""
    beliefs = reading.probabilities
    labels = beliefs.argmax(1)  # [T]
    others = np.flatnonzero(labels != labels[-1])
    final = int(others[-1]) + 2 if others.size else 1
    steps = {"labels": [model.classes[index] for index in labels], "probabilities": beliefs}
    if with_hidden:
        steps["hidden"] = reading.hidden
    return {**answer(model, beliefs[-1]), "final_from_step": final, "steps": steps}
