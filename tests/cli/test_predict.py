"""``unrolled predict`` and ``unrolled evaluate``: the model's own answers, in every form; refusals."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from commands import Command
from pictures import assert_drawn
from unrolled.data.load import load_dataset
from unrolled.runs.run import Run


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_holds_case_label_and_probabilities(unrolled: Command, digits_run: Run) -> None:
    rows = table(unrolled("predict", digits_run.folder.path, "digits").out)
    assert len(rows) == 359
    assert list(rows[0]) == ["case", "label", "truth", "part", *(f"p({n})" for n in range(10))]
    assert {row["part"] for row in rows} == {"held out"}
    for row in rows[:20]:
        values = {name[2:-1]: float(value) for name, value in row.items() if name.startswith("p(")}
        assert sum(values.values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(values, key=lambda name: values[name])


def test_json_lines_say_the_same_as_csv(unrolled: Command, digits_run: Run) -> None:
    rows = table(unrolled("predict", digits_run.folder.path).out)
    lines = [
        json.loads(text)
        for text in unrolled("predict", digits_run.folder.path, "--output-format", "jsonl").out.splitlines()
    ]
    assert [line["label"] for line in lines] == [row["label"] for row in rows]
    assert lines[5]["probabilities"]["3"] == pytest.approx(float(rows[5]["p(3)"]), abs=1e-6)


def test_a_file_is_written_whole(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    answer = unrolled("predict", digits_run.folder.path, "digits", "--output", "out.csv")
    assert answer.out == ""
    assert len(table((fresh / "out.csv").read_text())) == 359


def test_the_last_of_the_steps_is_the_prediction(unrolled: Command, digits_run: Run) -> None:
    steps = table(unrolled("predict", digits_run.folder.path, "digits", "--number", 7, "--steps").out)
    whole = table(unrolled("predict", digits_run.folder.path, "digits", "--number", 7).out)
    assert [row["step"] for row in steps] == [str(n) for n in range(1, 9)]
    assert {row["case"] for row in [*steps, *whole]} == {"7"}
    assert steps[-1]["label"] == whole[0]["label"]
    assert float(steps[-1]["p(3)"]) == pytest.approx(float(whole[0]["p(3)"]), abs=2e-6)


def test_a_literal_sequence_is_one_case(unrolled: Command, bits_run: Run) -> None:
    rows = table(unrolled("predict", bits_run.folder.path, "--sequence", "010011").out)
    assert len(rows) == 1
    same = table(unrolled("predict", bits_run.folder.path, "--sequence", "0,1,0,0,1,1").out)
    assert rows == same
    expected = bits_run.model.predict_proba([np.array([0, 1, 0, 0, 1, 1])])[0]
    assert float(rows[0]["p(3)"]) == pytest.approx(float(expected[3]), abs=1e-6)


def test_a_picture_of_the_belief_can_be_drawn(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    unrolled("predict", digits_run.folder.path, "digits", "--number", 3, "--plot", "belief.png")
    assert_drawn((fresh / "belief.png").read_bytes())


def test_a_model_folder_alone_is_enough(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    shutil.copytree(digits_run.folder.model, fresh / "moved")
    assert unrolled("predict", "moved", "digits").out == unrolled("predict", digits_run.folder.path, "digits").out


def test_evaluate_gives_the_figures_of_the_training(unrolled: Command, digits_run: Run) -> None:
    stored = json.loads(digits_run.folder.evaluation.read_text())
    for words in ((), ("digits",)):
        found = json.loads(unrolled("evaluate", digits_run.folder.path, *words, "--json").out)
        assert {k: v for k, v in found.items() if k != "seconds"} == {k: v for k, v in stored.items() if k != "seconds"}
    text = unrolled("evaluate", digits_run.folder.path, "--headline-sequences", 16).out
    assert "the first 16 alone" in text


def test_options_of_the_models_own_data_are_remembered(unrolled: Command, bits_run: Run) -> None:
    found = json.loads(unrolled("evaluate", bits_run.folder.path, "count-ones", "--json").out)
    assert found["cases"] == 2**6 - 40


def test_of_the_training_file_only_what_was_held_out_is_evaluated(unrolled: Command, fresh: Path) -> None:
    rows = [f"{i},{i + 1},{i % 3}:{'ab'[i % 2]}" for i in range(40)]
    (fresh / "own.ts").write_text("@classLabel true a b\n@data\n" + "\n".join(rows))
    unrolled("train", "own.ts", "--max-epochs", 1, "--hidden-size", 4, "--no-report")
    for words in (("own.ts",), ()):
        answer = unrolled("evaluate", "runs/own/1", *words, "--json")
        assert json.loads(answer.out)["cases"] == 8
    assert "held out" in unrolled("evaluate", "runs/own/1", "own.ts").err
    assert len(table(unrolled("predict", "runs/own/1", "own.ts").out)) == 40


@pytest.mark.filterwarnings("default::unrolled.errors.TrainedOnWarning")
def test_figures_on_training_data_are_called_flattering(unrolled: Command, fresh: Path) -> None:
    rows = [f"{i},{i + 1},{i % 3}:{'ab'[i % 2]}" for i in range(40)]
    (fresh / "own.ts").write_text("@classLabel true a b\n@data\n" + "\n".join(rows))
    unrolled(
        "train",
        "own.ts",
        "--max-epochs",
        1,
        "--hidden-size",
        4,
        "--no-report",
        "--test-fraction",
        0,
        "--validation-fraction",
        0,
    )
    (fresh / "own.ts").rename(fresh / "copy.ts")
    assert "nothing is held out" in unrolled("evaluate", "runs/own/1", "copy.ts").one_line()
    answer = unrolled("evaluate", "runs/own/1", "copy.ts", "--part", "train")
    assert "flatter" in answer.err
    assert "40 trained on" in answer.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("predict", "RUN", "missing.ts"), "there is no such file"),
        (("predict", "RUN", "digts"), "'digits'"),
        (("predict", "RUN", "three.npz"), "--layout"),
        (("predict", "RUN", "three.npz", "--layout", "time-first"), "the data have 2 channels"),
        (("predict", "RUN", "--sequence", "1,x"), "'x' is not a number"),
        (("predict", "RUN", "--sequence", "1,2:3"), "expected the same number in each"),
        (("predict", "RUN", "--sequence", "1,2,3"), "the data have 1 channels"),
        (("predict", "RUN", "nan.npz", "--layout", "time-first"), "1 missing or infinite values"),
        (("predict", "RUN", "digits", "--number", 400), "numbered from 0 to 358"),
        (("predict", "nowhere", "digits"), "there is no such folder"),
        (("predict", ".", "digits"), "neither a model folder"),
        (("evaluate", "RUN", "unlabelled.npz", "--layout", "time-first"), "no labels"),
        (("evaluate", "RUN", "other.npz", "--layout", "time-first"), "'x'"),
    ],
)
def test_data_that_do_not_fit_are_refused_in_one_line(
    unrolled: Command, digits_run: Run, fresh: Path, words: tuple[object, ...], expected: str
) -> None:
    eight = np.zeros((4, 3, 8), np.float32)
    holey = eight.copy()
    holey[2, 1, 5] = np.nan
    np.savez(fresh / "three.npz", X=np.zeros((4, 3, 2)), y=[0, 1, 0, 1])
    np.savez(fresh / "nan.npz", X=holey, y=[0, 1, 0, 1])
    np.savez(fresh / "unlabelled.npz", X=eight)
    np.savez(fresh / "other.npz", X=eight, y=["x", "1", "x", "1"])
    answer = unrolled(*[digits_run.folder.path if word == "RUN" else word for word in words])
    assert answer.code == 1
    assert expected in answer.one_line()
    assert answer.out == ""


@pytest.mark.parametrize("more", [(), ("--steps",)])
def test_values_in_another_unit_are_answered_with_a_warning(
    unrolled: Command, digits_run: Run, fresh: Path, more: tuple[str, ...]
) -> None:
    np.savez(fresh / "bytes.npz", X=np.arange(256.0).reshape(4, 8, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # not an error, as in all other tests
        answer = unrolled("predict", digits_run.folder.path, "bytes.npz", "--layout", "time-first", *more)
    assert answer.code == 0
    assert answer.one_line().startswith("warning: the values run from 0 to 255, the training data's from 0")


def test_bytes_in_a_file_have_the_unit_of_the_training(unrolled: Command, digits_run: Run, fresh: Path) -> None:
    test = load_dataset(digits_run.recipe.data).test
    assert test is not None
    np.savez(fresh / "bytes.npz", X=np.stack(list(test)))
    rows = table(unrolled("predict", digits_run.folder.path, "bytes.npz", "--layout", "time-first").out)
    assert [row["label"] for row in rows] == digits_run.model.predict(test).tolist()


def test_a_later_file_is_read_as_the_training_file(unrolled: Command, fresh: Path) -> None:
    def rows(*columns: str) -> list[str]:
        return [",".join({"kind": "ab"[i % 2], "x": f"{i % 2}.{i}", "y": "1"}[c] for c in columns) for i in range(40)]

    (fresh / "a.csv").write_text("\n".join(["kind,x,y", *rows("kind", "x", "y")]) + "\n")
    options = ("--table", "wide", "--channels", "x,y", "--max-epochs", 1, "--hidden-size", 4, "--no-report", "--quiet")
    assert unrolled("train", "a.csv", *options).code == 0
    (fresh / "b.csv").write_text(
        "\n".join(["note,y,x", *(f"n{i},{row}" for i, row in enumerate(rows("y", "x")))]) + "\n"
    )
    (fresh / "c.csv").write_text("\n".join(["kind,x,y", *(f"?,{row}" for row in rows("x", "y"))]) + "\n")
    first, moved, unknown = (table(unrolled("predict", "runs/a/1", name).out) for name in ("a.csv", "b.csv", "c.csv"))
    probabilities = [[row["p(a)"] for row in found] for found in (first, moved, unknown)]
    assert probabilities[0] == probabilities[1] == probabilities[2]
    assert unrolled("evaluate", "runs/a/1", "c.csv").code == 1


def test_data_and_a_literal_together_are_wrong_usage(unrolled: Command, digits_run: Run) -> None:
    assert unrolled("predict", digits_run.folder.path, "digits", "--sequence", "01").code == 2


def test_a_reader_that_goes_away_is_no_error(bits_run: Run) -> None:
    command = [
        sys.executable,
        "-c",
        "from unrolled.cli.main import main; main()",
        "predict",
        bits_run.folder.path,
        "--steps",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_what_is_unlike_the_training_data_is_told(unrolled: Command, digits_run: Run) -> None:
    model, words = digits_run.model, ("predict", digits_run.folder.path, "digits", "--novelty", "0.1")
    rows = list(csv.DictReader(unrolled(*words).out.splitlines()))
    expected = model.familiarity(load_dataset(digits_run.recipe.data).test)
    assert np.allclose([float(row["familiarity"]) for row in rows], expected, atol=1e-6)
    assert [row["novel"] for row in rows] == ["yes" if one <= 0.1 else "no" for one in expected]
    line = json.loads(unrolled(*words, "--number", 3, "--output-format", "jsonl").out)
    assert (line["familiarity"], line["novel"]) == (pytest.approx(expected[3], abs=1e-6), bool(expected[3] <= 0.1))
    share = json.loads(unrolled("evaluate", digits_run.folder.path, "--novelty", 0.1, "--json").out)["novel"]
    assert (share["count"], share["cases"]) == (int((expected <= 0.1).sum()), len(expected))
    assert "false alarms from 0.00" in unrolled(*words[:-1], "0.000001").one_line()
    assert "leave out --steps" in unrolled(*words, "--steps").err
