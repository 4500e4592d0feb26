"""Tables with a row a sequence: wide, in lists, of text; JSON Lines, `.arff`, `.npy`; and what is refused."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json
from pyarrow import parquet

from tables import read_text, read_with, refused
from unrolled.config import DataConfig
from unrolled.data.formats import read
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, ReadError

VALUES = np.random.default_rng(0).normal(size=(20, 6, 2)).astype(np.float32)
LABELS = ["ab"[i % 2] for i in range(20)]
EXPECTED = Sequences.from_array(VALUES, LABELS, channels=["ax", "ay"])


# Wide


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet"])
@pytest.mark.parametrize("order", ["by channel", "by step", "backward"])
def test_numbered_columns_are_the_steps_of_their_channels(tmp_path: Path, name: str, order: str) -> None:
    columns = {f"{c}_{t}": VALUES[:, t, i].astype(float) for i, c in enumerate(["ax", "ay"]) for t in range(6)}
    names = {
        "by channel": list(columns),
        "by step": sorted(columns, key=lambda column: column[-1]),
        "backward": [*[f"ax_{t}" for t in range(5, -1, -1)], *[f"ay_{t}" for t in range(6)]],
    }[order]
    rows = pa.table({"name": [f"n{i}" for i in range(20)], **{n: columns[n] for n in names}, "label": LABELS})
    path = tmp_path / name
    if name == "a.parquet":
        parquet.write_table(rows, path)
    else:
        arrow_csv.write_csv(rows, path, arrow_csv.WriteOptions(delimiter="," if name == "a.csv" else "\t"))
    for options in ({}, {"channels": ("ax_*", "ay_*")}):
        found, notes = read_with(path, id="name", **options)
        assert found.fingerprint == EXPECTED.fingerprint
        assert found.channels == ("ax", "ay")
        assert found.ids is not None
        assert found.ids[3] == "n3"
        assert "6 steps of 2 channels (ax, ay)" in notes


def test_the_archives_tsv_has_the_label_first_and_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("1\t0.5\t1.5\t2\n2\t3\t4\tNaN\n1\t1\t2\t3\n")
    found, notes = read_with(path)
    assert found.lengths.tolist() == [3, 2, 3]
    assert found.classes == ("1", "2")
    assert "without a header" in notes
    assert "label '0'" in notes
    assert "1 sequences are shorter" in notes


@pytest.mark.data
def test_the_three_forms_of_a_published_problem_are_equal() -> None:
    folder = Path(os.environ["UNROLLED_DATA"]) / "uea" / "ArrowHead"
    found = [read(folder / f"ArrowHead_TRAIN.{ending}") for ending in ("ts", "arff", "tsv")]
    assert len({each.fingerprint for each in found}) == 1
    assert found[0].classes == found[1].classes == found[2].classes
    assert len(found[0]) == 36


@pytest.mark.parametrize(
    ("text", "labels", "steps"),
    [
        ("label,0,1,2\na,1,2,3\nb,4,5,6\n", ["a", "b"], 3),
        ("1,2,3,kind\n1,2,3,a\n4,5,6,b\n", ["a", "b"], 3),
        ("v1,v2,outcome\n1.5,2,0\n3,4,1\n5,6,0\n7,8,1\n", ["0", "1", "0", "1"], 2),
        ("a,1.5,2.5\nb,3,4\na,5,6\n", ["a", "b", "a"], 2),
        ("1.5,2.5,a\n3,4,b\n5,6,a\n", ["a", "b", "a"], 2),
    ],
)
def test_a_header_and_the_label_are_found(tmp_path: Path, text: str, labels: list[str], steps: int) -> None:
    found = read_text(tmp_path, text)
    assert [found.classes[index] for index in found.targets] == labels
    assert found.equal_length == steps


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    found, notes = read_with(_write(tmp_path, "v1,v2,v3\n1.5,2,3\n4,5.5,6\n"))
    assert found.labels is None
    assert "no label" in notes
    assert read_text(tmp_path, "0,1.5,2\n1,2.5,3\n0,3,4\n1,4,5\n", label="-").equal_length == 3


def test_empty_cells_inside_are_missing_and_at_the_end_are_the_end(tmp_path: Path) -> None:
    found = read_text(tmp_path, "label,v0,v1,v2,v3\na,1,,3,\nb,1,2,3,4\n")
    assert found.lengths.tolist() == [3, 4]
    assert found.missing() == [(0, 1, 0)]


@pytest.mark.parametrize(
    ("text", "options", "problem"),
    [
        ("label,v0,v1\na,,\nb,1,2\n", {}, "line 2: this row has no values"),
        ("label,v0,v1\na,1,2\nb,1\n", {}, "line 3: found 2 columns where the header has 3"),
        ("label,v0,v2\na,1,2\nb,1,2\n", {}, "the columns 'v0' and 'v2' leave out steps"),
        ("label,ax_0,ax_1,ay_0\na,1,2,3\n", {}, "'ay' has 1 columns where 'ax' has 2"),
        ("label,ax_0,ax_00\na,1,2\n", {}, "have the same number"),
        (
            "id,v0,v1\nn,1,2\nm,3,4\nn,5,6\n",
            {"table": "wide", "id": "id"},
            "line 4: the id column 'id' holds 'n' again",
        ),
        ("time,label,v0,v1\n1,a,1,2\n2,b,1,2\n", {"table": "wide", "time": "time"}, "belongs to a long table"),
        ("label,v0,v1\na,1,2\nb,x,2\na,3,4\nb,5,6\n", {}, "line 3: column 'v0' holds 'x'"),
        ("label,v0,v1\na,1,2\n", {"channels": ("v*", "v0")}, "patterns and columns"),
        pytest.param(
            ",".join(["label", *(f"v{i}" for i in range(100_001))]) + "\n1\n",
            {},
            "100,002 columns; expected at most",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_wrong_wide_tables_are_refused(tmp_path: Path, text: str, options: dict[str, Any], problem: str) -> None:
    refused(tmp_path, text, problem, **options)


# Lists, in Parquet and JSON Lines


def json_lines(rows: list[dict[str, Any]]) -> str:
    import json

    return "".join(json.dumps(row) + "\n" for row in rows)


RAGGED = [VALUES[i, : 1 + i % 6] for i in range(20)]
RAGGED_EXPECTED = Sequences.from_list(RAGGED, LABELS, channels=["ax", "ay"])


@pytest.mark.parametrize("form", ["channels", "steps", "turned"])
@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_lists_are_a_channel_each_or_steps_of_channels(tmp_path: Path, form: str, ending: str) -> None:
    def row(values: np.ndarray, label: str) -> dict[str, Any]:
        if form == "channels":
            return {"ax": values[:, 0].tolist(), "ay": values[:, 1].tolist(), "label": label}
        return {"sequence": (values.T if form == "turned" else values).tolist(), "label": label}

    rows = [row(values, label) for values, label in zip(RAGGED, LABELS, strict=True)]
    path = tmp_path / f"a.{ending}"
    path.write_text(json_lines(rows))
    if ending == "parquet":
        parquet.write_table(arrow_json.read_json(io.BytesIO(json_lines(rows).encode())), path)
    options = {"layout": "channels-first"} if form == "turned" else {}
    assert read_with(path, **options)[0].fingerprint == RAGGED_EXPECTED.fingerprint


def test_a_list_of_numbers_is_one_channel_and_null_is_missing(tmp_path: Path) -> None:
    text = '{"sequence": [1, null, 3], "label": 10, "id": "x"}\n\n{"sequence": [4], "label": 9, "id": "y"}\n'
    found = read_text(tmp_path, text, "a.jsonl")
    assert found.lengths.tolist() == [3, 1]
    assert found.missing() == [(0, 1, 0)]
    assert found.classes == ("9", "10")
    assert found.ids is not None
    assert found.ids.tolist() == ["x", "y"]


def test_json_lines_may_be_long(tmp_path: Path) -> None:
    text = '{"id": "a", "time": 0, "x": 1, "label": "u"}\n{"id": "a", "time": 1, "x": 2, "label": "u"}\n'
    assert read_text(tmp_path, text, "a.jsonl").lengths.tolist() == [2]


def test_a_line_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    text = '{"sequence": [' + "1.25," * (2 << 20) + '2], "label": "a"}\n'
    assert read_text(tmp_path, text, "a.jsonl").lengths.tolist() == [(2 << 20) + 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"sequence": [1, 2], "label": "a"}\n{"sequence": [1, 2}\n', "line 2, column 19: this is not JSON"),
        ("[1, 2]\n", r"line 1: found \[1, 2\]; expected an object"),
        (
            '{"sequence": [1], "label": "a"}\n{"sequence": [1, "x"], "label": "a"}\n',
            "line 2: 'sequence' is .*expected a list",
        ),
        (
            '{"sequence": [1], "label": "a"}\n{"sequence": [], "label": "a"}\n',
            "line 2: column 'sequence' holds no values",
        ),
        ('{"sequence": [1], "label": "a"}\n{"label": "a"}\n', "line 2: column 'sequence' holds no values"),
        (
            '{"sequence": [1], "label": "a"}\n{"sequence": [1], "label": [1]}\n',
            r"line 2: 'label' is \[1\]; expected a text",
        ),
        ('{"sequence": [[1, 2], [3]], "label": "a"}\n', "line 1: .* a step of 1 values where the first has 2"),
        ('{"sequence": [[1, 2]], "label": 1}\n{"sequence": [[1]], "label": 1}\n', "line 2: .*a step of 1 values"),
        ('{"ax": [1, 2], "ay": [1], "label": "a"}\n', "line 1: column 'ay' has 1 values where 'ax' has 2"),
        ('{"sequence": [1e300], "label": "a"}\n', "line 1: .*beyond the range"),
        ("[" * 100_000, "not JSON"),
        ('{"a": {"b": 1}, "label": "x"}\n', "no column is left|do not show"),
        ("\n\n", "there is nothing in it"),
    ],
)
def test_wrong_json_lines_are_refused_with_the_line(tmp_path: Path, text: str, problem: str) -> None:
    refused(tmp_path, text, problem, "a.jsonl")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ({"x": [[1.0], []], "label": ["a", "b"]}, "row 2: column 'x' holds no values"),
        ({"x": [[1.0], None], "label": ["a", "b"]}, "row 2: column 'x' holds no values"),
        ({"x": [[1.0, 2.0]], "y": [[1.0]], "label": ["a"]}, "row 1: column 'y' has 1 values where 'x' has 2"),
        ({"x": [[[1.0], [2.0, 3.0]]], "label": ["a"]}, "row 1: .*a step of 2 values where the first has 1"),
        ({"id": ["a", "a"], "t": [1, 1], "x": [1, 2]}, "row 2: id 'a': the time 1 in column 't' occurs twice"),
        ({"id": ["a", "a"], "x": [1, 2], "label": ["u", "v"]}, "row 2: the label .*changes from 'u' to 'v'"),
        ({"id": pa.array([], pa.string()), "x": pa.array([], pa.float64())}, "there are no rows"),
    ],
)
def test_wrong_parquet_is_refused_with_the_row(tmp_path: Path, rows: dict[str, Any], problem: str) -> None:
    parquet.write_table(pa.table(rows), tmp_path / "a.parquet")
    with pytest.raises(ReadError, match=problem):
        read(tmp_path / "a.parquet")


def test_a_few_bytes_of_parquet_that_claim_to_be_many_numbers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unrolled.data.formats.parquet.MAX_EXPANSION", 500)
    same = pa.table({"id": pa.array(["a"] * 2_000_000), "x": pa.array(np.zeros(2_000_000))})
    parquet.write_table(same, tmp_path / "a.parquet")
    with pytest.raises(ReadError, match="it claims 2,000,000 values, more than a file of"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("columns", [["label", "a_0", "a_1"], ["id", "x", "label"], ["x", "label"]])
def test_parquet_that_claims_rows_and_has_none_is_refused(tmp_path: Path, columns: list[str]) -> None:
    path = tmp_path / "a.parquet"
    kinds = {name: pa.string() if name in ("id", "label") else pa.float32() for name in columns}
    parquet.write_table(pa.table({name: pa.array([], kind) for name, kind in kinds.items()}), path)
    content = path.read_bytes()
    assert content.count(b"\x16\x00\x19") == 1  # the footer's number of rows, 0, before its list of row groups
    path.write_bytes(content.replace(b"\x16\x00\x19", b"\x16\x04\x19"))
    assert parquet.ParquetFile(path).metadata.num_rows == 2
    with pytest.raises(ReadError, match=r"damaged|there are no sequences in it; expected at least one"):
        read(path, DataConfig(label="label", table="long" if "id" in columns else "wide"))


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" * 100, b"id,x\na,1\n"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content, "not a Parquet file, or a damaged one", "a.parquet")


# Text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "text,label\n0110,2\n0100,1\n"),
        ("a.csv", "bits,ones\n0110,2\n0100,1\n0100,1\n1100,2\n"),
        ("a.tsv", "text\tlabel\n0110\t2\n0100\t1\n"),
        ("a.txt", "0110\t2\n0100\t1\n0010\t1\n"),
        ("a.txt", "2\t0110\n1\t0100\n1\t0010\n"),
        ("a.jsonl", '{"sequence": "0110", "label": 2}\n{"sequence": "0100", "label": 1}\n'),
    ],
)
def test_binary_strings_are_characters(tmp_path: Path, name: str, text: str) -> None:
    found = read_text(tmp_path, text, name)
    assert found.symbols == ("0", "1")
    assert found.values.dtype == np.int32
    assert found[0].ravel().tolist() == [0, 1, 1, 0]
    assert found.classes == ("1", "2")


def test_words_are_parted_by_spaces_and_sorted(tmp_path: Path) -> None:
    text = "label,note\na,der Hund bellt\nb,die Katze  schläft\nb,der Hund\n"
    found = read_text(tmp_path, text, text="note")
    assert found.symbols == ("Hund", "Katze", "bellt", "der", "die", "schläft")
    assert found.lengths.tolist() == [3, 3, 2]
    letters = read_text(tmp_path, text, text="note", tokens="characters")
    assert letters.symbols is not None
    assert letters.lengths.tolist() == [14, 18, 8]
    assert "".join(letters.symbols[code] for code in letters[2].ravel()) == "der Hund"


def test_nothing_in_a_text_is_missing(tmp_path: Path) -> None:
    found = read_text(tmp_path, "a\tNA\nb\tnull\na\tNaN\n", "a.txt")
    assert found.lengths.tolist() == [2, 4, 3]
    assert read_text(tmp_path, 'a\tsay "hi\nb\t"\na\tx\n', "b.txt", tokens="characters").lengths.tolist() == [7, 1, 1]


def test_quoted_texts_may_hold_commas_and_line_ends(tmp_path: Path) -> None:
    found = read_text(tmp_path, 'text,label\n"one, two\nthree",a\n"four ""five""",b\nsix seven,a\n')
    assert found.lengths.tolist() == [3, 2, 2]
    assert found.symbols == ('"five"', "four", "one,", "seven", "six", "three", "two")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "text,label\nab,x\n ,y\n", "line 3: column 'text' is empty"),
        ("a.txt", "a\tb\na\tb\nc\n", "line 3: found 1 columns where the first line has 2"),
    ],
)
def test_wrong_texts_are_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    refused(tmp_path, text, problem, name)


# .arff and .npy


def test_arff_with_channels_is_read(tmp_path: Path) -> None:
    head = "% a comment\n@Relation 'a b'\n@ATTRIBUTE r relational\n@attribute v1 numeric\n@attribute v2 real\n@end r\n"
    head += "@attribute 'the class' {u,'v'}\n\n@DATA\n"
    found = read_text(tmp_path, head + "'1,2\\n3,4',u\n\"5,?\\n6,?\",v\n'?,8\\n9,10',v\n", "a.arff")
    assert found.lengths.tolist() == [2, 1, 2]
    assert found[0].tolist() == [[1, 3], [2, 4]]
    assert found.missing() == [(2, 0, 0)]
    assert found.classes == ("u", "v")


ARFF = "@relation r\n@attribute a numeric\n@attribute b numeric\n@attribute c {u,v}\n@data\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ARFF, "there are no sequences after @data"),
        (ARFF.replace("@data\n", ""), "there is no @data line"),
        (ARFF + "1,2,u\n1,2,w\n", "line 7: the class 'w' is not declared; expected one of u, v"),
        (ARFF + "1,2,u\n1,v\n", "line 7: found 2 values where 3 attributes are declared"),
        (ARFF + "1,x,u\n", "line 6: 'x' is not a number"),
        (ARFF + "1,1e300,u\n", "line 6: a value is beyond the range"),
        (ARFF + "?,?,u\n", "line 6: this sequence has no values"),
        (ARFF.replace("b numeric", "b string"), "line 3: the attribute is of type 'string'"),
        (ARFF.replace("b numeric", "b {x,y}"), "2 attributes are nominal; expected one"),
        ("1,2,u\n", "line 1: found '1,2,u' before @data"),
    ],
)
def test_wrong_arff_is_refused_with_the_line(tmp_path: Path, text: str, problem: str) -> None:
    refused(tmp_path, text, problem, "a.arff")


@pytest.mark.parametrize(
    ("x", "y"), [("X.npy", "y.npy"), ("X_train.npy", "y_train.npy"), ("my_data.npy", "my_labels.npy")]
)
def test_labels_of_npy_stand_beside_it(tmp_path: Path, x: str, y: str) -> None:
    np.save(tmp_path / x, VALUES)
    assert read(tmp_path / x, layout="time-first").labels is None
    np.save(tmp_path / y, np.array(LABELS))
    assert read(tmp_path / x, layout="time-first").fingerprint == EXPECTED.fingerprint
    assert read(tmp_path / x, layout="channels-first").equal_length == 2
    with pytest.raises(ReadError, match="--layout"):
        read(tmp_path / x)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: content[:-1], "the header announces|its header announces"),
        (lambda content: content + b"1", "its header announces"),
        (lambda content: content.replace(b"(2, 3)", b"(2000, 3000)"), "is not that of an array|announces"),
        (lambda content: content.replace(b"<f8", b"|O "), "not that of|values of the type"),
        (lambda content: b"nothing" + content, "is no array"),
    ],
)
def test_wrong_npy_is_refused(tmp_path: Path, change: Any, problem: str) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    refused(tmp_path, change((tmp_path / "a.npy").read_bytes()), problem, "a.npy")


# Standard input


class Piped:
    """What stands in for `sys.stdin`."""

    def __init__(self, content: bytes, terminal: bool = False) -> None:
        self.buffer, self._terminal = io.BytesIO(content), terminal

    def isatty(self) -> bool:
        return self._terminal


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b"label,v0,v1\na,1,2\nb,3,4\n"))
    assert read("-").classes == ("a", "b")


@pytest.mark.parametrize(
    ("piped", "problem"),
    [(Piped(b""), "-: there is nothing in it"), (Piped(b"", True), "standard input is a terminal")],
)
def test_an_empty_pipe_and_a_terminal_are_refused(monkeypatch: pytest.MonkeyPatch, piped: Piped, problem: str) -> None:
    monkeypatch.setattr(sys, "stdin", piped)
    with pytest.raises(ReadError, match=problem):
        read("-")


def test_a_format_can_be_forced_and_takes_only_its_options(tmp_path: Path) -> None:
    path = _write(tmp_path, "label,v0,v1\na,1,2\nb,3,4\n", "some.data")
    assert read_with(path, format="csv")[0].classes == ("a", "b")
    (tmp_path / "some.ts").write_text("@classLabel true a\n@data\n1,2:a\n")
    with pytest.raises(ConfigError, match=r"the option id does not apply to \.ts files"):
        read_with(tmp_path / "some.ts", id="id")


def _write(folder: Path, text: str, name: str = "some.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name
