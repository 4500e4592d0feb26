"""`.ts` files: what is written comes back, and what is wrong is named with line and column."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unrolled.config import DataConfig
from unrolled.data.formats import read as read_ts
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError, UnrolledError

HEADER = "# a comment\n@problemName Small\n@timeStamps false\n@classLabel true a b\n@data\n"


def read_text(folder: Path, text: str, encoding: str = "utf-8", config: DataConfig | None = None) -> Sequences:
    path = folder / "small.ts"
    path.write_bytes(text.encode(encoding))
    return read_ts(path, config)


def refused(folder: Path, text: str) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read_text(folder, text)
    assert str(folder / "small.ts") in str(caught.value)
    return caught.value


def ts_text(rows: list[np.ndarray], labels: list[str], classes: list[str]) -> str:
    """The form as the archive publishes it, from arrays [T, F]."""
    lines = ["@problemName Made", "@timeStamps false", f"@classLabel true {' '.join(classes)}", "@data"]
    for row, label in zip(rows, labels, strict=True):
        channels = [",".join("?" if np.isnan(v) else repr(float(v)) for v in channel) for channel in row.T]
        lines.append(":".join([*channels, label]))
    return "\n".join(lines) + "\n"


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_reading_returns_what_was_written(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 3))
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    rows = [data.draw(hnp.arrays(np.float32, (length, width), elements=numbers)) for length in lengths]
    classes = data.draw(st.permutations(["up", "down", "ä", "4"]))
    labels = [data.draw(st.sampled_from(classes)) for _ in rows]
    text = ts_text(rows, labels, classes)
    sequences = read_text(tmp_path_factory.mktemp("ts"), text, config=DataConfig(padded=False))
    assert sequences.classes == tuple(classes)
    assert [sequences.classes[index] for index in sequences.targets] == labels
    assert sequences.lengths.tolist() == lengths
    for found, expected in zip(sequences, rows, strict=True):
        np.testing.assert_array_equal(found, expected)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_mutated_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    text = HEADER.replace("@data", "@dimensions 2\n@equalLength false\n@data") + "1,2.5,?:-3,4e2,5:a\n6:7:b\n"
    content = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = start + data.draw(st.integers(0, 3))
        content[start:stop] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b":", b",", b"\n", b"@", b"#", b"e", b"_", b"?", b"9"])
        )
    path = tmp_path_factory.mktemp("ts") / "small.ts"
    path.write_bytes(content)
    try:
        sequences = read_ts(path)
    except UnrolledError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert sequences.values.dtype == np.float32


def test_values_are_float32_writable_and_time_first(tmp_path: Path) -> None:
    sequences = read_text(tmp_path, HEADER + "1,2,3:4,5,6:b\n")
    assert sequences.values.dtype == np.float32
    assert sequences.values.flags.writeable
    assert sequences[0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert sequences.channels == ("0", "1")


def test_question_mark_and_nan_are_missing(tmp_path: Path) -> None:
    sequences = read_text(tmp_path, HEADER + "1, ? ,NaN,nan,-2:a\n")
    np.testing.assert_array_equal(sequences[0][:, 0], [1, np.nan, np.nan, np.nan, -2])
    assert sequences.missing() == [(0, 1, 0), (0, 2, 0), (0, 3, 0)]


def test_classes_stand_in_the_declared_order(tmp_path: Path) -> None:
    sequences = read_text(tmp_path, "@classLabel true z 10 9 a\n@data\n1:a\n2:9\n")
    assert sequences.classes == ("z", "10", "9", "a")
    assert sequences.targets.tolist() == [3, 2]


@pytest.mark.parametrize("line", ["@classLabel false\n", ""])
def test_without_class_labels_there_are_none(tmp_path: Path, line: str) -> None:
    sequences = read_text(tmp_path, line + "@data\n1,2:3,4\n5:6\n")
    assert sequences.labels is None
    assert sequences.lengths.tolist() == [2, 1]
    assert len(sequences.channels) == 2


def test_header_keys_may_stand_in_any_letter_case(tmp_path: Path) -> None:
    text = "@PROBLEMNAME x\n@TimeStamps FALSE\n@univariate True\n@CLASSLABEL true a b\n@DATA\n1,2:a\n"
    assert read_text(tmp_path, text).targets.tolist() == [0]


def test_unknown_header_keys_are_skipped(tmp_path: Path) -> None:
    assert len(read_text(tmp_path, "@author someone\n" + HEADER + "1:a\n")) == 1


def test_a_misspelt_header_key_is_refused_with_the_right_one(tmp_path: Path) -> None:
    error = refused(tmp_path, "@classLabels true a b\n@data\n1:a\n")
    assert (error.line, error.column) == (1, 1)
    assert "Did you mean @classlabel?" in str(error)


@pytest.mark.parametrize(("mark", "encoding"), [("", "utf-8"), ("\ufeff", "utf-8"), ("", "latin-1")])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends_do_not_matter(tmp_path: Path, mark: str, end: str, encoding: str) -> None:
    text = "# José\n@problemName Garçon\n@classLabel true é ü\n@data\n1,2:ü\n3,4:é"
    sequences = read_text(tmp_path, mark + text.replace("\n", end), encoding)
    assert sequences.classes == ("é", "ü")
    assert sequences.targets.tolist() == [1, 0]


def test_utf16_is_read(tmp_path: Path) -> None:
    assert (
        read_text(tmp_path, HEADER + "1:a\n", "utf-16").fingerprint == read_text(tmp_path, HEADER + "1:a\n").fingerprint
    )


@pytest.mark.parametrize("comment", ["# in between\n", "\n", "   \n", "\u00a0\u2003\n"])
def test_comments_and_blank_lines_may_stand_anywhere(tmp_path: Path, comment: str) -> None:
    assert len(read_text(tmp_path, comment + HEADER + comment + "1:a\n" + comment + "2:b\n" + comment)) == 2


@pytest.mark.parametrize(
    ("case", "column", "says"),
    [
        ("1,2,x3:a", 5, "'x3' is not a number"),
        ("1,2:3,  four :a", 9, "'four' is not a number"),
        ("1,,2:a", 3, "no value between the commas"),
        ("1,2,:a", 5, "no value between the commas"),
        ("1,1_000:a", 3, "'1_000' is not a number"),
        ("1,1e39:a", 3, "beyond the range"),
        ("1,-1e999:a", 3, "beyond the range"),
        ("é,2:a", 1, "'é' is not a number"),
        ("1,é,x:a", 3, "'é' is not a number"),
        ("(0,1),1,2:a", None, "expected pairs of a time stamp and a value"),
        ("1,2,3:4,5:a", 7, "channel 1 has 2 values where channel 0 has 3"),
        ("1,2::a", 5, "channel 1 has no values"),
        (":a", 1, "channel 0 has no values"),
        (" : 1:a", 1, "channel 0 has no values"),
        ("1,2:c", 5, "class 'c' is not declared; expected one of a, b"),
        ("1,2: A", 6, "class 'A' is not declared"),
        ("1,2:", 5, "label is missing"),
        ("1,2:?", 5, "label is missing"),
        ("1,2:3,4", 5, "label is missing"),
        ("1,2,3", 6, "label is missing"),
        ("@missing false", None, "after @data"),
    ],
)
def test_a_wrong_case_is_named_with_line_and_column(tmp_path: Path, case: str, column: int | None, says: str) -> None:
    error = refused(tmp_path, HEADER + "1:a\n" * (case[0] != "1") + f"# skipped\n{case}\n")
    assert says in str(error)
    assert error.line == (8 if case[0] != "1" else 7)
    assert error.column == column
    if column:
        assert f"column {column}" in str(error)


@pytest.mark.parametrize(
    ("header", "case", "says"),
    [
        ("@dimensions 3", "1:2:a", "found 2 channel(s) but the header says @dimensions 3"),
        ("@univariate true", "1:2:a", "found 2 channel(s) but the header says @univariate true"),
        ("@seriesLength 4", "1,2,3:a", "found the length 3 but the header says @seriesLength 4"),
        ("@equalLength true", "1,2,3:a\n1,2:a", "found the length 2, where the first sequence has 3, but"),
        ("", "1,2:3,4:a\n1,2:a", "found 1 channel(s) where the first sequence has 2"),
    ],
)
def test_a_ragged_header_is_refused_with_the_line(tmp_path: Path, header: str, case: str, says: str) -> None:
    error = refused(tmp_path, f"{header}\n@classLabel true a b\n@data\n{case}\n")
    assert says in str(error)
    assert error.line == 4 + case.count("\n")


def test_series_length_counts_only_where_lengths_are_equal(tmp_path: Path) -> None:
    text = "@equalLength false\n@seriesLength 9\n@classLabel true a b\n@data\n1,2:a\n1:b\n"
    assert read_text(tmp_path, text).lengths.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("@targetLabel true", None, "regression"),
        ("@classLabel true", 17, "names no classes"),
        ("@classLabel maybe a b", 13, "expected true or false"),
        ("@classLabel true a b a", 22, "declared twice"),
        ("@univariate", 12, "has no value; expected true or false"),
        ("@dimensions twelve", 13, "expected a whole number"),
        ("@dimensions 2\n@dimensions 3", 1, "a second time"),
        ("@", 1, "no header key"),
        ("@data 1,2:a", 7, "after @data"),
        ("1,2,3:a", 1, "before @data"),
    ],
)
def test_a_wrong_header_line_is_named(tmp_path: Path, line: str, column: int | None, says: str) -> None:
    error = refused(tmp_path, f"# one\n{line}\n@data\n1:a\n")
    assert says in str(error)
    assert error.line == 2 + line.count("\n")
    assert error.column == column


def test_no_data_line_is_refused(tmp_path: Path) -> None:
    assert "no @data line" in str(refused(tmp_path, "# only\n@classLabel true a b\n"))


def test_data_without_sequences_are_refused(tmp_path: Path) -> None:
    assert "no sequences after @data" in str(refused(tmp_path, HEADER + "# nothing\n"))


@pytest.mark.parametrize("case", ["1,2,3:up", "1,2,3:1"])
def test_a_label_without_a_declaration_gets_advice(tmp_path: Path, case: str) -> None:
    error = refused(tmp_path, f"@problemName x\n@data\n{case}\n")
    assert "declare the classes: @classLabel true" in str(error)
    assert error.column == 7


def test_infinity_is_read_for_the_inspection_to_find(tmp_path: Path) -> None:
    sequences = read_text(tmp_path, HEADER + "1,inf,-Infinity:a\n")
    assert sequences[0][:, 0].tolist() == [1, float("inf"), float("-inf")]


def uea(name: str) -> Path:
    folder = os.environ.get("UNROLLED_DATA")
    if not folder:
        pytest.skip("UNROLLED_DATA is not set: no folder with the real data")
    return Path(folder) / "uea" / name.split("_")[0] / f"{name}.ts"


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "rows", "channels", "shortest", "longest", "classes"),
    [
        ("JapaneseVowels_TRAIN", 270, 12, 7, 26, 9),
        ("JapaneseVowels_TEST", 370, 12, 7, 29, 9),
        ("PickupGestureWiimoteZ_TRAIN", 50, 1, 29, 361, 10),
        ("PickupGestureWiimoteZ_TEST", 50, 1, 37, 324, 10),
        ("ArrowHead_TRAIN", 36, 1, 251, 251, 3),
        ("ArrowHead_TEST", 175, 1, 251, 251, 3),
    ],
)
def test_archive_problems_have_the_published_sizes(
    name: str, rows: int, channels: int, shortest: int, longest: int, classes: int
) -> None:
    sequences = read_ts(uea(name))
    assert len(sequences) == rows
    assert len(sequences.channels) == channels
    assert (sequences.lengths.min(), sequences.lengths.max()) == (shortest, longest)
    assert len(sequences.classes) == classes
    assert np.isfinite(sequences.values).all()
    assert (sequences.class_counts() > 0).all()


@pytest.mark.data
def test_arrow_head_equals_its_tab_separated_form() -> None:
    path = uea("ArrowHead_TRAIN")
    sequences = read_ts(path)
    table = np.loadtxt(path.with_suffix(".tsv"), delimiter="\t")
    assert [sequences.classes[index] for index in sequences.targets] == [str(int(row[0])) for row in table]
    values = sequences.values.reshape(len(sequences), -1)
    np.testing.assert_allclose(values, table[:, 1:], rtol=1e-5, atol=1e-6)


@pytest.mark.data
def test_japanese_vowels_is_read_in_well_under_a_second() -> None:
    path = uea("JapaneseVowels_TEST")
    start = time.perf_counter()
    read_ts(path)
    assert time.perf_counter() - start < 0.5


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    text = HEADER + "1,2,3:4,5,6:b\n"
    (tmp_path / "some.ts.gz").write_bytes(gzip.compress(text.encode()))
    assert read_ts(tmp_path / "some.ts.gz").fingerprint == read_text(tmp_path, text).fingerprint
