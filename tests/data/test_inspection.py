"""Inspection counts what is there, and says what deserves attention."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from unrolled.config import DataConfig
from unrolled.data.formats import read
from unrolled.data.inspection import Inspection, Place, inspect, inspect_sequences
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

RANDOM = np.random.default_rng(0)


def inspect_text(folder: Path, text: str) -> Inspection:
    (folder / "some.ts").write_text(text, encoding="utf-8")
    return inspect(folder / "some.ts")


def test_a_sound_file_has_no_findings(tmp_path: Path) -> None:
    found = inspect_text(tmp_path, "@classLabel true b a\n@data\n1,2,3:a\n4:b\n5,6:a\n7,8:b\n9,-1.5,2,1:b\n")
    assert found.findings == ()
    assert found.format == ".ts"
    assert found.path == str(tmp_path / "some.ts")
    assert (found.cases, found.steps) == (5, 12)
    assert (found.classes, found.class_counts) == (("b", "a"), (3, 2))
    assert (found.length_min, found.length_median, found.length_max) == (1, 2.0, 4)
    assert (found.value_min, found.value_max) == (-1.5, 9)
    assert (found.missing_count, found.missing_first) == (0, None)
    assert [(case.label, case.length) for case in found.preview] == [("a", 3), ("b", 1), ("a", 2)]
    assert found.preview[0].values == ((1,), (2,), (3,))


def test_missing_and_infinite_values_are_counted_and_placed(tmp_path: Path) -> None:
    found = inspect_text(tmp_path, "@classLabel true a b\n@data\n1:2:a\n3,4:5,?:b\n?,1:inf,2:a\n1:1:b\n")
    assert (found.missing_count, found.missing_first) == (2, Place(1, 1, 1))
    assert (found.infinite_count, found.infinite_first) == (1, Place(2, 0, 1))
    assert (found.value_min, found.value_max) == (1, 5)
    missing, infinite = found.findings
    assert "2 values are missing (16.7% of all), the first in sequence 1, step 1, channel 1" in missing
    assert "1 value is infinite" in infinite
    assert found.preview[1].values == ((3, 5), (4, None))


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("@classLabel true a b\n@data\n1:a\n2:a\n", "All sequences are of one class, 'a'"),
        ("@classLabel true a b\n@data\n1:a\n2:a\n", "1 declared class has no sequence: b"),
        ("@classLabel true a b\n@data\n1:a\n2:a\n3:b\n", "1 class has a single sequence: b"),
        ("@data\n1\n2\n", "no labels"),
        ("@data\n1:5\n2:5\n", "1 channel is constant, the same value at every step of every sequence: 1"),
        ("@data\n1:?\n2:?\n", "1 channel has no finite value at all: 1"),
    ],
)
def test_what_deserves_attention_is_said(tmp_path: Path, text: str, finding: str) -> None:
    assert any(finding in sentence for sentence in inspect_text(tmp_path, text).findings)


def test_to_dict_is_json_even_without_a_finite_value(tmp_path: Path) -> None:
    found = inspect_text(tmp_path, "@data\n?,inf\n?\n")
    assert (found.value_min, found.value_max) == (None, None)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["missing_count"] == 2
    assert content["infinite_first"] == {"case": 0, "step": 1, "channel": 0}
    assert content["preview"][0]["values"] == [[None], [None]]


def test_figures_agree_with_numpy_over_many_blocks() -> None:
    values = RANDOM.normal(size=(70_001, 3)).astype(np.float32)
    values[66_000, 2] = np.nan
    lengths = np.array([1, 65_999, 4_001])
    found = inspect_sequences(Sequences.from_steps(values, lengths, ["a", "b", "a"]))
    assert found.missing_first == Place(2, 0, 2)
    assert found.value_min == np.nanmin(values)
    assert found.value_max == np.nanmax(values)


def test_a_choice_of_sequences_is_inspected_alone() -> None:
    whole = Sequences.from_list([[1.0, 2.0], [np.nan, 900.0], [3.0], [np.nan, 5.0]], ["a", "b", "a", "b"])
    found = inspect_sequences(whole.take(np.array([2, 0, 3])))
    assert (found.cases, found.steps) == (3, 5)
    assert (found.missing_count, found.missing_first) == (1, Place(2, 0, 0))
    assert (found.value_min, found.value_max) == (1, 5)


def test_pixels_are_shown_in_their_real_unit(tmp_path: Path) -> None:
    pixels = bytes([0, 51, 102, 255] * 2)
    path = tmp_path / "a-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2]) + pixels)
    found = inspect(path)
    assert (found.value_min, found.value_max) == (0, pytest.approx(1))
    assert found.preview[0].values[0] == (0, pytest.approx(0.2))


def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="line 3, column 3"):
        inspect_text(tmp_path, "@classLabel true a b\n@data\n1,x:a\n")


def test_the_layout_is_passed_on(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", X=RANDOM.normal(size=(2, 3, 5)))
    assert inspect(tmp_path / "some.npz", DataConfig(layout="channels-first")).length_max == 5
    with pytest.raises(ReadError, match="--layout"):
        inspect(tmp_path / "some.npz")


@pytest.mark.data
def test_japanese_vowels_has_its_published_figures() -> None:
    folder = os.environ.get("UNROLLED_DATA")
    if not folder:
        pytest.skip("UNROLLED_DATA is not set: no folder with the real data")
    found = inspect(Path(folder) / "uea" / "JapaneseVowels" / "JapaneseVowels_TRAIN.ts")
    assert (found.cases, len(found.channels)) == (270, 12)
    assert found.class_counts == (30,) * 9
    assert (found.length_min, found.length_max) == (7, 26)
    assert found.findings == ()


def test_what_a_training_refuses_is_said_beside_the_windows_that_it_may_take(tmp_path: Path) -> None:
    rows = "".join(f"{i // 100},0.{i % 7},{'ab'[i // 50 % 2]}\n" for i in range(400))
    (tmp_path / "own.csv").write_text("nr,ax,kind\n" + rows)
    with pytest.raises(ReadError, match="--id nr"):
        read(tmp_path / "own.csv")
    findings = inspect(tmp_path / "own.csv").findings
    assert any("a training refuses" in finding and "--id nr" in finding for finding in findings)


def test_a_far_value_that_stands_again_and_again_may_be_a_code() -> None:
    values = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    values[::20] = -999
    assert any("-999 in ax" in each and "missing value?" in each for each in _findings(values))
    values[::20] = np.random.default_rng(2).normal(size=(10, 2)) * 1000
    assert any("heavy tails" in each for each in _findings(values))


def _findings(values: np.ndarray) -> tuple[str, ...]:
    return inspect_sequences(Sequences.from_steps(values, [100, 100], channels=["ax", "ay"])).findings


def test_lists_of_channels_are_told_by_their_number(tmp_path: Path) -> None:
    row = json.dumps({"sequence": [[0.5] * 12, [1.5] * 12], "label": "a"})
    (tmp_path / "own.jsonl").write_text(f"{row}\n" * 4)
    assert any("--layout channels-first" in note for note in inspect(tmp_path / "own.jsonl").notes)
    turned = inspect(tmp_path / "own.jsonl", DataConfig(layout="channels-first"))
    assert turned.length_max == 12
    assert not any("--layout" in note for note in turned.notes)
