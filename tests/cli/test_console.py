"""A console that is not UTF-8, and file names that are no text: every command ends well, and files are UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="locales of POSIX")]

ENTRY = "from unrolled.cli.main import main; main()"
CLASSES = {"wstań-łatwo", "siad 🙂"}
COMMANDS = (
    ("train", "{data}", "--name", "1", "--max-epochs", "1", "--hidden-size", "4", "--print-style", "samples-seen"),
    ("inspect", "{data}"),
    ("report", "{run}"),
    ("predict", "{run}", "{data}", "--output-format", "jsonl"),
    ("predict", "{run}", "{data}", "--output", "out.csv"),
)


@pytest.mark.parametrize(("console", "stem"), [("cp1252", "zażółć".encode()), ("ascii", b"caf\xe9")])
def test_every_command_ends_well(console: str, stem: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [[f"{value:.3f}" for value in rng.normal(number % 2, 1, 5)] for number in range(40)]
    labels = sorted(CLASSES)
    lines = ["t0,t1,t2,t3,t4,label", *(",".join([*row, labels[number % 2]]) for number, row in enumerate(rows))]
    name = os.fsdecode(stem)
    (tmp_path / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": console}
    for command in COMMANDS:
        run = str(next(tmp_path.glob("runs/*/1"), ""))
        words = [os.fsencode(word.format(data=f"{name}.csv", run=run)) for word in command]
        done = subprocess.run(
            [sys.executable, "-c", ENTRY, *words], cwd=tmp_path, env=os.environ | bare, capture_output=True
        )
        assert done.returncode == 0, (command, done.stderr.decode(console)[-2000:])
        said = done.stdout.decode(console) + done.stderr.decode(console)
        assert "Traceback" not in said, (command, said)
        if "jsonl" in command:
            answers = [json.loads(line) for line in done.stdout.decode(console).splitlines()]
            assert {answer["label"] for answer in answers} <= CLASSES
            assert set(answers[0]["probabilities"]) == CLASSES
    assert "wstań-łatwo" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    for path in tmp_path.rglob("*"):
        if path.suffix in {".json", ".jsonl", ".html", ".md", ".csv", ".toml"}:
            path.read_text(encoding="utf-8")
