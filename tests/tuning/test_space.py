"""The search space: read from a recipe, checked before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from unrolled.config import Range, Recipe, named_recipes, read_recipe
from unrolled.errors import ConfigError, UnknownNameError
from unrolled.runs.run import recipe_for
from unrolled.tuning.space import DEFAULT_SPACE, inside, search_space, to_search

SPACE = """
[data]
source = "digits"

[tune]
cell = ["gru", "lstm"]
hidden_size = { low = 8, high = 32, log = true }
learning_rate = { low = 1e-3, high = 1e-1, log = true }
output_dropout = { low = 0.0, high = 0.4, step = 0.1 }
bidirectional = [true, false]
"""


def test_a_recipe_file_holds_a_space_and_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(SPACE)
    recipe = read_recipe(tmp_path / "own.toml")
    space = search_space(recipe)
    assert list(space) == ["cell", "hidden_size", "learning_rate", "output_dropout", "bidirectional"]
    assert space["cell"] == ("gru", "lstm")
    assert space["hidden_size"] == Range(low=8, high=32, log=True)
    (tmp_path / "copy.toml").write_text(recipe.to_toml())
    assert read_recipe(tmp_path / "copy.toml").tune == recipe.tune


def test_a_field_that_is_given_a_value_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(SPACE)
    assert "cell" not in search_space(read_recipe(tmp_path / "own.toml"), ["cell", "seed"])
    with pytest.raises(ConfigError, match="nothing is left"):
        search_space(recipe_for("digits"), list(DEFAULT_SPACE))


@pytest.mark.parametrize("recipe", named_recipes().values(), ids=lambda recipe: recipe.name)
def test_the_default_space_suits_every_recipe(recipe: Recipe) -> None:
    space = search_space(recipe)
    assert set(space) == set(DEFAULT_SPACE)
    if recipe.train.weight_decay:  # 0 is on no logarithmic scale
        assert inside(space, recipe) is not None


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("hiden_size = [8, 16]", UnknownNameError, "Did you mean 'hidden_size'"),
        ("seed = [1, 2]", UnknownNameError, "no field to tune 'seed'"),
        ("test_fraction = [0.1, 0.2]", UnknownNameError, "no field to tune"),
        ("learning_rate = { low = 0.1, high = 0.01 }", ConfigError, "the range from 0.1 to 0.01 is empty"),
        ("learning_rate = { low = 0.1, high = 0.1 }", ConfigError, "is empty"),
        ("learning_rate = { low = 0.0, high = 0.1, log = true }", ConfigError, "begins above 0"),
        ("learning_rate = { low = 0.01, high = 0.1, log = true, step = 0.01 }", ConfigError, "not both"),
        ("hidden_size = { low = 8.5, high = 16 }", ConfigError, "whole numbers"),
        ("hidden_size = { low = 0, high = 16 }", ConfigError, "hidden_size = 0"),
        ("cell = []", ConfigError, "the list is empty"),
        ('cell = ["gru", "lsm"]', ConfigError, "cell = 'lsm'"),
        ("cell = { low = 1, high = 2 }", ConfigError, "is not a number"),
        ("bidirectional = { low = 0, high = 1 }", ConfigError, "is not a number"),
        ("dropout = { low = 0.0 }", ConfigError, "high"),
        ("dropout = { low = 0.0, hihg = 0.5 }", ConfigError, "hihg"),
        ("dropout = { low = nan, high = 0.5 }", ConfigError, "finite"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(
    tmp_path: Path, line: str, error: type[ConfigError], words: str
) -> None:
    (tmp_path / "own.toml").write_text(f'[data]\nsource = "digits"\n[tune]\n{line}\n')
    with pytest.raises(error, match=words):
        search_space(read_recipe(tmp_path / "own.toml"))


def test_the_recipes_own_values_are_a_trial_where_they_are_in_the_space() -> None:
    recipe = recipe_for("digits")
    assert inside({"hidden_size": Range(low=16, high=128)}, recipe) == {"hidden_size": 64}
    assert inside({"hidden_size": Range(low=16, high=32)}, recipe) is None
    assert inside({"cell": ("gru",)}, recipe) is None
    assert inside({"hidden_size": Range(low=16, high=128, step=10)}, recipe) is None


def test_trials_are_trained_by_gradients_unless_a_method_is_asked_for() -> None:
    plain = Recipe(name="x")
    assert to_search(plain).train.method == "trained"
    assert to_search(plain, ["method"]) == plain
    fitted = plain.with_options({"method": "fitted"})
    assert to_search(fitted) == fitted
    searched = Recipe(name="x", tune={"method": ("auto", "trained")})
    assert to_search(searched) == searched


def test_what_does_not_matter_to_a_fitted_network_is_not_searched() -> None:
    fitted = Recipe(name="x").with_options({"method": "fitted"})
    assert set(search_space(fitted)) == {"cell", "hidden_size", "num_layers"}
    only = Recipe(name="x", tune={"learning_rate": Range(low=1e-3, high=1e-2)}).with_options({"method": "fitted"})
    with pytest.raises(ConfigError, match="method is fitted"):
        search_space(only)
