"""Recipes: every field once, wrong ones named, files and options agree."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.config import (
    FIELDS,
    LENGTHS,
    ModelConfig,
    Range,
    Recipe,
    TrainConfig,
    fields,
    find_recipe,
    named_recipes,
    parse_recipe,
    read_recipe,
)
from unrolled.errors import ConfigError, ReadError, UnknownNameError
from unrolled.estimator.classifier import SequenceClassifier
from unrolled.estimator.parameters import make_recipe
from unrolled.runs.run import recipe_for


def test_no_field_stands_in_two_sections() -> None:
    names = [name for _, name, _ in fields()]
    assert len(names) == len(set(names)) == len(FIELDS)


def test_every_field_is_described() -> None:
    assert all(info.description for _, _, info in fields())


@pytest.mark.parametrize("name", sorted(named_recipes()))
def test_a_recipe_printed_and_read_again_is_the_same(name: str, tmp_path: Path) -> None:
    recipe = named_recipes()[name]
    path = tmp_path / f"{name}.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8")
    again = read_recipe(path)
    assert again.model_dump(exclude={"aliases"}) == recipe.model_dump(exclude={"aliases"})


@pytest.mark.parametrize("name", sorted(named_recipes()))
def test_a_recipe_file_describes_its_network_by_what_it_says_alone(name: str) -> None:
    text = (resources.files("unrolled") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    recipe = named_recipes()[name]
    assert recipe.model == ModelConfig(**content.get("model", {}))
    assert recipe.train == TrainConfig(**content.get("train", {}))


def test_a_users_recipe_file_keeps_its_meaning(tmp_path: Path) -> None:
    for content in ("", '[data]\nsource = "x.csv"\n', "[model]\nhidden_size = 5\n", "[train]\nmax_epochs = 5\n"):
        path = tmp_path / "mine.toml"
        path.write_text(content, encoding="utf-8")
        recipe, said = read_recipe(path), tomllib.loads(content)
        assert recipe.model == ModelConfig(**said.get("model", {}))
        assert recipe.train == TrainConfig(**said.get("train", {}))


def test_sequences_without_a_recipe_have_one_default() -> None:
    default = named_recipes()["default"]
    classifier = make_recipe(SequenceClassifier().get_params(), default.train.seed)
    for found in (Recipe(name="own"), recipe_for("own.csv"), recipe_for("digits.csv"), classifier):
        assert (found.model, found.augment, found.train) == (default.model, default.augment, default.train)
    assert Recipe(name="own").with_options({"hidden_size": 5}).model.pooling == default.model.pooling


def accepted(name: str, value: object) -> bool:
    try:
        Recipe(name="a").with_options({name: value})
    except ConfigError:
        return False
    return True


def literals(annotation: object) -> Iterator[object]:
    """The values of every `Literal` in an annotation."""
    for part in get_args(annotation):
        yield from literals(part) if get_args(part) else [part]


ODD = [
    False,
    True,
    0,
    1,
    7,
    0.0,
    1e-8,
    1 / 3,
    0.5,
    1e22,
    (),
    (0.1, 2.0),
    ("a", 'b"]', "c, ]"),
    "",
    'x" # = \\ \n\r\x00\x7f\u2028',
]
VALUES = {
    name: st.sampled_from([v for v in [*ODD, *literals(info.annotation)] if accepted(name, v)])
    for _, name, info in fields()
}
"""Some of what each field takes, the odd ones among them."""

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DIMENSIONS = st.one_of(
    st.builds(
        Range,
        low=NUMBERS,
        high=NUMBERS,
        log=st.booleans(),
        step=st.none() | st.floats(0, exclude_min=True, allow_infinity=False),
    ),
    st.lists(st.text() | st.booleans() | st.integers(-(2**60), 2**60) | NUMBERS).map(tuple),
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """A recipe with settings of any kind for some of its fields."""
    names = draw(st.lists(st.sampled_from(sorted(set(FIELDS) - set(LENGTHS[1:]))), unique=True))
    options = {name: draw(VALUES[name]) for name in names}
    if options.get("folds") is not None:  # the folds are the test
        options = {name: value for name, value in options.items() if name not in ("test", "test_fraction", "split")}
    else:
        options.pop("repeats", None)
    tune = draw(st.dictionaries(st.sampled_from(sorted(FIELDS)), DIMENSIONS, max_size=3))
    plain = Recipe(name=draw(st.text()), description=draw(st.text()), tune=tune)
    return plain.with_options(options)


@given(recipes())
def test_any_recipe_printed_and_read_again_is_the_same(recipe: Recipe) -> None:
    content = tomllib.loads(recipe.to_toml())
    assert parse_recipe(content, "printed").model_dump() == recipe.model_dump()


@given(recipes())
def test_a_printed_recipe_explains_each_field_on_its_line(recipe: Recipe) -> None:
    lines = recipe.to_toml().split("\n")
    for _, name, info in fields():
        line = next(line for line in lines if line.removeprefix("# ").startswith(f"{name} ="))
        assert line.endswith(f" # {info.description}")


def test_a_value_that_toml_cannot_hold_is_left_out_of_a_list() -> None:
    recipe = Recipe(name="a", tune={"memory_steps": (None, 100)})
    assert tomllib.loads(recipe.to_toml())["tune"] == {"memory_steps": [100]}


@pytest.mark.parametrize("letter", "abcde")
def test_each_tutorial_has_its_letter(letter: str) -> None:
    recipe = find_recipe(f"tutorial-{letter}")
    assert recipe is not None
    assert recipe.name != f"tutorial-{letter}"
    assert recipe.train.optimizer == "adam"
    assert recipe.train.schedule == "constant"
    assert recipe.train.clip_norm == recipe.train.weight_decay == 0
    assert recipe.model.initializer == "glorot-joint"
    assert recipe.model.forget_bias == 1


def test_options_replace_fields_and_nothing_else() -> None:
    recipe = Recipe(name="a").with_options({"hidden_size": 3, "batch_size": 7})
    assert (recipe.model.hidden_size, recipe.train.batch_size) == (3, 7)
    assert recipe.model.cell == Recipe(name="a").model.cell


def test_a_new_length_replaces_the_old_whatever_its_unit() -> None:
    recipe = Recipe(name="a").with_options({"max_steps": 5})
    assert (recipe.train.max_steps, recipe.train.max_epochs) == (5, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hiden_size": 3}, "Did you mean 'hidden_size'"),
        ({"hidden_size": 0}, "at least 1"),
        ({"cell": "lsm"}, "did you mean 'lstm'"),
        ({"class_weight": ("foo",)}, "'foo'.* 'balanced', or .*number"),
        ({"max_steps": 5, "max_epochs": 2}, "one of max_epochs, max_steps, max_sequences"),
        ({"dropout": 1.0}, "less than 1"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"length": 25}, "at most 24"),
    ],
)
def test_a_wrong_option_is_named_with_what_it_takes(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Recipe(name="a").with_options(options)


def test_a_misspelt_field_or_section_of_a_file_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[train]\nmax_epochs = 2\nlearning_rat = 0.1\n")
    with pytest.raises(ConfigError, match=r"a\.toml.*'learning_rat'.*'learning_rate'"):
        read_recipe(path)
    path.write_text("[trian]\nmax_epochs = 2\n")
    with pytest.raises(ConfigError, match=r"'trian'.*'train'"):
        read_recipe(path)
    path.write_text("train = 3\n")
    with pytest.raises(ConfigError, match=r"train = 3"):
        read_recipe(path)


def test_a_file_that_is_not_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("name = \n")
    with pytest.raises(ReadError, match="line 1"):
        read_recipe(path)
    with pytest.raises(ReadError, match="no such file"):
        read_recipe(tmp_path / "b.toml")


def test_sections_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Recipe(name="a").train.batch_size = 3  # type: ignore[misc]


def test_unknown_names_offer_the_nearest_or_all() -> None:
    assert UnknownNameError("recipe", "mnst", ["mnist", "digits"]).nearest == "mnist"
    assert "Known: digits, mnist" in str(UnknownNameError("recipe", "xyz", ["mnist", "digits"]))
