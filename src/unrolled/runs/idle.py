"""Options that cannot have an effect: whoever gives one expects something that does not happen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from unrolled.config import FIELDS, SECTIONS, Recipe
from unrolled.data import Sequences
from unrolled.errors import ConfigError
from unrolled.parts import CELLS, load

Rule = Callable[[Recipe, Sequences], str | None]
"""The reason why a field has no effect on a recipe with these training sequences; None if it has one."""


def refuse_idle(recipes: Sequence[Recipe], given: Collection[str], train: Sequences) -> None:
    """Refuses options that have no effect on any of some recipes.

    Args:
        recipes: with the options.
        given: the names of the options. A value that is the field's default asks for nothing, and passes.
        train: the training sequences.
    Raises:
        ConfigError: naming the first such option, and why.
    """
    for name in given:
        reasons = [_reason(recipe, name, train) for recipe in recipes]
        if name in _RULES and all(reasons):
            raise ConfigError(f"--{name.replace('_', '-')} has no effect: {reasons[0]}. Leave it out.")


def _reason(recipe: Recipe, name: str, train: Sequences) -> str | None:
    section = FIELDS.get(name)
    if section is None or name not in _RULES:
        return None
    default = SECTIONS[section].model_fields[name].default
    return None if getattr(getattr(recipe, section), name) == default else _RULES[name](recipe, train)


def _without_gates(gates: str) -> Rule:
    def rule(recipe: Recipe, _: Sequences) -> str | None:
        own = load(CELLS)[recipe.model.cell].gates
        return None if set(gates) & set(own) else f"the cell {recipe.model.cell} has no such gate"

    return rule


def _forget_bias(recipe: Recipe, train: Sequences) -> str | None:
    return "memory_steps replaces it" if recipe.model.memory_steps else _without_gates("f")(recipe, train)


def _of_numbers(recipe: Recipe, train: Sequences) -> str | None:
    del recipe
    return "it concerns text, and these sequences are numbers" if train.symbols is None else None


def _of_text(recipe: Recipe, train: Sequences) -> str | None:
    del recipe
    return "it concerns numbers, and these sequences are text" if train.symbols is not None else None


def _unless(applies: Callable[[Recipe], bool], reason: str) -> Rule:
    return lambda recipe, _: None if applies(recipe) else reason


def _optimizer(*names: str) -> Rule:
    return _unless(lambda recipe: recipe.train.optimizer in names, f"it concerns the optimizer {' and '.join(names)}")


_RULES: dict[str, Rule] = {
    "keep_steps": _unless(lambda recipe: recipe.data.max_length is not None, "no sequence is cut without --max-length"),
    "split_seed": _unless(lambda recipe: recipe.data.split == "stratified", "the split by time or order has no seed"),
    "test_fraction": _unless(lambda recipe: recipe.data.test is None, "the test sequences are those of --test"),
    "memory_steps": _without_gates("fiz"),
    "forget_bias": _forget_bias,
    "embedding_size": _of_numbers,
    "normalisation": _of_text,
    "missing": _of_text,
    "dropout": _unless(
        lambda recipe: recipe.model.num_layers > 1,
        "it is between layers, and there is one; --output-dropout and --recurrent-dropout are elsewhere",
    ),
    "momentum": _optimizer("sgd", "rmsprop"),
    "beta1": _optimizer("adam", "adamw"),
    "beta2": _optimizer("adam", "adamw"),
    "epsilon": _optimizer("adam", "adamw", "rmsprop"),
    "warmup_fraction": _unless(lambda recipe: recipe.train.schedule != "constant", "the schedule is constant"),
    "watch": _unless(lambda recipe: recipe.train.output != "progress", "only the output of a tutorial prints it"),
}
