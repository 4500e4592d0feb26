"""``unrolled inspect``: what is in a file, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from commands import Command

TS = "@problemName p\n@univariate false\n@classLabel true a b\n@data\n1,2,3:4,5,6:a\n1,2:4,?:b\n7,8:9,9:a\n"


def test_it_says_what_is_in_a_file(unrolled: Command, fresh: Path) -> None:
    (fresh / "some.ts").write_text(TS)
    text = unrolled("inspect", "some.ts").out
    for words in ("sequences  3, 7 steps", "2 to 3, median 2", "channels   2", "missing    1", "label 'b', 2 steps"):
        assert words in text
    assert "note: 1 class has a single sequence: b" in text


def test_pictures_are_drawn(unrolled: Command, fresh: Path) -> None:
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (1, 2, 3))
    (fresh / "some-idx3-ubyte").write_bytes(header + bytes([0, 255, 0, 255, 255, 0]))
    text = unrolled("inspect", "some-idx3-ubyte").out
    assert "  @@\n" in text
    assert "@@@@\n" in text
    assert "labels     none" in text


def test_json_is_the_same_facts(unrolled: Command, fresh: Path) -> None:
    np.savez(fresh / "some.npz", X=np.arange(24).reshape(2, 3, 4), y=["[red]", "b"])
    found = json.loads(unrolled("inspect", "some.npz", "--layout", "time-first", "--json").out)
    assert (found["cases"], found["steps"], len(found["channels"])) == (2, 6, 4)
    assert "[red]" in unrolled("inspect", "some.npz", "--layout", "time-first").out


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.ts", None, "there is no such file"),
        ("empty.ts", b"", "empty"),
        ("cut-idx3-ubyte", bytes([0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2, 1]), "cut short"),
        ("bad.ts", TS.replace("9,9", "9,x").encode(), "line 7, column 7"),
        ("odd.xyz", b"%PDF-1.7", "a PDF document"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    unrolled: Command, fresh: Path, name: str, content: bytes | None, expected: str
) -> None:
    if content is not None:
        (fresh / name).write_bytes(content)
    answer = unrolled("inspect", name)
    assert answer.code == 1
    assert expected in answer.one_line()
