"""`read` picks the reader by the file's name, and helps where there is no such file."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.config import DataConfig
from unrolled.data.formats import read
from unrolled.errors import ReadError

TS = "@classLabel true a b\n@data\n1,2:a\n3,4:b\n"
IDX = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4])


def test_the_reader_is_chosen_by_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "some.TS").write_text(TS)
    (tmp_path / "some-idx3-ubyte").write_bytes(IDX)
    np.savez(tmp_path / "some.npz", X=[[1, 2], [3, 4]])
    for name in ("some.TS", "some-idx3-ubyte", "some.npz"):
        sequences = read(str(tmp_path / name))
        assert sequences.values.ravel().tolist() == [1, 2, 3, 4]
        assert sequences.lengths.tolist() == [2, 2]


def test_the_layout_reaches_the_npz_reader(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", X=np.zeros((2, 3, 5)))
    assert read(tmp_path / "some.npz", layout="channels-first").equal_length == 5
    assert read(tmp_path / "some.npz", layout="time-first").equal_length == 3


def test_a_name_that_says_no_format_leaves_it_to_the_content(tmp_path: Path) -> None:
    (tmp_path / "some.xlsx").write_bytes(b"PAR1")
    with pytest.raises(ReadError, match="not a Parquet file, or a damaged one"):
        read(tmp_path / "some.xlsx")
    (tmp_path / "some").write_text(TS)
    with (tmp_path / "array.bin").open("wb") as file:
        np.save(file, np.ones((2, 3)))
    assert read(tmp_path / "some").fingerprint == read(tmp_path / "some", DataConfig(format="ts")).fingerprint
    assert read(tmp_path / "array.bin").equal_length == 3


def test_a_packed_file_of_another_format_gets_advice(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", X=np.ones((2, 3)))
    (tmp_path / "some.npz.gz").write_bytes(gzip.compress((tmp_path / "some.npz").read_bytes()))
    with pytest.raises(ReadError, match="Unpack it first"):
        read(tmp_path / "some.npz.gz")


@pytest.mark.parametrize("name", ["Vowels_TRIAN.ts", "vowels_train.ts", "Vowels_TRAIN.npz"])
def test_a_missing_file_is_answered_with_the_nearest_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "Vowels_TRAIN.ts").write_text(TS)
    if (tmp_path / name).exists():
        pytest.skip("this file system takes no notice of letter case")
    with pytest.raises(ReadError, match=r"no such file\. Did you mean 'Vowels_TRAIN\.ts'\?"):
        read(tmp_path / name)


def test_a_missing_file_with_no_near_name_is_answered_plainly(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"no such file\. Check the path"):
        read(tmp_path / "absent.ts")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="There is no folder"):
        read(tmp_path / "nowhere" / "absent.ts")


@pytest.mark.parametrize("name", ["some.ts", "some.npz", "some-idx3-ubyte.gz"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ReadError, match="is empty"):
        read(tmp_path / name)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.ts").mkdir()
    with pytest.raises(ReadError, match="is a folder; expected a file"):
        read(tmp_path / "some.ts")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "some.ts")
    with pytest.raises(ReadError, match="not a regular file"):
        read(tmp_path / "some.ts")


@pytest.mark.parametrize("name", ["bad\0name.ts", "x" * 5000 + ".ts", "some.ts/inside.ts"])
def test_an_impossible_path_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "some.ts").write_text(TS)
    with pytest.raises(ReadError):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["some.ts", "some.npz", "some-idx3-ubyte"])
def test_no_permission_is_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_text(TS)

    def denied(*_arguments: Any, **_options: Any) -> Any:  # as root, no file is ever denied
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ReadError, match="no permission to read it"):
        read(tmp_path / name)


def test_a_failing_disk_is_an_error_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some.ts").write_text(TS)

    def failing(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(ReadError, match=r"some\.ts: it cannot be read: Input/output error"):
        read(tmp_path / "some.ts")


# What is wrong with any file

EVERY = (
    "a.csv",
    "a.tsv",
    "a.csv.gz",
    "a.parquet",
    "a.jsonl",
    "a.ts",
    "a.arff",
    "a.npz",
    "a.npy",
    "a.txt",
    "a-idx3-ubyte",
)


@pytest.mark.parametrize("name", EVERY)
def test_an_empty_file_of_any_format_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ReadError, match=r"the file is empty \(0 bytes\)"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", EVERY)
def test_a_folder_of_any_files_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(ReadError, match="this is a folder; expected a file"):
        read(tmp_path / name)


TEXTS = {
    "a.csv": "id,x,label\na,1,ä\na,2,ä\nb,3,ß\n",
    "a.tsv": "label\tv0\tv1\nä\t1\t2\nß\t3\t4\n",
    "a.jsonl": '{"sequence": [1, 2], "label": "ä"}\n{"sequence": [3], "label": "ß"}\n',
    "a.arff": "@attribute a numeric\n@attribute b numeric\n@attribute c {ä,ß}\n@data\n1,2,ä\n3,4,ß\n",
    "a.ts": "@classLabel true ä ß\n@data\n1,2:ä\n3:ß\n",
    "a.txt": "ä\tone two\nß\tthree four\nä\tfive six\n",
}


@pytest.mark.parametrize("name", list(TEXTS))
@pytest.mark.parametrize("written", ["byte-order mark", "Windows", "no last line end"])
def test_how_a_text_was_written_makes_no_difference(tmp_path: Path, name: str, written: str) -> None:
    path, plain = tmp_path / name, TEXTS[name].encode()
    path.write_bytes(plain)
    expected = read(path)
    assert set(expected.classes) == {"ä", "ß"}
    changed = {
        "byte-order mark": b"\xef\xbb\xbf" + plain,
        "Windows": plain.replace(b"\n", b"\r\n"),
        "no last line end": plain.rstrip(b"\n"),
    }[written]
    path.write_bytes(changed)
    assert read(path).fingerprint == expected.fingerprint


def test_columns_of_the_same_name_are_refused_in_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["id", "x", "x"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ReadError, match="the column name 'x' occurs twice"):
        read(tmp_path / "a.parquet")
