"""``unrolled predict --stream``: a belief a line, at once, in a real pipe; bad lines are named and left out."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from commands import Answer
from unrolled.cli.main import app
from unrolled.cli.stream import running_probabilities
from unrolled.config import ModelConfig
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.runs.run import Run

STEPS = np.random.default_rng(0).normal(size=(7, 2)).round(3)
LINES = [",".join(map(str, step)) for step in STEPS.tolist()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = ModelConfig(cell="gru", hidden_size=4, pooling="mean")
    facts = ModelFacts(classes=("still", "moving"), channels=("x", "y"), model=config)
    return Model(Network(config, 2, 2, seed=3).eval(), facts).save(tmp_path / "model")


def piped(text: str | bytes, *words: object) -> Answer:
    result = CliRunner().invoke(app, ["predict", *map(str, words), "--stream"], input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_line_is_answered_with_the_belief_so_far(folder: Path) -> None:
    answer = piped("\n".join(LINES), folder)
    assert answer.code == 0
    expected = Model.load(folder).predict_steps([STEPS])[0]
    found = rows(answer.out)
    assert [row["step"] for row in found] == [str(n) for n in range(1, 8)]
    np.testing.assert_allclose([float(row["p(moving)"]) for row in found], expected[:, 1], atol=2e-6)


def test_json_lines(folder: Path) -> None:
    lines = [json.loads(line) for line in piped("\n".join(LINES), folder, "--output-format", "jsonl").out.splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 8))
    assert set(lines[0]["probabilities"]) == {"still", "moving"}


def test_an_empty_line_begins_a_new_sequence(folder: Path) -> None:
    found = rows(piped("\n".join(["", *LINES[:3], "", "", *LINES[:3], ""]), folder).out)
    assert [(row["case"], row["step"]) for row in found] == [(c, s) for c in "01" for s in "123"]
    assert [list(row.values())[2:] for row in found[:3]] == [list(row.values())[2:] for row in found[3:]]


def test_a_first_line_that_names_the_channels_is_passed_over(folder: Path) -> None:
    assert piped("\n".join(["x, y", *LINES]), folder).out == piped("\r\n".join(LINES), folder).out


def test_bad_lines_are_named_and_the_stream_goes_on(folder: Path) -> None:
    bad = [b"1,2,3", b"1,x", b"\xff\xfe,1", b"1,nan", b",1", b"1,1e999", b"1" * (2 << 20)]
    text = b"\n".join([LINES[0].encode(), *bad, *(line.encode() for line in LINES[1:])])
    answer = piped(text, folder)
    assert answer.out == piped("\n".join(LINES), folder).out
    assert answer.code == 1
    notes = answer.err.splitlines()
    for number, (note, words) in enumerate(
        zip(
            notes,
            ["found 3 values; expected 2 (x, y)", "value 2 is 'x'", "UTF-8", "missing", "missing", "infinite", "bytes"],
            strict=False,
        ),
        2,
    ):
        assert note.startswith(f"line {number} is left out: "), note
        assert words in note
    assert notes[-1].startswith("error: 7 of 14 lines were left out")


def test_text_comes_a_word_or_more_a_line(tmp_path: Path) -> None:
    facts = ModelFacts(
        classes=("a", "b"), channels=("text",), model=ModelConfig(hidden_size=4), vocabulary=("x", "y"), tokens="words"
    )
    model = Model(Network(facts.model, 1, 2, seed=3, symbols=3).eval(), facts)
    answer = piped("x y\nx\n\n y new\n", model.save(tmp_path / "words"))
    assert answer.code == 0, answer.err
    found = rows(answer.out)
    assert [(row["case"], row["step"]) for row in found] == [(c, s) for c, s in zip("00011", "12312", strict=True)]
    expected = [*model.predict_steps(["x y x"])[0][:, 1], *model.predict_steps(["y new"])[0][:, 1]]
    np.testing.assert_allclose([float(row["p(b)"]) for row in found], expected, atol=2e-6)


def test_it_stops_once_it_is_sure(folder: Path) -> None:
    answer = piped("\n".join(LINES), folder, "--decide", 0, "--at-least", 3)
    assert len(rows(answer.out)) == 3
    assert "decided after 3 steps" in answer.err


@pytest.mark.parametrize("name", ["state.npz", "state.json"])
def test_the_state_is_kept_in_a_file(folder: Path, fresh: Path, name: str) -> None:
    whole = piped("\n".join(LINES), folder).out.splitlines()
    first = piped("\n".join(LINES[:3]), folder, "--state", name).out.splitlines()
    rest = piped("\n".join(LINES[3:]), folder, "--state", name).out.splitlines()
    assert [*first, *rest[1:]] == whole


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("digits",), "--stream reads standard input"),
        (("--sequence", "1,2"), "--stream reads standard input"),
        (("--output", "x.csv"), "--stream reads standard input"),
        (("--decide", "2"), "less than or equal to 1"),
    ],
)
def test_contradictions_are_wrong_usage(folder: Path, words: tuple[str, ...], expected: str) -> None:
    answer = piped("", folder, *words)
    assert answer.code == 2
    assert expected in answer.err


def test_decide_without_stream_is_wrong_usage(folder: Path) -> None:
    answer = CliRunner().invoke(app, ["predict", str(folder), "digits", "--decide", "0.5"])
    assert answer.exit_code == 2


def test_a_refused_stream_prints_no_head_of_a_table(tmp_path: Path) -> None:
    both = ModelConfig(hidden_size=4, bidirectional=True)
    facts = ModelFacts(classes=("still", "moving"), channels=("x", "y"), model=both)
    Model(Network(both, 2, 2).eval(), facts).save(tmp_path / "both")
    forward = facts.model_copy(update={"model": ModelConfig(hidden_size=4)})
    Model(Network(forward.model, 2, 2).eval(), forward).save(tmp_path / "forward")
    (tmp_path / "state.json").write_text("[]")
    for words in ([tmp_path / "both"], [tmp_path / "forward", "--state", tmp_path / "state.json"]):
        answer = piped("1,2\n", *words)
        assert (answer.code, answer.out) == (1, "")
        answer.one_line()


def test_a_model_that_reads_both_ways_is_refused(tmp_path: Path) -> None:
    config = ModelConfig(hidden_size=4, bidirectional=True)
    facts = ModelFacts(classes=("a", "b"), channels=("x",), model=config)
    Model(Network(config, 1, 2).eval(), facts).save(tmp_path / "model")
    answer = piped("1\n", tmp_path / "model")
    assert answer.code == 1
    assert "both directions" in answer.one_line()


@pytest.fixture
def process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    code = "from unrolled.cli.main import main; main()"
    command = [sys.executable, "-c", code, "predict", str(folder), "--stream"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        yield child
        child.kill()


def test_in_a_pipe_each_answer_comes_before_the_next_line_is_given(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    for number, line in enumerate(LINES, 1):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        if number == 1:
            assert process.stdout.readline().startswith("case,step,label")
        assert process.stdout.readline().startswith(f"0,{number},")  # it would wait for ever if nothing were flushed
    process.stdin.close()
    assert process.wait() == 0


def test_a_reader_that_goes_away_ends_it_quietly(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(LINES[0] + "\n")
    process.stdin.flush()
    process.stdout.readline()
    process.stdout.readline()
    process.stdout.close()
    process.stdin.write(LINES[1] + "\n")
    process.stdin.close()
    assert process.wait() == 0
    assert process.stderr.read() == ""


def test_digits_can_be_streamed(digits_run: Run) -> None:
    picture = np.linspace(0, 1, 64).reshape(8, 8)
    text = "\n".join(",".join(map(str, row)) for row in picture.tolist())
    found = rows(piped(text, digits_run.folder.path).out)
    expected = digits_run.model.predict_steps([picture])[0]
    np.testing.assert_allclose([float(row["p(3)"]) for row in found], expected[:, 3], atol=2e-6)


def test_a_stream_forgets_by_a_window_and_begins_anew_by_a_rule(folder: Path) -> None:
    model = Model.load(folder)
    windowed = rows(piped("\n".join(LINES), folder, "--stream-window", 3).out)[-1]
    assert float(windowed["p(moving)"]) == pytest.approx(float(model.predict_proba([STEPS[-3:]])[0, 1]), abs=2e-6)
    anew = rows(piped("\n".join(LINES), folder, "--reset-every", 5).out)[-1]
    assert float(anew["p(moving)"]) == pytest.approx(float(model.predict_proba([STEPS[5:]])[0, 1]), abs=2e-6)


def test_a_stream_begins_anew_after_a_pause(folder: Path) -> None:
    times = iter([0.0, 1.0, 2.0, 9.0, 10.0, 11.0, 12.0])
    content = io.BytesIO("\n".join(LINES).encode())
    found = list(
        running_probabilities(Model.load(folder), content, None, print, reset_after="5s", clock=lambda: next(times))
    )
    assert [place["step"] for place, _ in found] == [1, 2, 3, 1, 2, 3, 4]
    assert [place["case"] for place, _ in found] == [0, 0, 0, 1, 1, 1, 1]


def test_a_pause_that_is_no_time_is_refused(folder: Path) -> None:
    answer = piped("1,2\n", folder, "--reset-after", "soon")
    assert answer.code == 1
    assert "--reset-after" in answer.one_line()
