"""Long tables: the same data whatever the file, the order of the rows and the chunks; and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from tables import read_text, read_with, refused
from unrolled.config import DataConfig
from unrolled.data.files import Notes, chunks
from unrolled.data.formats import read, read_recordings
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

HEAD = "id,time,ax,ay,label\n"


def table(cases: int = 30, seed: int = 0) -> tuple[pa.Table, Sequences]:
    """Random sequences as a long table, sorted, and as `Sequences` made without a reader."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 40, cases)
    values = rng.normal(size=(lengths.sum(), 2)).astype(np.float32)
    ids, labels = [f"case {i}" for i in range(cases)], ["ab"[i % 2] for i in range(cases)]
    case = np.repeat(np.arange(cases), lengths)
    times = np.concatenate([np.arange(n) * 0.5 for n in lengths])
    rows = {
        "id": [ids[i] for i in case],
        "time": times,
        "ax": values[:, 0].astype(float),
        "ay": values[:, 1].astype(float),
        "label": [labels[i] for i in case],
    }
    return pa.table(rows), Sequences.from_steps(values, lengths, labels, channels=["ax", "ay"])


def write(path: Path, rows: pa.Table) -> Path:
    if path.suffix == ".parquet":
        parquet.write_table(rows, path)
    elif path.suffix == ".gz":
        write(path.with_suffix(""), rows)
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
    else:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        arrow_csv.write_csv(rows, path, arrow_csv.WriteOptions(delimiter=delimiter))
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.parquet"])
@pytest.mark.parametrize("mixed", [False, True])
def test_the_sequences_are_those_that_were_written(tmp_path: Path, name: str, mixed: bool) -> None:
    rows, expected = table()
    if mixed:  # rows of the sequences between each other, each sequence's own in order
        times = rows["time"].to_numpy() + np.random.default_rng(1).random(len(rows)) * 0.4
        first = np.flatnonzero(rows["time"].to_numpy() == 0)
        order = np.concatenate([first, np.setdiff1d(np.argsort(times, kind="stable"), first, assume_unique=True)])
        rows = rows.take(order)
    found = read(write(tmp_path / name, rows))
    assert found.fingerprint == expected.fingerprint
    assert found.channels == ("ax", "ay")
    assert found.ids is not None
    assert found.times is not None
    assert found.ids.tolist() == [f"case {i}" for i in range(30)]
    assert (found.times == 0).all()


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_the_size_of_the_chunks_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    rows, expected = table(12)
    path = write(tmp_path / "a.csv", rows)
    monkeypatch.setattr(chunks.read_chunks, "__kwdefaults__", {**chunks.read_chunks.__kwdefaults__, "size": size})
    assert read(path).fingerprint == expected.fingerprint


def test_what_was_found_is_told_once(tmp_path: Path) -> None:
    rows, _ = table(4)
    path = write(tmp_path / "a.csv", rows)
    _, notes = read_with(path)
    assert notes == ("a.csv: found a long table, a row a step: id 'id', time 'time', label 'label', channels ax, ay")
    names: dict[str, Any] = {"id": "id", "time": "time", "label": "label", "channels": ("ax", "ay")}
    _, notes = read_with(path, **names)
    assert notes == ""


def test_columns_can_be_named(tmp_path: Path) -> None:
    text = "who,when,x,y,z,kind,person\n1,0,1,2,3,a,p\n1,1,4,5,6,a,p\n2,0,7,8,9,b,q\n"
    found = read_text(tmp_path, text, id="who", time="when", label="kind", channels=("z", "x"), group="person")
    assert found.values.tolist() == [[3, 1], [6, 4], [9, 7]]
    assert found.classes == ("a", "b")
    assert found.groups is not None
    assert found.groups.tolist() == ["p", "q"]


def test_all_rows_can_be_one_sequence(tmp_path: Path) -> None:
    found = read_text(tmp_path, "time,x\n0,5\n1,6\n", table="long")
    assert found.lengths.tolist() == [2]
    assert found.ids is None


def test_a_group_is_no_channel(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("id,x,subject\n1,1,7\n1,2,7\n2,3,8\n")
    found, notes = read_with(path)
    assert found.channels == ("x",)
    assert "column 'subject' is left out of the channels; --group subject" in notes


def test_row_numbers_are_no_channel(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text(",id,x\n0,1,1\n1,1,2\n2,2,3\n")
    found, notes = read_with(path)
    assert found.channels == ("x",)
    assert "the numbers of the rows, is left out" in notes


@pytest.mark.parametrize(
    ("first", "second", "seconds"),
    [
        ("2026-01-31 12:00:00.250", "2026-01-31 12:00:00.500", 1769860800.25),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z", 1769860800.0),
        ("1.5", "2", 1.5),
        ("2026-01-31", "2026-02-01", 1769817600.0),
    ],
)
def test_times_are_numbers_or_time_stamps(tmp_path: Path, first: str, second: str, seconds: float) -> None:
    found = read_text(tmp_path, f"id,time,x\na,{first},1\na,{second},2\n")
    assert found.times is not None
    assert found.times.tolist() == [seconds]
    refused(tmp_path, f"id,time,x\na,{second},1\na,{first},2\n", r"line 3: id 'a': the time .* comes after")


def test_time_stamps_of_parquet_are_seconds(tmp_path: Path) -> None:
    moments = np.array(["2026-01-31T12:00:00.25", "2026-01-31T12:00:01"], "datetime64[ns]")
    parquet.write_table(pa.table({"id": ["a", "a"], "t": moments, "x": [1, 2]}), tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet")
    assert found.times is not None
    assert found.times.tolist() == [1769860800.25]


@pytest.mark.parametrize("missing", ["", "NA", "nan", "?", "NULL"])
def test_missing_values_are_missing(tmp_path: Path, missing: str) -> None:
    found = read_text(tmp_path, f"id,x,y\na,1,2\na,{missing},3\n")
    assert found.missing() == [(0, 1, 0)]


def test_labels_that_are_numbers_are_ordered_by_value(tmp_path: Path) -> None:
    assert read_text(tmp_path, "id,x,label\na,1,10\na,1,10\nb,1,9\nc,1,-1\n").classes == ("-1", "9", "10")
    assert read_text(tmp_path, "id,x,label\na,1,1.0\na,1,1.0\nb,1,0.5\n").classes == ("0.5", "1")
    assert read_text(tmp_path, "id,x,label\na,1,b\na,1,b\nb,1,10\n").classes == ("10", "b")


def test_labels_may_be_missing_where_none_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text(HEAD + "a,0,1,2,\na,1,1,2,\nb,0,1,2,x\n")
    assert read(path, labels_needed=False).labels is None
    refused(
        tmp_path, path.read_bytes(), r"column 'label' has no label for 1 of 2 sequences, the first is sequence 0 \(a\)"
    )
    assert read_text(tmp_path, "id,x,label\na,1,\na,2,\n").labels is None


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("a,0,1,2,x\na,0,1,2,x\n", r"line 3: id 'a': the time 0 in column 'time' occurs twice"),
        ("a,1,1,2,x\na,0,1,2,x\n", r"line 3: id 'a': the time 0 in column 'time' comes after 1; .*Sort the rows"),
        ("a,0,1,2,x\nb,5,1,2,x\na,-1,1,2,x\n", r"line 4: id 'a': the time -1 .* comes after 0"),
        ("a,0,1,2,x\na,,1,2,x\n", r"line 3: id 'a': the time in column 'time' is missing"),
        ("a,0,1,2,x\n\na,1,1,2,y\n", r"line 4: the label in column 'label' of id 'a' changes from 'x' to 'y'"),
        ("a,0,1,2,x\n,1,1,2,x\n", r"line 3: column 'id' is empty; every step needs the id"),
        ("a,0,1,2,x\na,1,1,2\n", r"line 3: found 4 columns where the header has 5"),
        ("a,0,1,2,x\na,1,1,2,x,9\n", r"line 3: found 6 columns where the header has 5"),
        ("a,0,1,2,x\na,1,foo,2,x\na,2,1,2,x\na,3,1,2,x\n", r"line 3: column 'ax' holds 'foo'; expected a number"),
        (
            'a,0,1.5,2.5,x\na,1,0.5,2.5,x\na,2,"1,5",2,x\n',
            r"line 4: column 'ax' holds '1,5'; .*--decimal comma",
        ),
        ("a,0,1,2,x\na,1,1e300,2,x\na,2,1,2,x\n", r"line 3: column 'ax' holds 1e\+300, .*beyond the range"),
        ("a,0,1,2,x\na,noon,1,2,x\na,2,1,2,x\na,3,1,2,x\n", r"line 3: column 'time' holds 'noon'"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_with_its_line(tmp_path: Path, rows: str, problem: str) -> None:
    refused(tmp_path, HEAD + rows, problem)


def test_the_line_is_right_beyond_the_first_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks.read_chunks, "__kwdefaults__", {**chunks.read_chunks.__kwdefaults__, "size": 64})
    good = "".join(f"a,{i},1,2,x\r\n" for i in range(100))
    refused(tmp_path, HEAD + good + "a,100,1,oops,x\n", r"line 102: column 'ay' holds 'oops'")
    refused(tmp_path, HEAD + good + "a,99,1,2,x\n", r"line 102: id 'a': the time 99 .* twice")


@pytest.mark.parametrize(
    ("text", "options", "problem"),
    [
        (HEAD + "a,0,1,2,x\n", {"id": "case"}, r"there is no column 'case' \(--id\)"),
        (HEAD + "a,0,1,2,x\n", {"label": "lable"}, "Did you mean 'label'"),
        (HEAD + "a,0,1,2,x\n", {"channels": ("az",)}, r"no column 'az' \(--channels\)"),
        (HEAD + "a,0,1,2,x\n", {"id": "id", "label": "id"}, "names a column that another option names too"),
        (HEAD + "a,0,1,2,x\n", {"channels": ("ax", "ax")}, "names a column twice"),
        (HEAD + "a,0,1,2,x\n", {"channels": ("label",), "label": "-"}, "column 'label' holds 'x'; expected numbers"),
        ("id,x,x\na,1,2\n", {}, "the column name 'x' occurs twice, in columns 2 and 3"),
        ("id,a,b\n1,x,y\n1,x,z\n", {}, "the columns a, b hold text; which of them is the label"),
        ("time,ax,ay\n0,1,2\n1,3,4\n", {}, "the columns time, ax, ay do not show whether a row is a step"),
        ("id,label\na,x\na,x\n", {}, "no column is left for the values"),
        ("id,x\n", {}, "there is a header but no row under it"),
        ("\n\n", {}, "there is nothing in it"),
        ("id,x\na,1\na,2\n", {"delimiter": "::"}, "expected one character"),
        ("id,x\na,1\na,2\n", {"layout": "time-first"}, "the option layout does not apply to CSV"),
    ],
)
def test_tables_and_options_that_make_no_sense_are_refused(
    tmp_path: Path, text: str, options: dict[str, Any], problem: str
) -> None:
    refused(tmp_path, text, problem, **options)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.replace(b"\n", b"\n\n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b",", b" , "),
    ],
    ids=["byte-order mark", "Windows", "old Mac", "blank lines", "no last line end", "spaces"],
)
def test_it_does_not_matter_how_the_text_was_written(tmp_path: Path, change: Any) -> None:
    text = (HEAD + "a,0,1,2,é\na,1,3,4,é\nb,0,5,6,ß\n").encode()
    expected = read_text(tmp_path, text)
    assert expected.classes == ("ß", "é")
    assert read_text(tmp_path, change(text)).fingerprint == expected.fingerprint


def test_text_that_is_not_utf_8_is_taken_as_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes((HEAD + "a,0,1,2,é\na,1,3,4,é\n").encode("latin-1"))
    found, notes = read_with(path)
    assert found.classes == ("é",)
    assert "read as Latin-1" in notes


@pytest.mark.parametrize("order", [("utf-8", "latin-1"), ("latin-1", "utf-8")])
def test_a_file_has_one_encoding(tmp_path: Path, order: tuple[str, str]) -> None:
    path = tmp_path / "both.csv"
    rows = ["a,0,1,2,é\n".encode(order[0]), b"b,0,1,2,e\n", "c,1,3,4,é\n".encode(order[1])]
    path.write_bytes(HEAD.encode() + b"".join(rows))
    with pytest.raises(ReadError, match=r"line 4: this line is .* one encoding for the whole file"):
        read_with(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"id,x\na,1\na,\0\n", "line 3: this is not text: it holds zero bytes"),
        (b"id,x\na," + b"1" * (10 << 20) + b"\n", "line 2: a cell is longer than 131,072 characters"),
        (b'id,x\na,"1\n' + b"a,1\n" * (3 << 20), "a quotation mark in it is not closed"),
        (gzip.compress(b"id,x\na,1\na,2\n")[:-12], "the gzip stream is cut short"),
        (gzip.compress(b"\0" * (20 << 20)), "this is a binary file"),
        (gzip.compress(b"1" * (20 << 20)), "longer than 8 MB"),
    ],
    ids=["zero bytes", "10 MB line", "open quote", "cut gzip", "gzip of zeros", "gzip of one line"],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    refused(tmp_path, content, problem)


@pytest.mark.parametrize("size", [64, 1 << 20])
def test_times_of_day_go_on_past_midnight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(chunks.read_chunks, "__kwdefaults__", {**chunks.read_chunks.__kwdefaults__, "size": size})
    hours = [23, 23.75, 24, 35, 47.75, 48.25]
    rows = "".join(f"{name},{int(hour) % 24:02d}:{int(hour % 1 * 60):02d}:00,1,up\n" for hour in hours for name in "ab")
    (tmp_path / "own.csv").write_text("id,time,ax,label\n" + rows)
    notes: list[str] = []
    found = read_recordings(tmp_path / "own.csv", DataConfig(window=1), Notes(notes.append))
    assert found.step_times is not None
    assert found.step_times.tolist() == [hour * 3600 for hour in hours] * 2
    assert sum("go on past midnight" in note for note in notes) == 1
    assert read(tmp_path / "own.csv").lengths.tolist() == [6, 6]


def test_where_ids_part_sequences_times_are_not_offered_for_it(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"Sort the rows by id and time\.$"):
        read_text(tmp_path, HEAD + "a,12:00:00,1,2,up\na,11:00:00,1,2,up\n")


@pytest.mark.parametrize(
    "head",
    [
        "Sample No;Zeitpunkt;Kanal A;Zustand",
        "case-ID;Time Stamp [s];ax;label",
        "sample.no;timestamp;ax;Klasse",
        "Messung ID;Datum_Uhrzeit;b;y",
        "RecordingID;Seconds Elapsed;a;Activity",
    ],
)
def test_well_known_names_are_known_however_they_are_spelled(tmp_path: Path, head: str) -> None:
    rows = "".join(f"{case};{time};0.5;{'ab'[case % 2]}\n" for case in range(4) for time in range(3))
    found = read_text(tmp_path, f"{head}\n{rows}")
    assert found.lengths.tolist() == [3] * 4
    assert found.channels == (head.split(";")[2],)
    assert found.times is not None
    assert found.classes == ("a", "b")


def test_numbers_of_rows_are_no_ids(tmp_path: Path) -> None:
    found = read_text(tmp_path, "recording;sample;ax\n" + "".join(f"{i // 3};{i % 3};1.5\n" for i in range(9)))
    assert found.lengths.tolist() == [3, 3, 3]
    refused(tmp_path, "sample no,ax\n" + "".join(f"{i % 3},1.5\n" for i in range(9)), "do not show whether")
