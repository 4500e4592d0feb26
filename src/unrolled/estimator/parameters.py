"""The classifier's parameters: the configuration's fields, under scikit-learn's rules.

scikit-learn reads a constructor's parameters from its signature. This one is made from the sections of
`unrolled.config` and the recipe ``default``, so that names, defaults and descriptions stand in one place.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from unrolled.config import Recipe, default_recipe, fields

_NAME = "SequenceClassifier"
_SECTIONS = ("model", "augment", "train")

_NOT_PARAMETERS = {
    "seed",  # random_state takes its place
    "class_weight",  # in scikit-learn's form, by the user's own labels
    "shuffle",  # the order of the cases has no meaning here
    "headline_cases",
    "checkpoint_every_steps",
    "checkpoint_every_seconds",
    "log_every",
    "output",
    "tensorboard",
    "trackers",
    "watch",
}

OWN: dict[str, tuple[Any, str]] = {
    "class_weight": (None, "weight of each class, by its label; 'balanced', or None where all weigh the same"),
    "random_state": (None, "seed of everything random: a number, a RandomState, or None for another at each fit"),
    "warm_start": (False, "whether fit goes on from the weights of the fit before"),
    "verbose": (False, "whether a line is printed after each pass"),
}
"""Default and description of the parameters that scikit-learn's users expect, and the configuration lacks."""


def config_parameters() -> dict[str, tuple[Any, str]]:
    """Default and description of each parameter that is a field of the configuration, by name."""
    recipe = default_recipe(_NAME)
    return {
        name: (getattr(getattr(recipe, section), name), info.description or "")
        for section, name, info in fields()
        if section in _SECTIONS and name not in _NOT_PARAMETERS
    }


def make_recipe(parameters: Mapping[str, Any], seed: int) -> Recipe:
    """The configuration that a classifier's parameters ask for.

    Args:
        parameters: of the classifier, by name; those that are no field are passed over.
        seed: from ``random_state``.
    Raises:
        ConfigError: for a value that its field does not take.
    """
    chosen = {name: _plain(parameters[name]) for name in config_parameters()}
    return default_recipe(_NAME).with_options({**chosen, "seed": seed})


def parameters_of(model: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a model's recorded configuration stands for.

    Args:
        model: the section of the network.
        training: what the model records of its training.
    """
    recorded = {**model, **training.get("augment", {}), **training.get("config", {})}
    return {name: recorded[name] for name in config_parameters() if name in recorded}


def constructor() -> Callable[..., None]:
    """``__init__`` for the classifier: it stores its parameters and does nothing else."""
    own = {**config_parameters(), **OWN}
    kind = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature(
        [
            inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *(inspect.Parameter(name, kind, default=default) for name, (default, _) in own.items()),
        ]
    )

    def __init__(self: Any, **parameters: Any) -> None:  # noqa: N807
        given = signature.bind(self, **parameters)  # a TypeError for a name that is no parameter
        given.apply_defaults()
        for name in own:
            setattr(self, name, given.arguments[name])

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    lines = [f"{name}: {description} (default {default!r})." for name, (default, description) in own.items()]
    __init__.__doc__ = "Takes parameters by name.\n\nArgs:\n" + "\n".join(
        textwrap.fill(line, 110, initial_indent="    ", subsequent_indent="        ") for line in lines
    )
    return __init__


def _plain(value: Any) -> Any:
    """A number of NumPy's, as searches over parameters give, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value
