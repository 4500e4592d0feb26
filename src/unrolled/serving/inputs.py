"""`InputSpec`: the sequences that a model takes, within the limits of a server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.model import Model
from unrolled.preparation import Preprocessor
from unrolled.serving.problems import HTTPProblem, over_limit
from unrolled.serving.registry import Served
from unrolled.serving.settings import ServerSettings

Steps = npt.NDArray[np.floating] | list[str]
"""One sequence: [T, F], or the T tokens of a text."""


@dataclass(frozen=True)
class InputSpec:
    """The sequences that a model takes.

    Attributes:
        channels: values of a step, F.
        missing: whether null stands for a missing value.
        preprocessor: of the model; it cuts texts into tokens.
        max_sequences, max_steps: see `ServerSettings`.
        dtype: of numbers; double precision where the model takes something off first.
    """

    channels: int
    missing: bool
    preprocessor: Preprocessor
    max_sequences: int
    max_steps: int
    dtype: type[np.floating] = np.float32

    @classmethod
    def of(cls, model: Model, settings: ServerSettings) -> InputSpec:
        """The specification for a model."""
        facts = model.facts
        return cls(
            len(facts.channels),
            facts.vocabulary is None and facts.model.missing != "none",
            model.preprocessor,
            settings.max_sequences,
            settings.max_steps,
            np.float32 if facts.offsets is None else np.float64,
        )

    @property
    def text(self) -> bool:
        """Whether the model reads text."""
        return self.preprocessor.vocabulary is not None

    def check_length(self, steps: int, name: str) -> None:
        """Raises an `HTTPProblem` for a sequence without steps, or with too many.

        Args:
            steps: number of steps.
            name: of the sequence, for messages.
        """
        if not steps:
            raise HTTPProblem(422, "empty_sequence", f"{name} has no steps; give it at least one, or leave it out.")
        if steps > self.max_steps:
            advice = "Cut it, or stream it over the WebSocket /v1/stream."
            raise over_limit(422, "too_many_steps", f"{name} has {steps:,} steps", "max_steps", self.max_steps, advice)


def check_work(served: Served, steps: int, settings: ServerSettings) -> None:
    """Raises an `HTTPProblem` if the network would take too long.

    Args:
        served: the model.
        steps: number of steps that its network would read.
        settings: the limits.
    """
    gflop = -(-steps * served.step_flop // 10**9)
    if gflop > settings.max_gflop:
        message = f"the network would read {steps:,} steps and compute {gflop:,} GFLOP for them"
        advice = "Send fewer or shorter sequences."
        raise over_limit(422, "too_much_work", message, "max_gflop", settings.max_gflop, advice)


def kind_of_value(value: object) -> str:
    """The kind of a JSON value, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


NESTING = 3
"""Depth of nested lists: sequences, steps, channels."""


def too_deep(found: str, status: int = 422) -> HTTPProblem:
    """The problem of lists that are nested deeper than `NESTING`."""
    advice = "There are sequences, steps and channels."
    return over_limit(status, "too_deep", f"lists are nested {found} deep", "nesting", NESTING, advice)
