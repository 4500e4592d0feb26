"""The search space: a range or a list of values for some fields of a recipe.

In a recipe file it is the section ``[tune]``:

    [tune]
    cell = ["gru", "lstm"]
    hidden_size = { low = 16, high = 128, log = true }
    learning_rate = { low = 3e-4, high = 3e-2, log = true }
    output_dropout = { low = 0.0, high = 0.5, step = 0.1 }
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import NoneType
from typing import Any, get_args

from unrolled.config import FIELDS, SECTIONS, Dimension, Range, Recipe
from unrolled.errors import ConfigError, UnknownNameError

DEFAULT_SPACE: dict[str, Dimension] = {
    "cell": ("gru", "lstm"),
    "hidden_size": Range(low=16, high=128, log=True),
    "num_layers": (1, 2),
    "output_dropout": Range(low=0.0, high=0.5),
    "batch_size": (16, 32, 64, 128),
    "learning_rate": Range(low=1e-4, high=3e-2, log=True),
    "weight_decay": Range(low=1e-4, high=1e-1, log=True),
}
"""The search space of a recipe without one: the fields that matter most often, in their usual ranges."""

NOT_TUNED = frozenset(
    {"seed", "keep", "monitor", "precision", "threads", "device", "cuda_graphs", "log_every", "trackers", "watch"}
    | {
        "checkpoint_every_steps",
        "checkpoint_every_seconds",
        "tensorboard",
        "print_style",
        "headline_sequences",
        "report",
    }
)
"""Fields that do not change the model's quality, or that define how trials are compared."""

NO_MATTER_FITTED = frozenset(
    {name for name, section in FIELDS.items() if section in ("train", "augment")} - {"class_weight"}
    | {"dropout", "recurrent_dropout", "output_dropout", "output_initializer", "recompute_gates"}
)
"""Fields without an effect on a network that is fitted in closed form."""

TUNABLE = [name for name, section in FIELDS.items() if section != "data" and name not in NOT_TUNED]


def search_space(recipe: Recipe, fixed: Collection[str] = ()) -> dict[str, Dimension]:
    """The space of a recipe, checked; the default one where it has none.

    Args:
        recipe: a recipe with or without a section ``[tune]``.
        fixed: fields with a given value, which are not searched.
    Raises:
        UnknownNameError: for a field that cannot be tuned, with the nearest.
        ConfigError: for an empty range, or a value that its field does not take.
    """
    space = recipe.tune or {name: _with_own(name, one, recipe) for name, one in DEFAULT_SPACE.items()}
    for name, dimension in space.items():
        if name not in TUNABLE:
            raise UnknownNameError("field to tune", name, TUNABLE)
        _check(recipe, name, dimension)
    fitted = recipe.train.method == "fitted" and "method" not in space
    idle = {*fixed, *NO_MATTER_FITTED} if fitted else fixed
    chosen = {name: dimension for name, dimension in space.items() if name not in idle}
    if not chosen:
        why = ", or matters only in training by gradients, and method is fitted" if fitted else ""
        raise ConfigError(f"every field of the search space was given a value{why}, so nothing is left to search.")
    return chosen


def _with_own(name: str, dimension: Dimension, recipe: Recipe) -> Dimension:
    """The dimension, widened to the recipe's own value, so that the first trial can be the recipe as it is."""
    own = getattr(getattr(recipe, FIELDS[name]), name)
    if not isinstance(dimension, Range):
        return dimension if own in dimension else (*dimension, own)
    if dimension.log and own <= 0:
        return dimension
    return dimension.model_copy(update={"low": min(dimension.low, own), "high": max(dimension.high, own)})


def to_search(recipe: Recipe, fixed: Collection[str] = ()) -> Recipe:
    """The recipe of the trials: trained by gradients, unless the user asked for a method.

    With the method ``auto`` most trials on small data would keep the fitted start, on which half of the usual fields
    have no effect; the best trial would be chosen by chance.
    """
    asked = "method" in fixed or "method" in recipe.tune or recipe.train.method != "auto"
    return recipe if asked else recipe.with_options({"method": "trained"})


def _check(recipe: Recipe, name: str, dimension: Dimension) -> None:
    if isinstance(dimension, Range):
        _check_range(name, dimension)
    elif not dimension:
        raise ConfigError(f"tune.{name} = []: the list is empty; give at least one value.")
    for value in ends(name, dimension):
        try:
            recipe.with_options({name: value})
        except ConfigError as error:
            raise ConfigError(f"tune.{name}: {error}") from None


def ends(name: str, dimension: Dimension) -> list[Any]:
    """The values of a list, or both ends of a range."""
    if isinstance(dimension, Range):
        return [as_field(name, dimension.low), as_field(name, dimension.high)]
    return list(dimension)


def _check_range(name: str, found: Range) -> None:
    place, text = f"tune.{name}", f"{found.low:g} to {found.high:g}"
    kinds = _kinds(name)
    if not kinds & {int, float}:
        raise ConfigError(f'{place}: {name} is not a number; give a list of values, such as ["a", "b"].')
    if found.low >= found.high:
        raise ConfigError(f"{place}: the range from {text} is empty; low must be below high.")
    if found.log and found.low <= 0:
        raise ConfigError(f"{place}: a logarithmic range begins above 0; found {text}.")
    if found.log and found.step is not None:
        raise ConfigError(f"{place}: give either log or step, not both.")
    whole = [found.low, found.high, *([found.step] if found.step is not None else [])]
    if float not in kinds and any(value != int(value) for value in whole):
        raise ConfigError(f"{place}: {name} takes whole numbers; found the range from {text}.")


def _kinds(name: str) -> set[type]:
    """The plain types that a field takes."""
    found: set[type] = set()

    def walk(annotation: Any) -> None:
        if isinstance(annotation, type):
            found.add(annotation)
        for part in get_args(annotation):
            walk(part)

    walk(SECTIONS[FIELDS[name]].model_fields[name].annotation)
    return (found - {NoneType, bool}) if bool not in found else set()


def as_field(name: str, value: float) -> int | float:
    """The number as the field's own type."""
    return float(value) if float in _kinds(name) else int(value)


def inside(space: Mapping[str, Dimension], recipe: Recipe) -> dict[str, Any] | None:
    """The recipe's own values of the searched fields; None if one lies outside the space."""
    values = {name: getattr(getattr(recipe, FIELDS[name]), name) for name in space}
    for name, dimension in space.items():
        value = values[name]
        if isinstance(dimension, Range):
            if not isinstance(value, int | float) or not dimension.low <= value <= dimension.high:
                return None
            if dimension.step is not None and (value - dimension.low) % dimension.step:
                return None
        elif value not in dimension:
            return None
    return values
