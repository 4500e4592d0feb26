"""Which fields of the configuration the classifier takes as parameters, and the way between both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unrolled.config import Recipe, default_recipe, fields
from unrolled.model import ModelFacts

_NAME = "SequenceClassifier"

_OF_DATA = {"tokens", "max_length", "keep_steps"}
"""What the data section says of sequences themselves; the rest is about files and named data."""

_NOT_PARAMETERS = {
    "seed",  # random_state takes its place
    "class_weight",  # in scikit-learn's form, by the user's own labels
    "shuffle",  # the order of the sequences has no meaning here
    # of a run and its folder:
    "headline_sequences",
    "checkpoint_every_steps",
    "checkpoint_every_seconds",
    "log_every",
    "output",
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
"""The parameters that are fields of the configuration, with their sections."""

OWN = ("class_weight", "random_state", "warm_start", "verbose")
"""The parameters that scikit-learn's users expect, and the configuration lacks."""


def default_of(name: str) -> Any:
    """The default of a parameter that is a field of the configuration: that of the recipe ``default``."""
    return getattr(getattr(default_recipe(_NAME), PARAMETERS[name]), name)


def make_recipe(parameters: Mapping[str, Any], seed: int) -> Recipe:
    """The configuration that a classifier's parameters ask for.

    Args:
        parameters: of the classifier, by name; those that are no field are passed over.
        seed: from ``random_state``.
    Raises:
        ConfigError: for a value that its field does not take.
    """
    chosen = {name: _plain(parameters[name]) for name in PARAMETERS}
    return default_recipe(_NAME).with_options({**chosen, "seed": seed})


def parameters_of(facts: ModelFacts) -> dict[str, Any]:
    """The parameters that a model's recorded configuration stands for."""
    recorded = {**facts.model.model_dump(), **facts.training.get("augment", {}), **facts.training.get("config", {})}
    recorded |= {"max_length": facts.max_length, "keep_steps": facts.keep_steps}
    recorded["tokens"] = None if facts.vocabulary is None else facts.tokens
    return {name: recorded[name] for name in PARAMETERS if name in recorded}


def _plain(value: Any) -> Any:
    """A number of NumPy's, as searches over parameters give, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value
