"""``unrolled compare``: tables, files, JSON, the grid; wrong usage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import Command
from unrolled.config import fields
from unrolled.runs.run import Run, train

pytestmark = pytest.mark.slow
TINY = ("--max-epochs", 2, "--hidden-size", 4)


@pytest.fixture(scope="module")
def other_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run to compare `digits_run` with."""
    return train(
        "digits",
        runs=tmp_path_factory.mktemp("runs"),
        max_epochs=4,
        hidden_size=16,
        cell="gru",
        name="gru",
        report=False,
    )


def test_runs_are_compared_in_tables_a_sentence_and_files(
    unrolled: Command, digits_run: Run, other_run: Run, fresh: Path
) -> None:
    answer = unrolled("compare", digits_run.folder.path, other_run.folder.path)
    assert answer.code == 0
    for words in ("of 359", "95 % interval", "p (Holm)", "McNemar's exact test", "than", "weights", "train s", "ms"):
        assert words in answer.out
    assert {path.name for path in (fresh / "comparison").iterdir()} == {
        "comparison.json", "comparison.md", "comparison.png"
    }  # fmt: skip


def test_the_tables_fit_80_columns(
    unrolled: Command, digits_run: Run, other_run: Run, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = unrolled("compare", digits_run.folder.path, other_run.folder.path, "--against", "sklearn:GaussianNB")
    tables = answer.out[answer.out.index("of 359") : answer.out.index("(loss")]
    assert len(tables.strip().splitlines()) == 10  # no line is folded


def test_json_is_the_same_comparison(unrolled: Command, digits_run: Run, other_run: Run, fresh: Path) -> None:
    words = ("compare", digits_run.folder.path, other_run.folder.path, "--against", "sklearn:GaussianNB")
    content = json.loads(unrolled(*words, "--json", "--output", "here").out)
    assert len(content["rows"]) == 3
    assert len(content["pairs"]) == 3
    assert content.pop("failures") == []
    stored = json.loads((fresh / "here" / "comparison.json").read_text())
    assert stored["verdict"] == content["verdict"]


def test_a_grid_is_trained_once_and_compared(unrolled: Command, fresh: Path) -> None:
    words = ("compare", "digits", "--cell", "rnn,gru", "--num-layers", 1, "--num-layers", 2, *TINY, "--jobs", 1)
    answer = unrolled(*words)
    assert answer.code == 0
    assert "4 trainings, one after the other" in answer.err
    assert "4/4" in answer.err
    assert "gru num_layers=2" in answer.out
    again = unrolled(*words)
    assert "4 of 4 trainings were finished before" in again.err
    assert again.out.replace(" ", "") == answer.out.replace(" ", "")
    assert len(list((fresh / "runs" / "digits").iterdir())) == 4
    assert unrolled(*words, "--quiet").out == ""


def test_every_field_of_the_config_can_be_a_list(unrolled: Command) -> None:
    text = unrolled("compare", "--help").out
    for _, name, _ in fields():
        if name != "source":
            assert f"--{name.replace('_', '-')}"[:24] in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("compare", "digits", "--cell", "gru,lsm"), "'lstm-layer-norm'; did you mean 'lstm'?"),
        (("compare", "digts", "--cell", "gru,lstm"), "'digits'"),
        (("compare", "digits"), "one setting only"),
        (("compare", "nowhere/1", "nowhere/2"), "there is no such folder"),
        (("compare", "RUN"), "at least two"),
        (("compare", "RUN", "--against", "sklearn:RandomForest"), "'RandomForestClassifier'"),
        (("compare", "digits", "--cell", "gru,"), "empty value"),
    ],
)
def test_a_mistake_is_one_line_and_code_1(
    unrolled: Command, digits_run: Run, fresh: Path, words: tuple[object, ...], expected: str
) -> None:
    answer = unrolled(*[digits_run.folder.path if word == "RUN" else word for word in words])
    assert answer.code == 1
    assert expected in answer.one_line()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("compare",), "Missing argument"),
        (("compare", "a", "b", "--cell", "gru"), "leave out --cell"),
        (("compare", "a", "b", "--seeds", "3"), "leave out --seeds"),
        (("compare", "digits", "--unpaired"), "--unpaired"),
        (("compare", "digits", "--sell", "gru,lstm"), "--cell"),
        (("compare", "a", "b", "--features", "flat"), ": 'flat' is not one of"),
        (("compare", "a", "b", "--features", "flat"), "Did you mean 'flattened'?"),
    ],
)
def test_wrong_usage_has_code_2(unrolled: Command, fresh: Path, words: tuple[str, ...], expected: str) -> None:
    answer = unrolled(*words)
    assert answer.code == 2
    assert expected in answer.err
