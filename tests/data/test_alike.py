"""Later files are read as the first was: what was guessed there is not guessed again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from unrolled.config import DataConfig
from unrolled.data.formats.registry import read
from unrolled.data.load import load_dataset
from unrolled.errors import ReadError


def lines(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_the_kind_of_tokens_is_that_of_the_first_file(tmp_path: Path) -> None:
    first = read(lines(tmp_path / "a.csv", "text,label", "a b,x", "b a,y", "b b,y"))
    assert first.text_kind == "words"
    for later in (lines(tmp_path / "b.csv", "text", "ab", "b"), lines(tmp_path / "b.txt", "ab", "b")):
        assert read(later, labels_needed=False, like=first.reading).symbols == ("ab", "b")
        assert read(later, labels_needed=False).symbols == ("a", "b")


def test_a_test_file_is_read_as_the_training_file(tmp_path: Path) -> None:
    rows = [f"{'good fine' if i % 2 else 'bad poor'},{'xy'[i % 2]}" for i in range(20)]
    source = lines(tmp_path / "a.csv", "text,label", *rows)
    test = lines(tmp_path / "t.csv", "text,label", "good,y", "poor,x", "bad,x")
    found = load_dataset(DataConfig(source=str(source), test=str(test))).test
    assert found is not None
    assert found.symbols == ("bad", "good", "poor")


def test_columns_keep_their_roles_whatever_else_the_file_holds(tmp_path: Path) -> None:
    first = read(lines(tmp_path / "a.csv", "run,when,x,y,kind", "a,0,1,2,up", "a,1,3,4,up", "b,0,5,6,down"), NAMED)
    assert first.channels == ("x", "y")
    other = lines(tmp_path / "b.csv", "y,w,time,x,id,run,remark", "2,9,7,1,7,a,p", "4,9,7,3,8,a,q", "6,9,7,5,9,b,r")
    found = read(other, labels_needed=False, like=first.reading)
    assert found.channels == ("x", "y")
    np.testing.assert_array_equal(found.values, first.values)
    assert found.ids is not None
    assert found.ids.tolist() == ["a", "b"]
    assert found.labels is None


NAMED = DataConfig(id="run", time="when")


def test_a_json_object_is_read_by_its_keys(tmp_path: Path) -> None:
    first = read(
        lines(tmp_path / "a.jsonl", '{"x": [1, 2], "y": [3, 4], "label": "u"}', '{"x": [5], "y": [6], "label": "d"}')
    )
    later = lines(tmp_path / "b.jsonl", '{"z": [0, 0], "y": [3, 4], "x": [1, 2]}', '{"z": [0], "y": [6], "x": [5]}')
    found = read(later, labels_needed=False, like=first.reading)
    assert found.channels == ("x", "y")
    np.testing.assert_array_equal(found.values, first.values)


def test_numbered_columns_of_other_names_are_no_channels(tmp_path: Path) -> None:
    first = read(lines(tmp_path / "a.csv", "t0,t1,t2,label", "1,2,3,a", "4,5,6,b"))
    later = lines(tmp_path / "b.csv", "q0,q1,q2,t0,t1,t2", "9,9,9,1,2,3", "9,9,9,4,5,6")
    np.testing.assert_array_equal(read(later, labels_needed=False, like=first.reading).values, first.values)
    shorter = lines(tmp_path / "c.csv", "t0,t1", "1,2")
    assert read(shorter, labels_needed=False, like=first.reading).equal_length == 2


def test_a_file_without_a_header_has_none_later_either(tmp_path: Path) -> None:
    first = read(lines(tmp_path / "a.csv", "up,5,2,9", "down,3,1,7", "up,4,1,1"))
    assert (len(first), first.equal_length) == (3, 3)
    doubtful = lines(tmp_path / "b.csv", "up,1,2,3", "down,3,1,7")  # might be a header: "up", and the steps 1, 2, 3
    assert len(read(doubtful)) == 1
    assert len(read(doubtful, like=first.reading)) == 2
    assert len(read(doubtful, DataConfig(header=False))) == 2
    bare = lines(tmp_path / "c.csv", "1,2,3", "3,1,7")  # without labels
    found = read(bare, labels_needed=False, like=first.reading)
    assert (found.equal_length, found.labels) == (3, None)


def test_the_label_of_a_line_of_text_stands_where_it_stood(tmp_path: Path) -> None:
    first = read(lines(tmp_path / "a.txt", "u\tabc", "d\tbcd", "u\tcab", "d\tdda"))
    later = lines(tmp_path / "b.txt", "u\tab", "d\tab", "e\tab")  # fewer different texts than labels
    assert read(later, like=first.reading).classes == ("d", "e", "u")
    assert read(later).classes == ("ab",)


@pytest.mark.parametrize("cell", ["[1, 2, 3]", "(1 2 3)", "0.5 1.25 2", "1;2.5;3", "[0.1 -2e-3]", "array([1., 2.])"])
def test_lists_of_numbers_that_are_written_as_texts_are_numbers(tmp_path: Path, cell: str) -> None:
    path = lines(tmp_path / "a.csv", "sequence,label", f'"{cell}",u', f'"{cell}",d')
    numbers = [float(part) for part in re.findall(r"[-\d.e]+", cell.replace("array", ""))]
    assert read(path)[1].ravel().tolist() == np.float32(numbers).tolist()
    assert read(path, DataConfig(tokens="words")).text_kind == "words"
    texts = lines(tmp_path / "b.csv", "text,label", "0 1 1 0,u", "it is 3.5,d", "v1.2 of [it],d")
    assert read(texts).text_kind == "words"


def test_another_form_is_read_as_it_is(tmp_path: Path) -> None:
    long = read(lines(tmp_path / "a.csv", "id,x,y,label", "a,1,2,up", "a,3,4,up", "b,5,6,down"))
    wide = lines(tmp_path / "b.csv", "x_0,x_1,y_0,y_1,label", "1,3,2,4,up", "5,,6,,down")
    found = read(wide, like=long.reading)
    assert found.fingerprint == long.fingerprint
    with pytest.raises(ReadError, match="no column 'id'"):
        read(lines(tmp_path / "c.csv", "x,y", "1,2"), DataConfig(id="id"), like=long.reading)
