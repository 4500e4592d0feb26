"""Former names of options and fields work for one more release, and a line says the present name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Command
from unrolled.config import FIELDS, Recipe, read_recipe
from unrolled.errors import SYNONYMS, ConfigError, RenamedWarning
from unrolled.runs import Run, recipe_for
from unrolled.version import VERSION


@pytest.mark.filterwarnings("default::unrolled.errors.RenamedWarning")  # which the command line prints
@pytest.mark.parametrize(("former", "present"), [("--case=3", "--number=3"), ("--case 3", "--number 3")])
def test_a_former_option_does_the_same_and_says_the_new_name(
    unrolled: Command, digits_run: Run, former: str, present: str
) -> None:
    words = ("predict", digits_run.folder.path, "digits")
    answer, expected = unrolled(*words, *former.split()), unrolled(*words, *present.split())
    assert (answer.code, answer.out) == (0, expected.out)
    assert answer.one_line().startswith("warning: --case is now called --number")
    assert expected.err == ""


def test_a_former_field_is_read_from_a_recipe_file_and_from_keywords(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("[train]\nheadline_cases = 16\n", encoding="utf-8")
    with pytest.warns(RenamedWarning, match="headline_sequences"):
        from_file = read_recipe(tmp_path / "old.toml")
    with pytest.warns(RenamedWarning, match="headline_sequences"):
        from_keywords = Recipe(name="old").with_options({"headline_cases": 16})
    assert from_file.train.headline_sequences == from_keywords.train.headline_sequences == 16


@pytest.mark.parametrize("words", ["--lr 0.1", "--learning_rate=0.1", "--learning-rate 0.1", "--LEARNING_RATE=0.1"])
def test_an_option_is_known_by_other_names(unrolled: Command, fresh: Path, words: str) -> None:
    short = ("--epochs", 1, "--units", 4, "--layers", 2, "--cell", "GRU", "--optimizer", "AdamW", "--no-report")
    answer = unrolled("train", "Digits", *short, *words.split(), "--quiet")
    assert (answer.code, answer.err) == (0, "")
    recipe = json.loads((fresh / "runs/digits/1/config.json").read_text())["recipe"]
    assert (recipe["train"]["learning_rate"], recipe["train"]["max_epochs"]) == (0.1, 1)
    assert (recipe["model"]["cell"], recipe["model"]["hidden_size"], recipe["model"]["num_layers"]) == ("gru", 4, 2)


def test_another_name_of_a_field_is_read_from_a_recipe_file_and_from_keywords(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[train]\nlr = 0.1\n[model]\ncell = 'LSTM_Peephole'\n", encoding="utf-8")
    found = read_recipe(tmp_path / "own.toml")
    assert (found.train.learning_rate, found.model.cell) == (0.1, "lstm-peephole")
    assert Recipe(name="own").with_options({"lr": 0.1}).train.learning_rate == 0.1


def test_no_other_name_is_that_of_a_field() -> None:
    assert not SYNONYMS.keys() & FIELDS.keys()
    assert set(SYNONYMS.values()) <= FIELDS.keys()


@pytest.mark.parametrize("name", ["tutorial-A", "Tutorial_a", "TUTORIAL-MNIST-799-STEPS"])
def test_a_recipe_is_known_in_capitals(name: str) -> None:
    assert recipe_for(name).name == "tutorial-mnist-799-steps"


def test_a_folder_of_a_recipes_name_in_capitals_is_the_data(fresh: Path) -> None:
    (fresh / "Digits").mkdir()
    assert recipe_for("Digits").data.source == "Digits"


def test_the_format_of_the_data_has_one_name_in_every_verb(unrolled: Command) -> None:
    for verb in ("train", "evaluate", "predict", "compare", "tune", "export", "inspect"):
        assert "--data-format" in unrolled(verb, "--help").out


@pytest.mark.filterwarnings("default::unrolled.errors.RenamedWarning")
def test_the_former_format_of_predictions_still_works(unrolled: Command, digits_run: Run) -> None:
    words = ("predict", digits_run.folder.path, "digits", "--number", 3)
    answer, expected = unrolled(*words, "--format", "jsonl"), unrolled(*words, "--output-format", "JSONL")
    assert answer.out == expected.out
    assert "--output-format" in answer.one_line()
    assert expected.err == ""


@pytest.mark.filterwarnings("default::unrolled.errors.RenamedWarning")
@pytest.mark.parametrize(
    ("words", "former", "present"),
    [
        ("train digits --output accuracy-and-louder", "--output", "--print-style"),
        ("compare digits --folder there", "--folder", "--output"),
        ("tune digits --timeout soon", "--timeout", "--time-limit"),
        ("export nowhere --streaming", "--streaming", "--stream"),
        ("serve nowhere --inference-threads 0", "--inference-threads", "--threads"),
    ],
)
def test_a_former_option_of_each_verb_says_the_new_name(
    unrolled: Command, fresh: Path, words: str, former: str, present: str
) -> None:
    warning, *error = unrolled(*words.split()).err.splitlines()
    assert warning.startswith(f"warning: {former} is now called {present}; ")
    assert error[0].startswith("error: "), "the value reached the option"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--folds 1", "--folds 1: expected at least 2"),
        ("--batch 0", "--batch 0: expected at least 1"),
        ("--lr=-1 --layers 0", "--layers 0: expected at least 1; --lr -1.0: expected more than 0"),
        ("--time-limit soon", "--time-limit soon: expected a time"),
        ("--repeats 2", "--repeats is for a cross-validation; give --folds too"),
        ("--folds 2 --split order", "so --split would have no effect"),
        ("--device cudo", "--device cudo: expected auto, cpu"),
        ("--epochs 2 --max-steps 3", "found --epochs and --max-steps"),
        ("--class-weight 1,2", "--class-weight 1.0,2.0: expected 10 numbers"),
        ("--data-format tsv", "--data-format does not apply"),
    ],
)
def test_an_error_names_the_option_as_it_was_typed(unrolled: Command, fresh: Path, words: str, named: str) -> None:
    assert named in unrolled("train", "digits", *words.split()).one_line()


def test_an_error_names_a_keyword_and_a_field_of_a_file_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^batch_size = 0: expected at least 1$"):
        Recipe(name="own").with_options({"batch_size": 0})
    (tmp_path / "own.toml").write_text("[train]\nbatch_size = 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"own.toml: train.batch_size = 0: expected at least 1$"):
        read_recipe(tmp_path / "own.toml")


@pytest.mark.slow
def test_the_package_itself_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "unrolled", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"unrolled {VERSION}\n"
