"""What the documents say to type works: every command and every line of Python of the README is run."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import unrolled
from commands import call
from pictures import assert_drawn
from unrolled.runs.run import Run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def commands(page: str = README) -> list[str]:
    lines = [line for block in blocks("console", page) for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ unrolled")]


@pytest.fixture
def place(fresh: Path, digits_run: Run) -> Path:
    """A folder with what the README supposes: a first run, and somebody's file."""
    shutil.copytree(digits_run.folder.path, fresh / "runs" / "digits" / "1")
    rng = np.random.default_rng(0)
    rows = [
        ",".join(f"{v:.3f}" for v in rng.normal(i % 2, 1, rng.integers(3, 9))) + f":{'ab'[i % 2]}" for i in range(60)
    ]
    lines = [f"r{i:02},{t},{np.cos(t + i) * (i % 2)},{t}.5,{'ab'[i % 2]}" for i in range(40) for t in range(6)]
    (fresh / "recordings.csv").write_text("id,time,ax,ay,label\n" + "\n".join(lines))
    (fresh / "gestures.ts").write_text("@problemName gestures\n@classLabel true a b\n@data\n" + "\n".join(rows))
    return fresh


@pytest.mark.slow
def test_every_command_of_the_readme_works(place: Path) -> None:
    assert len(commands()) > 10
    for command in commands():
        answer = call(*shlex.split(command)[1:])
        assert answer.code == 0, f"{command}\n{answer.err}"
    assert_drawn((place / "belief.png").read_bytes())
    assert (place / "predictions.csv").exists()


@pytest.mark.slow
def test_the_python_of_the_readme_works(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(i % 2, 1, (3 + i % 5, 2)) for i in range(40)]
    names = {"pictures": load_digits().images[:5] / 16, "arrays": arrays, "labels": [i % 2 for i in range(40)]}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102  # the project's own text
    assert "%" in capsys.readouterr().out


@pytest.mark.slow
def test_the_page_on_export_works(place: Path) -> None:
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    for command in commands(page):
        answer = call(*shlex.split(command)[1:])
        assert answer.code == 0, f"{command}\n{answer.err}"
    assert {path.name for path in place.glob("*.onnx")} == {"digits.onnx", "steps.onnx", "small.onnx"}
    names = {"unrolled": unrolled, "model": unrolled.load("runs/digits/1"), "pictures": load_digits().images[:5] / 16}
    for block in blocks("python", page):
        exec(compile(block, "export.md", "exec"), names)  # noqa: S102  # the project's own text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compare.md", "tune.md", "scale.md"])
@pytest.mark.usefixtures("fresh")
def test_everything_that_a_guide_says_to_type_works(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for command in commands(page):
        answer = call(*shlex.split(command)[1:])
        assert answer.code == 0, f"{command}\n{answer.err}"
    for block in blocks("python", page):
        exec(compile(block, name, "exec"), {})  # noqa: S102  # the project's own text


def test_the_readmes_pictures_and_pages_exist() -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/*.md")), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), f"{path.name}: {link}"


# docs/your-data.md


def _blocks_of(page: str, language: str) -> list[tuple[str, str]]:
    """What stands after the language in the first line, and the lines, of each block."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language} ?(.*)\n((?:.*\n)*?)^```", text, re.MULTILINE)


@pytest.mark.slow
def test_the_page_about_your_data_shows_what_happens(fresh: Path) -> None:
    for _, program in _blocks_of("your-data.md", "python"):
        exec(compile(program, "make_examples.py", "exec"), {})  # noqa: S102  # the project's own text
    shown = dict(_blocks_of("your-data.md", "text"))
    for name in ("long.csv", "wide.csv", "gestures.jsonl", "bits.txt", "gestures.ts"):
        lines = (fresh / name).read_text().splitlines()
        for line, start in zip(lines, shown[name].splitlines(), strict=False):
            assert line.startswith(start.removesuffix(" …"))
    assert call("inspect", "long.csv").out.split() == shown["inspect long.csv"].split()
    commands = [line for _, block in _blocks_of("your-data.md", "console") for line in block.splitlines()]
    assert len(commands) > 12
    for command in commands:
        before, _, words = command.removeprefix("$ ").rpartition("| ")
        piped = (fresh / before.split()[1]).read_bytes() if before else b""
        answer = call(*shlex.split(words)[1:], piped=piped)
        assert answer.code == 0, f"{command}\n{answer.err}"
    assert "id" in (fresh / "answers.csv").read_text().splitlines()[0].split(",")


@pytest.mark.parametrize(
    ("line", "column", "value"), [(7, 2, "foo"), (9, 1, "0.3"), (30, 4, "line")], ids=["number", "time", "label"]
)
def test_the_messages_of_that_page_are_those_of_the_program(fresh: Path, line: int, column: int, value: str) -> None:
    exec(_blocks_of("your-data.md", "python")[0][1], {})  # noqa: S102
    rows = [row.split(",") for row in (fresh / "long.csv").read_text().splitlines()]
    rows[line - 1][column] = value
    (fresh / "long.csv").write_text("\n".join(",".join(row) for row in rows))
    assert (
        call("inspect", "long.csv").one_line().removeprefix("error: ") in (ROOT / "docs" / "your-data.md").read_text()
    )


@pytest.mark.slow
def test_the_page_about_recordings_works(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, *programs = (program for _, program in _blocks_of("recordings.md", "python"))
    exec(compile(make, "make_recordings.py", "exec"), {})  # noqa: S102  # the project's own text
    for command in [line for _, block in _blocks_of("recordings.md", "console") for line in block.splitlines()]:
        before, _, words = command.removeprefix("$ ").rpartition("| ")
        piped = (fresh / before.split()[1]).read_bytes() if before else b""
        answer = call(*shlex.split(words)[1:], piped=piped)
        assert answer.code == 0, f"{command}\n{answer.err}"
    assert (fresh / "steps.csv").read_text().splitlines()[0].startswith("case,id,step,time,label,truth,p(")
    names: dict[str, object] = {}
    for program in programs:
        exec(compile(program, "recordings.md", "exec"), names)  # noqa: S102  # the project's own text
    assert capsys.readouterr().out.splitlines()[-1] == "high"


# Options


def test_every_option_that_a_document_names_exists_and_every_option_of_train_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")  # each option on a line of its own
    verbs = re.findall(r"^[ │]+([a-z]+) ", call("--help").out, re.MULTILINE)
    pages = {verb: call(verb, "--help").out for verb in verbs}
    option = r"(?<![\w-])(--[a-z][a-z0-9-]*)"
    known = {name for page in pages.values() for name in re.findall(option, page)}
    pages_of_use = set(ROOT.glob("docs/*.md")) - {ROOT / "docs" / "results.md"}  # whose options are of benchmarks
    for path in (ROOT / "README.md", *sorted(pages_of_use)):
        text = path.read_text(encoding="utf-8")
        spans = re.findall(r"`(--[^`\n]+)`", text) + re.findall(r"^(?:\$ |`)?unrolled [^`\n|]+", text, re.MULTILINE)
        named = {name for span in spans for name in re.findall(option, span)}
        assert named <= known, f"{path.name}: {sorted(named - known)}"
    for line in pages["train"].splitlines():
        if re.match(rf"[ │*]*{option}", line):
            assert len(re.sub(r"--?[\w-]+|[│<>|\[\]]|[A-Z]{2,}", "", line).split()) >= 3, line
