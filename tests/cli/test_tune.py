"""``unrolled tune``: what it prints and leaves behind; wrong usage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import Command

pytestmark = pytest.mark.slow

TINY = ("--max-epochs", 1, "--hidden-size", 4, "--jobs", 1)


def test_it_prints_the_best_settings_and_the_command_that_trains_them(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("tune", "digits", "--trials", 2, *TINY)
    assert answer.code == 0
    assert "best of 2 trials" in answer.out
    assert "learning_rate" in answer.out
    assert "2/2  trial 1:" in answer.err
    command = next(line for line in answer.out.splitlines() if "unrolled train" in line).split("unrolled ")[1]
    assert unrolled(*command.split(), "--quiet").code == 0
    assert (fresh / "runs" / "digits-tuned" / "1" / "model").is_dir()


def test_json_is_all_that_is_printed(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("tune", "digits", "--trials", 1, *TINY, "--json")
    content = json.loads(answer.out)
    assert content["recipe"] == "runs/digits/tuning/best.toml"
    assert len(content["trials"]) == 1
    assert answer.err == ""


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("tune", "digts"), 1, "'digits'"),
        (("tune",), 2, "Missing argument"),
        (("tune", "digits", "--trials", 0), 2, "--trials"),
        (("tune", "digits", "--tirals", 3), 2, "--trials"),
        (("tune", "digits", "--storage", "what://ever"), 1, "--storage"),
    ],
)
def test_a_mistake_has_a_clear_answer(
    unrolled: Command, fresh: Path, words: tuple[object, ...], code: int, expected: str
) -> None:
    answer = unrolled(*words)
    assert answer.code == code
    assert expected in answer.err
