"""The recipe that a word of the command line names."""

from __future__ import annotations

from pathlib import Path

from unrolled.config import Recipe, default_recipe, find_recipe, named_recipes, read_recipe
from unrolled.data.files import STANDARD_INPUT
from unrolled.data.formats import is_pattern
from unrolled.data.sources import SOURCES
from unrolled.errors import UnknownNameError


def recipe_for(name: str) -> Recipe:
    """Finds the recipe for the name of a recipe, a recipe file, the name of a data set, or a file of sequences.

    Args:
        name: the word; a file's name has an ending, or a folder before it.
    Raises:
        UnknownNameError: with the nearest name.

    Example:
        >>> unrolled.recipe_for("digits").data.source
        'digits'
        >>> unrolled.recipe_for("recordings/gestures.csv").name  # a file: the default recipe under the file's name
        'gestures'
    """
    path, recipe = Path(name), find_recipe(name)
    if recipe is not None and not (path.exists() and name not in (recipe.name, *recipe.aliases)):
        return recipe
    if path.suffix == ".toml":
        return read_recipe(path)
    if name in SOURCES:
        return default_recipe(name).with_options({"source": name})
    if path.exists() or len(path.parts) > 1 or path.suffix or path == STANDARD_INPUT:
        named = path.parent if is_pattern(path) else path
        return default_recipe(named.resolve().name.split(".")[0].strip("-*") or "data").with_options({"source": name})
    aliases = {alias for recipe in named_recipes().values() for alias in recipe.aliases}
    known = {*named_recipes(), *aliases, *SOURCES}
    raise UnknownNameError("recipe, data set or file", name, known, "`unrolled recipes` lists the recipes.")
