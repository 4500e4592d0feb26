"""An option that cannot have an effect is refused; one that has an effect, or asks for nothing, is taken."""

from __future__ import annotations

from typing import Any

import pytest

from commands import call
from unrolled.comparison.settings import compare_settings
from unrolled.config import Recipe
from unrolled.errors import ConfigError
from unrolled.training.idle import refuse_idle


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"memory_steps": 20, "cell": "rnn"}, "the cell rnn has no such gate"),
        ({"forget_bias": 2.0, "cell": "gru"}, "the cell gru has no such gate"),
        ({"forget_bias": 2.0, "memory_steps": 20}, "memory_steps replaces it"),
        ({"embedding_size": 8}, "it concerns text"),
        ({"dropout": 0.5}, "there is one"),
        ({"momentum": 0.5}, "sgd and rmsprop"),
        ({"beta1": 0.5, "optimizer": "sgd"}, "adam and adamw"),
        ({"warmup_fraction": 0.5, "schedule": "constant"}, "the schedule is constant"),
        ({"keep_steps": "last"}, "max_length"),
        ({"split_seed": 3, "split": "order"}, "has no seed"),
        ({"test_fraction": 0.5, "test": "t.csv"}, "those of test"),
        ({"watch": "1,2"}, "output of a tutorial"),
    ],
)
def test_an_option_without_effect_is_refused_with_the_reason(given: dict[str, Any], reason: str) -> None:
    recipe = Recipe(name="x").with_options(given)
    with pytest.raises(ConfigError, match=f"has no effect: .*{reason}"):
        refuse_idle([recipe], given, text=False)
    refuse_idle([recipe], {}, text=False)  # a recipe may hold it: nobody asked for it here


@pytest.mark.parametrize(
    "given",
    [{"memory_steps": 20, "cell": "gru"}, {"dropout": 0.5, "num_layers": 2}, {"dropout": 0.0}, {"keep_steps": "first"}],
)
def test_an_option_with_an_effect_or_at_its_default_is_taken(given: dict[str, Any]) -> None:
    refuse_idle([Recipe(name="x").with_options(given)], given, text=False)


def test_options_for_numbers_are_none_for_text() -> None:
    with pytest.raises(ConfigError, match="these sequences are text"):
        refuse_idle([Recipe(name="x").with_options({"normalisation": "sequence"})], ["normalisation"], text=True)
    refuse_idle([Recipe(name="x").with_options({"embedding_size": 8})], ["embedding_size"], text=True)


def test_commands_say_so_in_one_line_before_anything_is_written() -> None:
    answer = call("train", "digits", "--cell", "rnn", "--memory-steps", 20)
    assert answer.code == 1
    assert "--memory-steps has no effect: the cell rnn has no such gate" in answer.one_line()
    assert "watch has no effect" in call("train", "digits", "--watch", "1,2").one_line()


def test_in_a_grid_an_option_needs_an_effect_on_one_setting_only() -> None:
    grid = {"cell": ["rnn"], "hidden_size": [2, 3]}
    with pytest.raises(ConfigError, match="memory_steps has no effect"):
        compare_settings("digits", grid, memory_steps=20)
    refuse_idle(
        [Recipe(name="x").with_options({"cell": c, "memory_steps": 9}) for c in ("rnn", "gru")],
        ["memory_steps"],
        text=False,
    )
