"""``unrolled train``: what it prints, what it leaves behind, what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from commands import Command
from unrolled.config import fields

TINY = ("--max-epochs", 2, "--hidden-size", 8, "--no-report")
TS = "@problemName p\n@classLabel true a b\n@data\n"


def write_ts(path: Path, cases: list[str]) -> Path:
    path.write_text(TS + "\n".join(cases) + "\n")
    return path


def series(path: Path, count: int = 20) -> Path:
    """Rising sequences are a, falling ones b."""
    rng = np.random.default_rng(0)
    cases = []
    for index in range(count):
        steps = np.linspace(0, 1, int(rng.integers(3, 9))) + index / 1000
        cases.append(",".join(f"{v:.3f}" for v in (steps if index % 2 else -steps)) + f":{'ab'[index % 2]}")
    return write_ts(path, cases)


def test_it_ends_with_the_accuracy_its_interval_and_the_next_commands(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("train", "digits", *TINY)
    assert answer.code == 0
    assert "95 % interval (Wilson)" in answer.out
    assert "logistic regression" in answer.out
    assert "always '1'" in answer.out
    run = Path("runs/digits/1")
    for verb in (f"predict {run} digits", f"evaluate {run} digits", f"train --resume {run}"):
        assert f"unrolled {verb}" in answer.out
    names = {path.name for path in (fresh / run).iterdir()}
    assert {"config.json", "metrics.jsonl", "checkpoints", "model", "evaluation.json", "curves.png"} <= names


@pytest.mark.slow
def test_the_printed_commands_work(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("train", "digits", *TINY)
    commands = [line.split("unrolled ")[1].split() for line in answer.out.splitlines() if " unrolled " in line]
    assert len(commands) == 3
    for words in commands:
        assert unrolled(*words).code == 0


def test_every_field_of_the_config_is_an_option(unrolled: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = unrolled("train", "--help").out
    assert not re.search(r"--\S*…", text)  # nothing is cut short
    for _, name, _ in fields():
        if name != "source":
            assert re.search(rf"--{name.replace('_', '-')}\b", text)


def test_the_list_of_verbs_is_not_cut_short(unrolled: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert "..." not in unrolled("--help").out.replace("[ARGS]...", "")


def test_options_reach_the_run(unrolled: Command, fresh: Path) -> None:
    unrolled("train", "digits", *TINY, "--cell", "gru", "--bidirectional", "--class-weight", "balanced", "--quiet")
    recipe = json.loads((fresh / "runs/digits/1/config.json").read_text())["recipe"]
    assert recipe["model"]["cell"] == "gru"
    assert recipe["model"]["bidirectional"] is True
    assert recipe["train"]["class_weight"] == "balanced"
    assert recipe["train"]["report"] is False


def test_a_switch_that_is_on_in_a_recipe_can_be_turned_off(unrolled: Command, fresh: Path) -> None:
    unrolled("train", series(fresh / "own.ts"), *TINY, "--no-bidirectional", "--quiet")
    assert json.loads((fresh / "runs/own/1/config.json").read_text())["recipe"]["model"]["bidirectional"] is False


def test_a_tutorial_prints_its_own_lines_and_no_others(unrolled: Command, fresh: Path) -> None:
    words = ("--length", 6, "--train-size", 40, "--batch-size", 20, "--watch", "010011", "--max-epochs", 12)
    answer = unrolled("train", "tutorial-d", *words, "--no-report")
    assert [line for line in answer.out.splitlines() if line.startswith("Epoch ")] == [
        f"Epoch {number}" for number in range(1, 13)
    ]
    assert answer.err == ""


def test_json_is_all_that_is_printed(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("train", "digits", *TINY, "--json")
    content = json.loads(answer.out)
    assert content["evaluation"]["accuracy"]["cases"] == 359
    assert content["run"] == "runs/digits/1"


def test_quiet_prints_nothing(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("train", "digits", *TINY, "--quiet")
    assert (answer.code, answer.out, answer.err) == (0, "", "")


def test_a_file_of_sequences_can_be_trained_on(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("train", series(fresh / "slopes.ts", 60), "--max-epochs", 30, "--hidden-size", 8)
    assert answer.code == 0
    assert "12 sequences" in answer.out
    assert (fresh / "runs/slopes/1/model/model.json").exists()


def test_an_explicit_test_file_is_what_is_tested_on(unrolled: Command, fresh: Path) -> None:
    rows = series(fresh / "all.ts", 54).read_text().splitlines()[-54:]
    test, own = write_ts(fresh / "test.ts", rows[:14]), write_ts(fresh / "train.ts", rows[14:])
    answer = unrolled("train", own, "--test", test, *TINY, "--json")
    assert json.loads(answer.out)["evaluation"]["cases"] == 14


def test_a_recipe_can_be_printed_edited_and_trained(unrolled: Command, fresh: Path) -> None:
    text = unrolled("recipes", "show", "digits").out
    (fresh / "mine.toml").write_text(text.replace('name = "digits"', 'name = "mine"'))
    assert unrolled("train", "mine.toml", *TINY).code == 0
    assert (fresh / "runs/mine/1").is_dir()


@pytest.mark.slow
def test_runs_are_numbered_and_named(unrolled: Command, fresh: Path) -> None:
    for _ in range(2):
        unrolled("train", "digits", *TINY, "--quiet")
    unrolled("train", "digits", *TINY, "--quiet", "--name", "third")
    assert {path.name for path in (fresh / "runs/digits").iterdir()} == {"1", "2", "third"}
    answer = unrolled("train", "digits", *TINY, "--name", "third")
    assert answer.code == 1
    assert "choose another --name" in answer.one_line()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("train", "digts"), "'digits'"),
        (("train", "nothing.ts"), "there is no such file"),
        (("train", "nothing.toml"), "there is no such file"),
        (("train", "digits", "--length", 8), "the option --length does not apply to digits"),
        (("train", "count-ones", "--length", 4, "--train-size", 16), "at most 15"),
        (("train", "digits", "--cell", "lsm"), "'lstm'"),
        (("train", "digits", "--patience", 3, "--validation-fraction", 0), "patience needs validation data"),
        (("train", "digits", "--device", "cuda:99"), "PyTorch sees"),
        (("train", "digits", "--device", "tpu"), "expected auto, cpu, cuda"),
        (("train", "digits", "--precision", "bfloat16", "--device", "cpu"), "needs a GPU"),
        (("train", "digits", "--max-steps", 1, "--max-epochs", 1), "give one of --max-epochs"),
        (("train", "--resume", "nowhere"), "there is no such folder"),
        (("train", "digits", "--class-weight", "1,2"), "expected 10 numbers"),
        (("train", "count-ones", "--rotation", 5), "apply to pictures only"),
        (("recipes", "show", "mnist"), "Did you mean 'mnist-rows"),
    ],
)
def test_a_mistake_is_one_line_that_helps_and_code_1(
    unrolled: Command, fresh: Path, words: tuple[object, ...], expected: str
) -> None:
    answer = unrolled(*words)
    assert answer.code == 1
    assert expected in answer.one_line()
    assert not (fresh / "runs").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("train",), "give either WHAT"),
        (("train", "digits", "--resume", "x"), "give either WHAT"),
        (("train", "--resume", "x", "--seed", "3"), "leave out --seed"),
        (("train", "digits", "--hiden-size", "3"), "--hidden-size"),
        (("train", "digits", "--hidden-size", "many"), "valid integer"),
        (("trian",), "'train'"),
    ],
)
def test_wrong_usage_has_code_2(unrolled: Command, fresh: Path, words: tuple[str, ...], expected: str) -> None:
    answer = unrolled(*words)
    assert answer.code == 2
    assert expected in answer.err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (["1,2:a", "3,4:a", "5,6:a"], "at least two classes"),
        (["1,2:a", "?,3:a", "5,6:b", "7,8:b"], "1 missing or infinite values, the first in sequence 1, step 0"),
        (["1,2:a", "3,4:c"], "line 5"),
        (["1,2:a", "3,x:b"], "line 5, column 3"),
        ([], "no"),
    ],
)
def test_unusable_sequences_are_refused_and_nothing_is_left_behind(
    unrolled: Command, fresh: Path, content: list[str], expected: str
) -> None:
    answer = unrolled("train", write_ts(fresh / "bad.ts", content), "--validation-fraction", 0, "--test-fraction", 0)
    assert answer.code == 1
    assert expected in answer.one_line()
    assert not (fresh / "runs").exists()


def test_a_class_with_one_sequence_cannot_be_split_and_is_named(unrolled: Command, fresh: Path) -> None:
    answer = unrolled("train", write_ts(fresh / "bad.ts", ["1,2:a", "3,4:a", "5,6:b"]))
    assert answer.code == 1
    assert "'b' has one sequence" in answer.one_line()


def test_a_folder_that_cannot_be_written_is_named(unrolled: Command, fresh: Path) -> None:
    (fresh / "file").write_text("")
    answer = unrolled("train", "digits", *TINY, "--runs", "file/below")
    assert answer.code == 1
    assert "Cannot write file/below" in answer.one_line()


def test_help_of_every_verb_is_there(unrolled: Command) -> None:
    text = unrolled("--help").out
    for verb in ("train", "evaluate", "predict", "inspect", "recipes", "datasets"):
        assert verb in text
        assert unrolled(verb, "--help").code == 0
    assert unrolled("--version").out.startswith("unrolled ")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_training_goes_on_when_nobody_reads_its_lines_any_more(tmp_path: Path) -> None:
    """As in `unrolled train digits | head -1`."""
    command = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "train", "digits", "--no-report"]
    command += ["--max-epochs", "1", "--runs", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("data:")
        process.stdout.close()
        process.stderr.read()
    assert process.returncode == 0
    assert (tmp_path / "digits" / "1" / "model" / "model.json").is_file()
