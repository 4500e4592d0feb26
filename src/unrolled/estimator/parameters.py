"""The fields of the configuration that are parameters of the classifier, and the conversion between the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unrolled.config import Recipe, default_recipe, fields
from unrolled.model import ModelFacts

_NAME = "SequenceClassifier"

_OF_DATA = {"tokens", "window", "stride", "max_length", "keep_steps"}
"""Fields of the data section about the sequences; the others are about files and named data."""

_NOT_PARAMETERS = {
    "seed",  # random_state takes its place
    "class_weight",  # here in scikit-learn's form, by label
    "shuffle",  # the order of the sequences has no meaning here
    # about runs and run folders:
    "headline_sequences",
    "checkpoint_every_steps",
    "checkpoint_every_seconds",
    "log_every",
    "print_style",
    "report",
    "tensorboard",
    "trackers",
    "watch",
}

PARAMETERS: dict[str, str] = {
    name: section
    for section, name, _ in fields()
    if (name in _OF_DATA if section == "data" else name not in _NOT_PARAMETERS)
}
"""The section of each parameter that is a field of the configuration."""

OWN = ("class_weight", "random_state", "warm_start", "verbose")
"""The other parameters, which scikit-learn's users expect."""


def default_of(name: str) -> Any:
    """The default of a parameter that is a field: its value in the recipe ``default``."""
    return getattr(getattr(default_recipe(_NAME), PARAMETERS[name]), name)


def make_recipe(parameters: Mapping[str, Any], seed: int) -> Recipe:
    """The recipe for the parameters of a classifier.

    Args:
        parameters: of the classifier, by name; those that are not fields have no effect.
        seed: from ``random_state``.
    Raises:
        ConfigError: for a value that its field does not take.
    """
    chosen = {name: plain(parameters[name]) for name in PARAMETERS}
    return default_recipe(_NAME).with_options({**chosen, "seed": seed})


def parameters_of(facts: ModelFacts) -> dict[str, Any]:
    """The parameters for the configuration that is recorded in a model."""
    recorded = {**facts.model.model_dump(), **facts.training.get("augment", {}), **facts.training.get("config", {})}
    recorded |= {"max_length": facts.max_length, "keep_steps": facts.keep_steps}
    if facts.window is not None:
        recorded |= {
            "window": facts.window.steps,
            "stride": facts.window.stride,
            "max_length": None,
            "keep_steps": "first",
        }
    recorded["tokens"] = None if facts.vocabulary is None else facts.tokens
    return {name: recorded[name] for name in PARAMETERS if name in recorded}


def plain(value: Any) -> Any:
    """A NumPy scalar, as searches over parameters give, as a Python number; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value
