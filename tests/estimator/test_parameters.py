"""The constructor is written out, and says what the configuration says."""

from __future__ import annotations

import doctest
import inspect
import re
import runpy
from pathlib import Path

import pytest
from sklearn.base import clone

from unrolled import SequenceClassifier
from unrolled.config import default_recipe, fields, named_recipes
from unrolled.estimator import classifier

SIGNATURE = inspect.signature(SequenceClassifier.__init__)
OWN = ["class_weight", "random_state", "warm_start", "verbose"]
WITHOUT_MEANING = {
    "seed", "shuffle", "headline_sequences", "checkpoint_every_steps", "checkpoint_every_seconds", "log_every",
    "print_style", "report", "tensorboard", "trackers", "watch",
}  # fmt: skip
"""Fields of the sections model, augment and train that a classifier in memory has no use for."""


def test_the_file_is_what_the_script_writes() -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "write_estimator.py"))
    assert Path(classifier.__file__).read_text(encoding="utf-8") == script["render"]()


def test_parameters_are_the_fields_of_the_configuration_in_their_order_with_their_defaults() -> None:
    taken = {"data": {"tokens", "window", "stride", "max_length", "keep_steps"}}
    expected = [
        (section, name)
        for section, name, _ in fields()
        if name in taken.get(section, {name}) and name not in WITHOUT_MEANING | set(OWN)
    ]
    names = [name for name in SIGNATURE.parameters if name != "self"]
    assert names == [name for _, name in expected] + OWN
    recipe = default_recipe("any")
    found = SequenceClassifier().get_params()
    for section, name in expected:
        assert found[name] == getattr(getattr(recipe, section), name) == SIGNATURE.parameters[name].default


def test_each_parameter_has_a_type_and_is_described() -> None:
    for name, parameter in list(SIGNATURE.parameters.items())[1:]:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.annotation is not inspect.Parameter.empty, name
    described = re.findall(r"^    (\w+) : .*, default=", str(SequenceClassifier.__doc__), re.MULTILINE)
    assert described == list(SIGNATURE.parameters)[1:]


def test_what_did_nothing_is_refused() -> None:
    for name in ("report", "tensorboard", "watch", "source", "examples"):
        with pytest.raises(TypeError, match=name):
            SequenceClassifier(**{name: None})


def test_parameters_are_set_and_cloned() -> None:
    made = SequenceClassifier(cell="gru").set_params(hidden_size=3, class_weight={"a": 2.0})
    assert clone(made).get_params() == made.get_params()
    assert (made.cell, made.hidden_size) == ("gru", 3)


def test_the_example_of_the_docstring_works() -> None:
    failed, tried = doctest.testmod(classifier)
    assert (failed, tried) == (0, 7)


def test_recipes_are_read_once() -> None:
    assert named_recipes() is named_recipes()
    with pytest.raises(TypeError):
        named_recipes()["default"] = default_recipe("other")  # type: ignore[index]
