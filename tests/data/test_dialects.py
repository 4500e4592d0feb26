"""Tables as people have them: the same recordings in many forms, and advice that works when it is followed."""

from __future__ import annotations

import gzip
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import read_text, read_with, refused
from unrolled.cli.data import data_config
from unrolled.data.formats import pattern_of, read
from unrolled.data.moments import find_form
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, ReadError, UnrolledError

RNG = np.random.default_rng(0)
LENGTHS = [4 + i % 3 for i in range(6)]
ARRAYS = [np.round(RNG.normal(size=(length, 2)) * 20, 2) for length in LENGTHS]
LABELS = ["up", "down"] * 3
FRAME = pd.DataFrame(
    [
        (f"r{number}", step * 0.5, *row, label)
        for number, (array, label) in enumerate(zip(ARRAYS, LABELS, strict=True))
        for step, row in enumerate(array.tolist())
    ],
    columns=["id", "time", "ax", "ay", "label"],
)
EXPECTED = Sequences.from_list(ARRAYS, LABELS, channels=["ax", "ay"])


def written(**options: Any) -> str:
    return FRAME.to_csv(index=options.pop("index", False), **options)


def of_r() -> str:
    rows = [
        f'"{index}" ' + " ".join(f'"{v}"' if isinstance(v, str) else str(v) for v in row)
        for index, row in enumerate(FRAME.itertuples(index=False), 1)
    ]
    return "\n".join([" ".join(f'"{name}"' for name in FRAME.columns), *rows]) + "\n"


def fixed() -> str:
    return FRAME.to_string(index=False) + "\n"


HEADER, *ROWS = written().splitlines()
FORMS: dict[str, tuple[str, str | bytes]] = {
    "semicolons": ("a.csv", written(sep=";")),
    "semicolons and decimal commas": ("a.csv", written(sep=";", decimal=",")),
    "tabs and decimal commas": ("a.tsv", written(sep="\t", decimal=",")),
    "quoted decimal commas": ("a.csv", written(decimal=",")),
    "bars": ("a.csv", written(sep="|")),
    "a sep line": ("a.csv", "sep=;\n" + written(sep=";")),
    "aligned by spaces": ("a.txt", fixed()),
    "as R writes it": ("a.txt", of_r()),
    "no ending": ("a", written()),
    "another ending": ("a.data", written(sep="\t")),
    "comments": ("a.csv", "# made by X, at 20 Hz\n%\n" + written()),
    "a comment that names the columns": ("a.dat", "# Task: y\n# Columns: " + HEADER + "\n" + "\n".join(ROWS)),
    "a preamble": ("a.csv", "Device: X1\nRate: 100 Hz\n\n" + written()),
    "units": ("a.csv", "\n".join([HEADER, ",s,m/s^2,[g],", *ROWS])),
    "trailing delimiters": ("a.csv", "".join(f"{line},\n" for line in [HEADER, *ROWS])),
    "trailing delimiters of rows alone": (
        "a.csv",
        HEADER + "\n" + "".join(f"{line};\n".replace(";", ",") for line in ROWS),
    ),
    "blank rows": ("a.csv", "\n".join([HEADER, ROWS[0], "", ",,,,", *ROWS[1:], "", ""])),
    "repeated headers": ("a.csv", "\n".join([HEADER, *ROWS[:9], HEADER, *ROWS[9:]])),
    "UTF-16": ("a.csv", written().encode("utf-16")),
    "UTF-16 without a mark": ("a.txt", written().encode("utf-16-be")),
    "a byte-order mark": ("a.csv", written().encode("utf-8-sig")),
    "packed": ("a.txt", gzip.compress(written(sep="\t").encode())),
    "row numbers without a name": ("a.csv", written(index=True)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_way_to_write_a_table_is_read_unasked(tmp_path: Path, form: str) -> None:
    name, content = FORMS[form]
    found = read_text(tmp_path, content, name)
    assert found.channels == EXPECTED.channels
    assert found.fingerprint == EXPECTED.fingerprint
    later = read_text(tmp_path, content, f"later-{name}")
    assert read(tmp_path / f"later-{name}", like=found.reading).fingerprint == later.fingerprint


@given(
    st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=3, max_size=9), st.sampled_from(";\t|")
)
def test_decimal_commas_are_read_as_pandas_reads_them(
    tmp_path_factory: Any, rows: list[list[float]], mark: str
) -> None:
    frame = pd.DataFrame(rows, columns=["s_0", "s_1", "s_2"]).round(4).assign(label=list("ab" * 5)[: len(rows)])
    path = tmp_path_factory.mktemp("comma") / "a.csv"
    frame.to_csv(path, sep=mark, decimal=",", index=False)
    expected = pd.read_csv(path, sep=mark, decimal=",")[["s_0", "s_1", "s_2"]].to_numpy(np.float32)
    found = read(path)
    values = np.stack([found.scaled(index) for index in range(len(found))])
    np.testing.assert_allclose(values, expected[:, :, None], rtol=1e-6)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_groups_of_digits_are_read(tmp_path: Path, mark: str) -> None:
    text = mark.join(["id", "x"]) + "\n" + "".join(f"a{mark}{cell}\n" for cell in ("1,234.5", "2,345,678", "", "12"))
    np.testing.assert_array_equal(read_text(tmp_path, text)[0].ravel(), np.float32([1234.5, 2345678, np.nan, 12]))
    german = text.translate(str.maketrans(",.", ".,"))
    np.testing.assert_array_equal(read_text(tmp_path, german)[0].ravel(), np.float32([1234.5, 2345678, np.nan, 12]))


@pytest.mark.parametrize("place", ["first", "last", "none"])
@pytest.mark.parametrize(("mark", "ending"), [(" ", "txt"), (",", "csv"), (";", "data"), ("\t", "")])
def test_rows_of_unequal_length_are_sequences(tmp_path: Path, mark: str, ending: str, place: str) -> None:
    classes = {"first": ["1", "2"], "last": ["up", "down"], "none": ["", ""]}[place]
    arrays = [array[:, 0] for array in ARRAYS]
    lines = []
    for number, array in enumerate(arrays):
        cells = [f"{value:.2f}".replace(".", "," if mark == ";" else ".") for value in array]
        label = [classes[number % 2]] if place != "none" else []
        lines.append(mark.join([*cells, *label] if place == "last" else [*label, *cells]) + "\n")
    found = read_text(tmp_path, "".join(lines), f"a.{ending}")
    np.testing.assert_allclose(np.concatenate(list(found))[:, 0], np.concatenate(arrays), rtol=1e-6)
    assert found.lengths.tolist() == LENGTHS
    assert found.labels is None if place == "none" else found.classes == tuple(sorted(classes))
    (tmp_path / "one").write_text(lines[0])
    assert read(tmp_path / "one", like=found.reading).lengths.tolist() == LENGTHS[:1]


def test_one_shorter_row_among_many_is_a_mistake_unless_rows_are_sequences(tmp_path: Path) -> None:
    text = "".join(f"{'ab'[i % 2]},0.5,{i}.5,3{',4.5' * (i != 7)}\n" for i in range(20))
    refused(tmp_path, text, "line 8: found 4 columns .*--table wide")
    found = read(tmp_path / "some.csv", data_config({"table": "wide"}))
    assert sorted(found.lengths.tolist()) == [3, *[4] * 19]


def test_a_number_that_begins_with_zero_has_decimals(tmp_path: Path) -> None:
    found = read_text(tmp_path, "id;x\na;0,125\na;-0,500\nb;0,042\n")
    np.testing.assert_allclose(np.concatenate(list(found)).ravel(), [0.125, -0.5, 0.042], rtol=1e-6)


NAMELESS = "".join(f"{i},{t},0.5{i}{t},{'ud'[i % 2]}\n" for i in range(4) for t in range(5))
FRENCH = "Numéro;Temps (s);Force [N];Étiquette\n" + NAMELESS.replace(",", ";").replace(".", ",")
WRITERS: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "French": (FRENCH.encode("latin-1"), {"id": "Numéro"}),
    "narrow spaces between digits": (NAMELESS.replace(",0.5", ",12\u202f340.5"), {"id": "0", "time": "1"}),
    "apostrophes between digits": (NAMELESS.replace(",0.5", ",12'340.5"), {"id": "0", "time": "1"}),
    "a serial monitor": (
        "".join(f"12:00:0{row[0]}.00{row[2]} -> {row[4:]}\n" for row in NAMELESS.splitlines()),
        {"time": "0", "sequences_by": "5"},
    ),
    "semicolons at the end": (
        "".join(f"{row[:4]}{row[-1]},{row[4:-2]};\n" for row in NAMELESS.splitlines()),
        {"id": "0,2", "time": "1", "label": "2"},
    ),
    "a rule below the names": ("id | t | x | label\n---|---|---|---\n" + NAMELESS.replace(",", " | "), {}),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_programs_write_is_read(tmp_path: Path, writer: str) -> None:
    text, options = WRITERS[writer]
    found = read_text(tmp_path, text, "a.txt", **options)
    assert (found.lengths.tolist(), found.class_counts().tolist()) == ([5] * 4, [2, 2])
    large = 12_340 if "between" in writer else 0
    numbers = [large + float(f"0.5{i}{t}") for i in range(4) for t in range(5)]
    np.testing.assert_allclose(np.concatenate([found.scaled(i) for i in range(4)]).ravel(), numbers, rtol=1e-6)


def test_columns_named_by_where_they_were_measured_are_steps(tmp_path: Path) -> None:
    found = read_text(tmp_path, "name,class,400.0,400.5,401.0\na,oil,1,2,3\nb,water,4,5,6\n")
    assert ([each.ravel().tolist() for each in found], found.classes) == ([[1, 2, 3], [4, 5, 6]], ("oil", "water"))


def test_prose_is_no_label(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 2},this was number {i}\n" for i in range(6))
    found = read_text(tmp_path, f"id,sentiment,review\n{rows}")
    assert (found.classes, found.tokens(1)) == (("0", "1"), ["this", "was", "number", "1"])


def test_labels_stand_in_a_file_beside(tmp_path: Path) -> None:
    _write(tmp_path, "1\n2\n1\n", "y_train.txt")
    found = read_text(tmp_path, "0.1 0.2 0.3\n0.4 0.5 0.6\n0.7 0.8 0.9\n", "X_train.txt")
    assert (found.classes, found.targets.tolist()) == (("1", "2"), [0, 1, 0])


def test_a_folder_of_columns_of_whole_numbers_holds_no_texts(tmp_path: Path) -> None:
    for name in ("Z001", "Z002", "S001", "S002"):
        _write(tmp_path, "\n".join(str(7 * step % 23) for step in range(9)), f"{name}.txt")
    found = read(tmp_path)
    assert (found.symbols, found.lengths.tolist(), found.classes) == (None, [9] * 4, ("S", "Z"))


# Advice

WIDE = "label,{}\n" + "".join(f"{'ab'[i % 2]},{{}}\n" for i in range(4))


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("a.tsv", "id\tx\tlabel\na\t1,234\tu\na\t2,345\tu\nb\t3,456\td\n", "--decimal point"),
        ("a.tsv", "id\tx\tlabel\na\t1,234\tu\na\t2,345\tu\nb\t3,456\td\n", "--decimal comma"),
        ("a.csv", "id,time,x,label\na,01/02/2026,1,u\na,02/02/2026,2,u\nb,01/02/2026,1,d\n", "--day-first"),
        ("a.csv", "id,time,x,label\na,01/02/2026,1,u\na,02/02/2026,2,u\nb,01/02/2026,1,d\n", "--no-day-first"),
        ("a.csv", "subject,trial,x,label\nS,1,1,u\nS,2,2,d\nT,1,3,d\nT,2,4,u\n", "--id subject,trial"),
        ("a.csv", "subject,trial,x,label\nS,1,1,u\nS,2,2,u\nT,1,3,u\nT,2,4,u\n", "--id trial"),
        ("a.csv", "time,x,label\n0,1,u\n1,2,u\n0,3,d\n1,4,d\n", "--sequences-by time"),
        ("a.csv", "id,time,x,label\na,0,1,u\na,1,2,u\na,0,3,d\na,1,4,d\n", "--sequences-by time"),
        ("a.csv", "ax,ay\n1,2\n3,4\n5,6\n7,8\n", "--table long"),
        ("a.csv", "ax,ay\n1,2\n3,4\n5,6\n7,8\n", "--table wide"),
        ("a.csv", "nr,ax,kind\n1,2,u\n1,4,u\n2,6,d\n2,8,d\n", "--id nr"),
        ("a.csv", "".join(f"0.{i},{'ab'[i % 2]},1,2\n" for i in range(9)), "--table wide --label 1"),
        ("a.csv", "".join(f"{i % 5},0.{i},1\n" for i in range(20)), "--sequences-by time --time 0"),
        ("a.txt", "".join(f"{i}.5\n" for i in range(20)), "--table long"),
        ("a.csv", "".join(f"1,0.{i},3{',4' * (i != 3)}\n" for i in range(30)), "--table wide"),
        ("a.csv", '{"sequence": [1, 2], "label": "a"}\n{"sequence": [3, 4], "label": "b"}\n', "--format jsonl"),
    ],
)
def test_advice_that_is_followed_works(tmp_path: Path, name: str, text: str, advice: str) -> None:
    with pytest.raises(UnrolledError, match=re.escape(advice)):
        read_text(tmp_path, text, name)
    given_: dict[str, Any] = {}
    for option in advice.removeprefix("--").split(" --"):
        name_of, *value = shlex.split(option)
        name_of = name_of.replace("-", "_")
        given_[name_of.removeprefix("no_")] = value[0] if value else not name_of.startswith("no_")
    found = read(tmp_path / name, data_config(given_))
    assert found.num_steps >= 2


def test_notes_say_the_option_that_parts_sequences(tmp_path: Path) -> None:
    blocks = ["0.5 1.5", "1.0 2.0", "", "3.5 1.0", "4.0 1.0"]
    path = tmp_path / "a.txt"
    path.write_text("\n".join(blocks))
    assert "--sequences-by blank-lines" in read_with(path, label="-")[1]
    found = read(path, data_config({"sequences_by": "blank-lines"}))
    assert [each.tolist() for each in found] == [[[0.5, 1.5], [1, 2]], [[3.5, 1], [4, 1]]]
    path.write_text("\n".join("0 0 0" if not line else f"{line} 7.5" for line in blocks) + "\n0.0 0 0\n")
    assert "--sequences-by marks" in read_with(path, label="-")[1]
    found = read(path, data_config({"sequences_by": "marks", "label_from": "1"}))
    assert (found.lengths.tolist(), found.classes) == ([2, 2], ("1", "2"))
    counted = read(path, data_config({"sequences_by": "3", "label": "-"}))
    assert counted.lengths.tolist() == [3, 3]


def test_a_line_in_front_of_a_block_is_its_label(tmp_path: Path) -> None:
    text = "".join(f"{label}\n" + "\t1\t2.5\n\t3\t4\n" * length + "\n\n" for label, length in (("up", 1), ("down", 2)))
    found = read_text(tmp_path, text, "lp.data")
    assert (found.lengths.tolist(), found.classes) == ([2, 4], ("down", "up"))
    assert found[0].tolist() == [[1, 2.5], [3, 4]]


# Time stamps

STAMPS = {
    "%Y-%m-%d %H:%M:%S%z": "two digits",
    "%Y-%m-%dT%H:%M:%S.%f": "T",
    "%Y%m%dT%H%M%S": "basic",
    "%Y/%m/%d %H:%M": "slashes",
    "%d.%m.%Y %H:%M:%S": "German",
    "%m/%d/%Y %I:%M:%S %p": "AM",
    "%d %b %Y %H:%M:%S": "month",
    "%b %d, %Y %H:%M": "American",
    "%d-%b-%Y %H:%M:%S": "SAS",
    "%H:%M:%S.%f": "clock",
}


@pytest.mark.parametrize("form", STAMPS)
def test_time_stamps_are_those_of_pandas(tmp_path: Path, form: str) -> None:
    moments = pd.date_range(
        "2026-01-28 11:59:58", periods=5, freq="61min", tz="Europe/Berlin" if "%z" in form else None
    )
    texts = [moment.strftime(form) for moment in moments]
    found = find_form(texts)
    assert found is not None
    assert not isinstance(found, str)
    import pyarrow as pa

    seconds, wrong, _ = found.seconds(pa.chunked_array([texts]))
    assert wrong is None
    parsed = pd.to_datetime(texts, format=form, utc="%z" in form)
    expected = (parsed - parsed[0].normalize()) if form.startswith("%H") else (parsed - pd.Timestamp(0, tz=parsed.tz))
    np.testing.assert_allclose(seconds, expected.total_seconds(), rtol=1e-15)


@pytest.mark.parametrize("stamps", [["2026-10-25 02:59:59+02", "2026-10-25 02:00:00+01"], ["x 23:59:59", "y 00:00:01"]])
def test_times_rise_by_real_time(tmp_path: Path, stamps: list[str]) -> None:
    days = {"x": "2026-01-01", "y": "2026-01-02"}
    rows = [stamp.split(" ") for stamp in stamps]
    text = "id,date,time,v\n" + "".join(f"a,{days.get(day, day)},{clock},1\n" for day, clock in rows)
    found, notes = read_with(_write(tmp_path, text))
    assert found.lengths.tolist() == [2]
    assert "time 'date,time'" in notes
    joined = "id,time,v\n" + "".join(f"a,{days.get(day, day)} {clock},1\n" for day, clock in rows)
    assert read_text(tmp_path, joined).times == pytest.approx(found.times)


def test_a_wrong_stamp_is_named_with_its_form(tmp_path: Path) -> None:
    rows = "".join(f"a,2026-01-0{day} 10:00,1\n" for day in range(1, 6))
    refused(
        tmp_path,
        f"id,time,v\n{rows}a,6.1.26 10:00,1\n",
        r"line 7: column 'time' holds '6.1.26 10:00'; .*year-month-day",
    )
    refused(tmp_path, f"id,time,v\n{rows}a,2026-01-06 10:00Z,1\n", "line 7: column 'time' .*a time zone")
    refused(tmp_path, f"id,time,v\n{rows}a,2026-02-30 10:00,1\n", "line 7: column 'time' holds '2026-02-30 10:00'")


# What is no data

NO_DATA: dict[str, tuple[bytes, str]] = {
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:3\nsize 2\n", "git lfs pull"),
    "HTML": (b"\n<!DOCTYPE html>\n<html></html>\n", "an HTML page"),
    "XML": (b"<?xml version='1.0'?>\n<a/>\n", "XML"),
    "XLSX": (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0xl/workbook.xml" + b"\0" * 99, "an Excel workbook"),
    "ZIP": (b"PK\x03\x04\x14\0\0\0\0\0data.csv" + b"\0" * 99, "a ZIP archive"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\n", "a PDF"),
    "pickle": (b"\x80\x04\x95\x10\0\0\0", "a pickle"),
    "binary": (bytes(range(256)), "a binary file"),
    "error": (b'{"error": "not found"}\n', "JSON"),
    "SVMlight": (b"+1 1:0.5 2:0.25\n-1 1:0.5 3:1\n", "an SVMlight file"),
    "FASTA": (b">s1 pos\nacgtacgt\n>s2 neg\nacgg\n", "FASTA"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "a picture"),
}


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a", "a.tsv"])
@pytest.mark.parametrize("kind", NO_DATA)
def test_what_is_no_data_is_named(tmp_path: Path, kind: str, name: str) -> None:
    content, says = NO_DATA[kind]
    if kind != "error" or name != "a":
        refused(tmp_path, content, says, name)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ReadError, match="the file is empty"):
        read(tmp_path / "empty")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "ts", "arff", "npz", "parquet"])
def test_what_is_missing_at_the_end_is_padding_in_every_format_or_missing_by_one_option(
    tmp_path: Path, ending: str
) -> None:
    values = np.array([[1.5, np.nan, 3, np.nan, np.nan], [1, 2, 3, 4, 5.5], [2, 3, 4, 5, np.nan]])
    path = tmp_path / f"a.{ending}"
    cells = [["?" if np.isnan(v) else str(v) for v in row] for row in values]
    frame = pd.DataFrame(
        {"sequence": [[None if np.isnan(v) else v for v in row] for row in values], "label": list("uvu")}
    )
    attributes = "".join(f"@attribute a{step} numeric\n" for step in range(5))
    write: dict[str, Callable[[], Any]] = {
        "csv": lambda: pd.DataFrame(values).add_prefix("s_").assign(label=list("uvu")).to_csv(path, index=False),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        "parquet": lambda: frame.to_parquet(path),
        "npz": lambda: np.savez(path, X=values, y=list("uvu")),
        "ts": lambda: path.write_text(
            "@classLabel true u v\n@data\n" + "".join(f"{','.join(r)}:{c}\n" for r, c in zip(cells, "uvu", strict=True))
        ),
        "arff": lambda: path.write_text(
            f"@relation r\n{attributes}@attribute c {{u,v}}\n@data\n"
            + "".join(f"{','.join(r)},{c}\n" for r, c in zip(cells, "uvu", strict=True))
        ),
    }
    write[ending]()
    found = read(path)
    assert (found.lengths.tolist(), found.missing()) == ([3, 5, 4], [(0, 1, 0)])
    whole = read(path, data_config({"padded": False}))
    np.testing.assert_array_equal(np.stack(list(whole))[:, :, 0], values.astype(np.float32))


# Many files


def _write(folder: Path, text: str, name: str = "a.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("ending", ["csv", "txt", "parquet"])
@pytest.mark.parametrize("place", ["folders", "names", "pattern"])
def test_a_file_a_sequence_has_its_label_from_its_place(tmp_path: Path, ending: str, place: str) -> None:
    for number, (array, label) in enumerate(zip(ARRAYS, LABELS, strict=True)):
        frame = pd.DataFrame(array, columns=["ax", "ay"]).rename_axis("time").reset_index()
        name = f"{number}" if place == "folders" else f"{label}_{number}"
        path = tmp_path / "rec" / (label if place == "folders" else "") / f"{name}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        save: dict[str, Callable[..., Any]] = {
            "csv": lambda p, f: f.to_csv(p, index=False),
            "txt": lambda p, f: np.savetxt(p, f.to_numpy(), header=" ".join(f.columns)),
            "parquet": lambda p, f: f.to_parquet(p),
        }
        save[ending](path, frame)
    source = tmp_path / "rec" / "*" if place == "pattern" else tmp_path / "rec"
    found = read(source)
    order = np.argsort(LABELS, kind="stable")
    expected = Sequences.from_list([ARRAYS[i] for i in order], [LABELS[i] for i in order], channels=["ax", "ay"])
    assert found.fingerprint == expected.fingerprint
    assert found.ids is not None


def test_parts_of_one_table_are_one_data_set(tmp_path: Path) -> None:
    for part, ids in (("part-0", ["r0", "r1", "r2"]), ("part-1", ["r3", "r4", "r5"])):
        FRAME[FRAME["id"].isin(ids)].to_parquet(tmp_path / f"{part}.parquet")
    for source in (tmp_path, tmp_path / "*.parquet"):
        assert read(source).fingerprint == EXPECTED.fingerprint


def test_a_file_of_texts_is_a_class_and_a_text_in_a_folder_of_its_class(tmp_path: Path) -> None:
    for name, words in (("Czech", ["Abl", "Adsit"]), ("Greek", ["Akrivopoulos"])):
        _write(tmp_path, "\n".join(words) + "\n", f"{name}.txt")
        (tmp_path / "whole" / name).mkdir(parents=True)
        for number, word in enumerate(words):
            _write(tmp_path / "whole" / name, f"{word} and\nmore\n", f"{number}.txt")
    found = read(tmp_path / "*.txt")
    assert (found.classes, found.class_counts().tolist()) == (("Czech", "Greek"), [2, 1])
    assert "".join(found.tokens(2) or []) == "Akrivopoulos"
    texts = read(tmp_path / "whole", data_config({"tokens": "words"}))
    assert texts.tokens(2) == ["Akrivopoulos", "and", "more"]
    assert texts.classes == ("Czech", "Greek")


def test_files_from_a_shell_are_a_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rec").mkdir()
    for name in ("rec/a1.csv", "rec/a2.csv", "rec/b1.csv"):
        _write(tmp_path, "x\n1\n2\n", name)
    assert pattern_of(["rec/a1.csv"]) == "rec/a1.csv"
    assert pattern_of(["rec/a2.csv", "rec/a1.csv"]) == "rec/a*.csv"
    assert pattern_of(["rec/a2.csv", "rec/a1.csv", "rec/b1.csv"]) == "rec/*.csv"
    some = pattern_of(["rec/a2.csv", "rec/b1.csv"])
    assert read(some, data_config({"table": "long", "label": "-"})).ids.tolist() == ["a2.csv", "b1.csv"]
    with pytest.raises(ConfigError, match="found 101 files"):
        pattern_of(["rec/b1.csv", *(f"other-{number}.csv" for number in range(100))])


def test_a_broken_line_of_text_continues_the_one_before(tmp_path: Path) -> None:
    lines = [f"{'ham' if i % 3 else 'spam'}\tword number {i}" for i in range(60)]
    whole = read_text(tmp_path, "\n".join(lines), "whole")
    lines[7] = lines[7].replace(" number", "\nnumber")
    broken, notes = read_with(_write(tmp_path, "\n".join(lines), "broken"))
    assert broken.fingerprint == whole.fingerprint
    assert "continue the one before" in notes


def test_lists_between_semicolons_have_decimal_commas(tmp_path: Path) -> None:
    found = read_text(tmp_path, 'signal;klasse\n"0,79 -0,39 1";circle\n[0,1 2,5];line\n0,25 0,5 ;line\n')
    assert [each.ravel().tolist() for each in found] == [
        pytest.approx(values) for values in ([0.79, -0.39, 1], [0.1, 2.5], [0.25, 0.5])
    ]


@pytest.mark.parametrize("cells", ["1,03;0.25", "0.25;1,03"])
def test_a_column_with_another_decimal_sign_than_the_others_is_refused(tmp_path: Path, cells: str) -> None:
    rows = "".join(f"a;{time};{cells};up\nb;{time};{cells};down\n" for time in range(5))
    refused(tmp_path, f"id;time;ax;ay;label\n{rows}", r"line 2: column 'a[xy]' holds '1,03', with a decimal comma")


@pytest.mark.parametrize(("word", "mark"), [("spaces", "  "), ("space", " "), ("tab", "\t"), ("\\t", "\t")])
def test_words_for_delimiters_hold_where_the_name_does_not_say_the_format(tmp_path: Path, word: str, mark: str) -> None:
    found = read_text(tmp_path, "up 0.5 1.5\ndown 2.5 3.5\n".replace(" ", mark), "some.txt", delimiter=word)
    assert [each.ravel().tolist() for each in found] == [[0.5, 1.5], [2.5, 3.5]]


@pytest.mark.parametrize("row", ["{mark},S{i},\t\t{text}", "{mark}\tS{i}\t{text}", "S{i}\t{text}", "{text}\tx{other}y"])
def test_a_first_row_that_looks_like_the_others_names_no_columns(tmp_path: Path, row: str) -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("acgt"), 20)) for _ in range(12)]
    lines = [row.format(mark="+-"[i % 2], i=i, other=100 - i, text=text) for i, text in enumerate(texts)]
    found = read_text(tmp_path, "\n".join(lines), "some.data", label="0" if "mark" in row else None, format="csv")
    assert len(found) == 12
    assert found.lengths.tolist() == [20] * 12


@pytest.mark.parametrize(("name", "mark"), [("a.tsv", "\t"), ("a.csv", ";"), ("a.csv", ",")])
def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path: Path, name: str, mark: str) -> None:
    texts = ['"all of it is good', '"A plot a" great actors', "plain text", 'a "b']
    rows = [f"{'ab'[i % 2]}{mark}{texts[i % 4]} {'xyz'[i % 3]}" for i in range(60)]
    text = "\n".join([f"label{mark}text", *rows])
    (tmp_path / name).write_text(text)
    found, notes = read_with(tmp_path / name, tokens="words")
    assert len(found) == 60
    assert "not closed" in notes
    closed = text.replace("good", 'good"')
    assert read_text(tmp_path, closed, name, tokens="words").lengths.tolist() == found.lengths.tolist()


def test_a_cell_between_quotation_marks_may_hold_several_lines(tmp_path: Path) -> None:
    rows = "".join(f'{"ab"[i % 2]},"first {i}\nsecond, third"\n' for i in range(20))
    assert len(read_text(tmp_path, "label,text\n" + rows, tokens="words")) == 20
