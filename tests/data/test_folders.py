"""Folders: a file a sequence, a folder a class; of tables and of pictures."""

from __future__ import annotations

import shlex
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tables import read_with
from unrolled.data.formats import picture_facts, read
from unrolled.data.formats.pictures import fitted
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

RNG = np.random.default_rng(0)
RECORDINGS = {
    label: [RNG.normal(size=(n, 2)).astype(np.float32) for n in (3, 5)] for label in ("walk", "10", "9", "höhe")
}


def write_tables(root: Path) -> Path:
    for label, arrays in RECORDINGS.items():
        (root / label).mkdir(parents=True)
        for number, array in enumerate(arrays):
            rows = "".join(f"{step},{a!r},{b!r}\n" for step, (a, b) in enumerate(array.astype(float).tolist()))
            (root / label / f"{number}.csv").write_text("time,ax,ay\n" + rows)
    return root


def test_every_file_is_a_sequence_of_its_folders_class(tmp_path: Path) -> None:
    found, notes = read_with(write_tables(tmp_path / "own"))
    labels = [label for label in sorted(RECORDINGS) for _ in range(2)]
    arrays = [array for label in sorted(RECORDINGS) for array in RECORDINGS[label]]
    assert found.fingerprint == Sequences.from_list(arrays, labels, channels=["ax", "ay"]).fingerprint
    assert found.channels == ("ax", "ay")
    assert found.ids is not None
    assert found.ids[0] == "10/0.csv"
    assert notes == "own: found a long table, a row a step: time 'time', channels ax, ay"


def test_files_without_a_folder_have_no_label(tmp_path: Path) -> None:
    found = read(write_tables(tmp_path / "own") / "walk")
    assert found.labels is None
    assert len(found) == 2


def test_numbers_alone_are_a_column_a_channel(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / "own" / label).mkdir(parents=True)
        (tmp_path / "own" / label / "1.csv").write_text("1,2.5\n3,4\n")
        (tmp_path / "own" / label / "2.tsv").write_text("1\t2.5\n3\t4\n")
    found = read(tmp_path / "own")
    assert [each.tolist() for each in found] == [[[1, 2.5], [3, 4]]] * 4


def test_columns_may_stand_in_another_order_and_other_files_are_passed_over(tmp_path: Path) -> None:
    root = write_tables(tmp_path / "own")
    (root / "walk" / "2.csv").write_text("ay,ax,time\n5,6,0\n7,8,1\n")
    (root / "walk" / "notes.md").write_text("hello")
    (root / "walk" / ".hidden.csv").write_text("hello")
    (root / "none").mkdir()
    found, notes = read_with(root)
    assert found.ids is not None
    assert found[found.ids.tolist().index("walk/2.csv")].tolist() == [[6, 5], [8, 7]]
    assert "1 files that are not .csv files are skipped" in notes
    assert "the folder 'none' holds no .csv file" in notes


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("walk/3.csv", "time,ax\n0,1\n", r"3\.csv: this file has the channels ax, where 0\.csv has ax, ay"),
        ("walk/3.csv", "time,ax,ay\n0,1,2\n0,3,4\n", r"3\.csv, line 3: the time 0 in column 'time' occurs twice"),
        ("walk/3.csv", "time,ax,ay\n0,1,2\n1,x,4\n2,3,4\n3,3,4\n", r"3\.csv, line 3: column 'ax' holds 'x'"),
        ("walk/3.csv", "", r"3\.csv: the file is empty"),
        ("walk/3.csv", "time,ax,ay\n", r"3\.csv, line 1: there is a header but no row"),
        ("loose.csv", "time,ax,ay\n0,1,2\n", r"loose\.csv is beside the folders"),
    ],
)
def test_the_file_that_is_wrong_is_named(tmp_path: Path, name: str, content: str, problem: str) -> None:
    root = write_tables(tmp_path / "own")
    (root / name).write_text(content)
    with pytest.raises(ReadError, match=problem):
        read(root)


def test_a_folder_of_nothing_or_of_both_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"this is a folder; expected a file, or a folder .*FOLDER/CLASS/\*\.csv"):
        read(tmp_path)
    root = write_tables(tmp_path / "own")
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(root / "walk" / "a.png")
    with pytest.raises(ReadError, match="--format csv-folder or --format png-folder"):
        read(root)
    assert len(read_with(root, format="png-folder")[0]) == 1
    with pytest.raises(ReadError, match="this is a folder"):
        read_with(root, format="csv")
    with pytest.raises(ReadError, match="cannot be read"):
        read_with(root / "walk" / "0.csv", format="csv-folder")


# Pictures

PIXELS = RNG.integers(0, 256, (4, 5, 3)).astype(np.uint8)


def write_pictures(root: Path, mode: str = "L") -> Path:
    for number, pixels in enumerate(PIXELS):
        folder = root / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).convert(mode).save(folder / f"{number}.png")
    return root


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_pictures_are_read_row_by_row(tmp_path: Path, mode: str) -> None:
    found, notes = read_with(write_pictures(tmp_path, mode))
    assert found.pictures
    assert found.values.dtype == np.uint8
    assert found.scale == 1 / 255
    np.testing.assert_array_equal(np.stack(list(found)), PIXELS[[0, 2, 1, 3]])
    assert found.classes == ("a", "b")
    assert ("colours are read as shades of grey" in notes) == (mode != "L")


def test_pictures_of_sixteen_bits_keep_their_highest_eight(tmp_path: Path) -> None:
    Image.fromarray(PIXELS[0].astype(np.uint16) * 257).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path)[0], PIXELS[0])


def test_pictures_need_one_size(tmp_path: Path) -> None:
    root = write_pictures(tmp_path)
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(root / "b" / "9.png")
    with pytest.raises(ReadError, match=r"9\.png: this picture has 5 rows of 4 pixels where 0\.png has 5 of 3"):
        read(root)


def test_a_picture_that_claims_too_many_pixels_is_refused(tmp_path: Path) -> None:
    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")
    )
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ReadError, match=r"60,000 rows of 60,000 pixels, more than its bytes|not a PNG or JPEG"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"hello", b"\x89PNG\r\n\x1a\n", b"BM" + bytes(100)])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ReadError, match="not a PNG or JPEG file, or a damaged one"):
        read(tmp_path)


def test_pictures_are_scaled_in_proportion_and_in_the_middle(tmp_path: Path) -> None:
    for name, size in (("a/1.png", (20, 10)), ("a/2.jpg", (10, 10)), ("b/3.png", (5, 5))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full(size, 200, np.uint8)).save(tmp_path / name)
    with pytest.raises(ReadError, match="--picture-size 20x10"):
        read(tmp_path)
    found, _ = read_with(tmp_path, picture_size="10x10")
    assert (found.equal_length, len(found.channels)) == (10, 10)
    np.testing.assert_allclose(found.values, 200, atol=1)
    inside = fitted(np.pad(np.full((8, 4), 255, np.uint8), 1), (20, 20))
    assert (inside[3:17, 7:13] == 255).all()
    assert (inside[:, :4] == 0).all()


def test_one_picture_is_predicted_as_those_of_the_training(tmp_path: Path) -> None:
    picture = np.zeros((8, 8), np.uint8)
    picture[2:6, 3:5] = 255
    facts = picture_facts(Sequences.from_steps(picture, [8], scale=1 / 255, pictures=True))
    assert facts == {"picture": [8, 8], "dark": True}
    Image.fromarray(255 - np.kron(picture, np.ones((4, 4), np.uint8))).convert("RGB").save(tmp_path / "photo.png")
    found = read(tmp_path / "photo.png", like=facts, labels_needed=False)
    assert found.pictures
    np.testing.assert_array_equal(found.values, picture)


@pytest.mark.parametrize("option", ["id", "time", "label", "group", "text"])
def test_columns_that_no_file_of_a_folder_has_are_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(ReadError, match=f"no column 'person' .--{option}"):
        read_with(write_tables(tmp_path / "own"), **{option: "person"})


def test_the_groups_and_the_labels_of_files_may_stand_in_their_columns(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / "own" / label).mkdir(parents=True)
        for person in "xy":
            (tmp_path / "own" / label / f"{person}.csv").write_text(f"ax,who,what\n1,{person},{label}{person}\n")
    found, _ = read_with(tmp_path / "own", group="who", label="what")
    assert found.groups is not None
    assert found.groups.tolist() == ["x", "y", "x", "y"]
    assert found.classes == ("ax", "ay", "bx", "by")


def test_the_refusal_of_a_folder_of_sets_names_what_is_read(tmp_path: Path) -> None:
    root = tmp_path / "own set"
    train, test = write_tables(root / "Train"), write_tables(root / "test")
    with pytest.raises(ReadError, match="--test") as caught:
        read(root)
    assert shlex.split(str(caught.value).rstrip("."))[-3:] == [str(train), "--test", str(test)]
    assert len(read(train)) == len(read(test)) == 8


def test_the_refusal_of_a_deeper_folder_names_a_pattern_that_is_read(tmp_path: Path) -> None:
    for person in ("anne", "bert"):
        write_tables(tmp_path / "own set" / person)
    with pytest.raises(ReadError, match="pattern") as caught:
        read(tmp_path / "own set")
    found = read(shlex.split(str(caught.value).rstrip("."))[-1])
    assert len(found) == 16
    assert set(found.classes) == set(RECORDINGS)
