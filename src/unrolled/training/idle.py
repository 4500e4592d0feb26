"""Options that cannot have an effect: whoever gives one expects something that does not happen."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from unrolled.config import FIELDS, SECTIONS, Recipe
from unrolled.errors import ConfigError, option
from unrolled.parts import CELLS, load

Rule = Callable[[Recipe, bool], str | None]
"""The reason why a field has no effect on a recipe, for text or for numbers; None if it has one."""


def refuse_idle(recipes: Sequence[Recipe], given: Collection[str], *, text: bool) -> None:
    """Refuses options that have no effect on any of some recipes.

    Args:
        recipes: with the options.
        given: the names of the options. A value that is the field's default asks for nothing, and passes.
        text: whether the sequences are text.
    Raises:
        ConfigError: naming the first such option, and why.
    """
    for name in given:
        reasons = [why_idle(recipe, name, text=text) for recipe in recipes]
        if all(reasons):
            raise ConfigError(f"{option(name)} has no effect: {reasons[0]}. Leave it out.")


def why_idle(recipe: Recipe, name: str, *, text: bool) -> str | None:
    """The reason why a field's value has no effect on a recipe; None if it has one, or is the default."""
    if name not in _RULES:
        return None
    section = FIELDS[name]
    default = SECTIONS[section].model_fields[name].default
    return None if getattr(getattr(recipe, section), name) == default else _RULES[name](recipe, text)


def _without_gates(gates: str) -> Rule:
    def rule(recipe: Recipe, _text: bool) -> str | None:
        own = load(CELLS)[recipe.model.cell].gates
        return None if set(gates) & set(own) else f"the cell {recipe.model.cell} has no such gate"

    return rule


def _forget_bias(recipe: Recipe, text: bool) -> str | None:
    return "memory_steps replaces it" if recipe.model.memory_steps else _without_gates("f")(recipe, text)


def _of_text(_recipe: Recipe, text: bool) -> str | None:
    return None if text else "it concerns text, and these sequences are numbers"


def _of_numbers(_recipe: Recipe, text: bool) -> str | None:
    return "it concerns numbers, and these sequences are text" if text else None


def _unless(applies: Callable[[Recipe], bool], reason: str) -> Rule:
    """The rule that a field has no effect unless something applies; ``{name}`` in the reason is an option."""
    return lambda recipe, _text: None if applies(recipe) else re.sub(r"{(\w+)}", lambda found: option(found[1]), reason)


def _optimizer(*names: str) -> Rule:
    return _unless(lambda recipe: recipe.train.optimizer in names, f"it concerns the optimizer {' and '.join(names)}")


_RULES: dict[str, Rule] = {
    "keep_steps": _unless(lambda recipe: recipe.data.max_length is not None, "no sequence is cut without {max_length}"),
    **{
        name: _unless(lambda recipe: recipe.data.window is not None, "nothing is cut into windows without {window}")
        for name in ("stride", "window_label", "gap", "time_unit")
    },
    "max_length": _unless(lambda recipe: recipe.data.window is None, "a window is all that is read of a recording"),
    "split_seed": _unless(lambda recipe: recipe.data.split == "stratified", "the split by time or order has no seed"),
    "test_fraction": _unless(lambda recipe: recipe.data.test is None, "the test sequences are those of {test}"),
    "memory_steps": _without_gates("fiz"),
    "forget_bias": _forget_bias,
    "embedding_size": _of_text,
    "normalisation": _of_numbers,
    "missing": _of_numbers,
    "dropout": _unless(
        lambda recipe: recipe.model.num_layers > 1,
        "it is between layers, and there is one; {output_dropout} and {recurrent_dropout} are elsewhere",
    ),
    "momentum": _optimizer("sgd", "rmsprop"),
    "beta1": _optimizer("adam", "adamw"),
    "beta2": _optimizer("adam", "adamw"),
    "epsilon": _optimizer("adam", "adamw", "rmsprop"),
    "warmup_fraction": _unless(lambda recipe: recipe.train.schedule != "constant", "the schedule is constant"),
    "watch": _unless(lambda recipe: recipe.train.print_style != "progress", "only the output of a tutorial prints it"),
}
