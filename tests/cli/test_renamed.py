"""Former names of options and fields work for one more release, and a line says the present name."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import Command
from unrolled.config import Recipe, read_recipe
from unrolled.errors import RenamedWarning
from unrolled.runs import Run


@pytest.mark.filterwarnings("default::unrolled.errors.RenamedWarning")  # which the command line prints
@pytest.mark.parametrize(("former", "present"), [("--case=3", "--number=3"), ("--case 3", "--number 3")])
def test_a_former_option_does_the_same_and_says_the_new_name(
    unrolled: Command, digits_run: Run, former: str, present: str
) -> None:
    words = ("predict", digits_run.folder.path, "digits")
    answer, expected = unrolled(*words, *former.split()), unrolled(*words, *present.split())
    assert (answer.code, answer.out) == (0, expected.out)
    assert answer.one_line().startswith("warning: case is now called number")
    assert expected.err == ""


def test_a_former_field_is_read_from_a_recipe_file_and_from_keywords(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("[train]\nheadline_cases = 16\n", encoding="utf-8")
    with pytest.warns(RenamedWarning, match="headline_sequences"):
        from_file = read_recipe(tmp_path / "old.toml")
    with pytest.warns(RenamedWarning, match="headline_sequences"):
        from_keywords = Recipe(name="old").with_options({"headline_cases": 16})
    assert from_file.train.headline_sequences == from_keywords.train.headline_sequences == 16
