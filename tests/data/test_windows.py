"""Recordings into windows: compared with NumPy's windows, SciPy's interpolation and a search by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from scipy.interpolate import interp1d
from scipy.stats import mode

from unrolled.config import DataConfig
from unrolled.data import Sequences, inspect, load_dataset, split_dataset, step_means
from unrolled.data.files import Notes
from unrolled.data.formats import read
from unrolled.data.windows import WindowRule, cut, resampled, windows_of
from unrolled.errors import ConfigError, DataError, ReadError

CLASSES = np.array(["a", "b", "c"])


def recordings(lengths: list[int], seed: int = 0, interval: float | None = None, stretch: int = 20) -> Sequences:
    """Random recordings whose label changes about every ``stretch`` steps."""
    rng = np.random.default_rng(seed)
    labels = [CLASSES[np.repeat(rng.integers(3, size=n), stretch)[:n]].tolist() for n in lengths]
    times = None if interval is None else [np.arange(n) * interval for n in lengths]
    return Sequences.from_list([rng.normal(size=(n, 2)) for n in lengths]).with_steps(labels, times)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.integers(2, 20), st.integers(1, 25))
def test_windows_are_those_of_numpy_and_a_last_one(lengths: list[int], steps: int, stride: int) -> None:
    whole = recordings(lengths)
    expected = []
    for index, length in enumerate(lengths):
        if length >= steps:
            views = sliding_window_view(whole[index], steps, axis=0).transpose(0, 2, 1)
            expected += [views[at] for at in sorted({*range(0, len(views), stride), len(views) - 1})]
    if not expected:
        with pytest.raises(DataError, match="smaller window"):
            cut(whole, WindowRule(steps, stride))
        return
    found = cut(whole, WindowRule(steps, stride))
    np.testing.assert_array_equal(np.stack(list(found)), np.stack(expected))
    assert found.values is whole.values
    assert found.cut is not None
    answers = np.random.default_rng(1).random((len(found), 3))
    for recording, means in step_means(found.cut, answers):
        for step, mean in enumerate(means):
            over = (found.cut.owners == recording) & (found.cut.begins <= step) & (step < found.cut.ends)
            expected_mean = answers[over].mean(0) if over.any() else np.full(3, np.nan)
            np.testing.assert_allclose(mean, expected_mean, atol=1e-12)


@pytest.mark.parametrize("rule", ["majority", "last"])
def test_the_label_is_the_majoritys_or_the_last_steps(rule: Any) -> None:
    whole = recordings([400, 300], stretch=7)
    found = cut(whole, WindowRule(16, 5, rule))
    assert found.cut is not None
    places = zip(found.cut.owners, found.cut.begins, found.cut.ends, strict=True)
    of_steps = [whole.labels_of_steps(o)[b:e] for o, b, e in places]  # type: ignore[index]
    expected = [labels[-1] if rule == "last" else int(mode(labels).mode) for labels in of_steps]  # the least of equals
    assert found.targets.tolist() == expected


def test_windows_of_one_label_never_cross_a_change() -> None:
    found = cut(recordings([400, 300], stretch=20), WindowRule(16, 5, "same"))
    assert found.cut is not None
    for owner, begin, end, label in zip(found.cut.owners, found.cut.begins, found.cut.ends, found.targets, strict=True):
        labels = found.cut.recordings.labels_of_steps(int(owner))
        assert (labels[begin:end] == label).all()  # type: ignore[index]


def test_windows_never_cross_a_gap() -> None:
    whole = recordings([200])
    times = np.arange(200) * 0.1 + 5.0 * (np.arange(200) >= 90) + 0.15 * (np.arange(200) >= 150)
    notes: list[str] = []
    own = whole.with_steps(times=[times])
    found = windows_of(own, DataConfig(window="2s", stride="0.5s"), note=notes.append)
    assert found.cut is not None
    assert ((found.cut.ends <= 90) | (found.cut.begins >= 90)).all()
    assert ((found.cut.begins < 150) & (found.cut.ends > 150)).any()  # 2.5 usual distances are no gap
    assert "20 steps (2 s), one every 5 steps" in notes[0]
    wider = windows_of(own, DataConfig(window=20, gap="10s"))
    assert wider.cut is not None
    assert ((wider.cut.begins < 90) & (wider.cut.ends > 90)).any()


def test_short_pieces_and_windows_without_a_label_are_left_out_and_counted() -> None:
    whole = Sequences.from_list([np.zeros((30, 1)), np.zeros((5, 1))]).with_steps(
        [["a"] * 10 + [None] * 12 + [""] * 8, ["b"] * 5]
    )
    notes: list[str] = []
    found = cut(whole, WindowRule(10, 10), notes.append)
    assert found.targets.tolist() == [0]
    assert "1 piece is shorter than a window, and their 5 steps are left out" in notes[-1]
    assert "2 windows without a label are left out" in notes[-1]
    all_steps = cut(whole, WindowRule(10, 10), to_predict=True)
    assert all_steps.lengths.tolist() == [10, 10, 10, 5]
    assert all_steps.labels is None


@pytest.mark.parametrize("rate", [3.0, 10.0, 17.0])
def test_resampling_is_scipys_within_stretches_and_invents_nothing_between(rate: float) -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.05, 0.15, 120)) + 9.0 * (np.arange(120) >= 70)
    whole = recordings([120]).with_steps(times=[times])
    found = resampled(whole, rate, gap=1.0)
    assert found.step_times is not None
    for own in (slice(0, 70), slice(70, 120)):
        inside = (found.step_times >= times[own][0]) & (found.step_times <= times[own][-1])
        np.testing.assert_allclose(np.diff(found.step_times[inside]), 1 / rate)
        expected = interp1d(times[own], whole[0][own], axis=0)(found.step_times[inside])
        np.testing.assert_allclose(found.values[inside], expected, atol=1e-5)
    assert not ((found.step_times > times[69]) & (found.step_times < times[70])).any()
    before = np.searchsorted(times, found.step_times, "right") - 1
    assert found.step_labels is not None
    assert whole.step_labels is not None
    assert (found.step_labels == whole.step_labels[before]).all()


def test_missing_values_stay_where_they_are() -> None:
    values = np.arange(12.0)
    values[5] = np.nan
    whole = Sequences.from_list([values]).with_steps(times=[np.arange(12) / 10])
    same = resampled(whole, 10.0, gap=1.0)
    np.testing.assert_array_equal(same.values[:, 0], values.astype(np.float32))
    assert np.isnan(resampled(whole, 20.0, gap=1.0).values[:, 0]).sum() == 3


@pytest.mark.parametrize("lengths", [[3000], [900, 800], [300] * 15])
@pytest.mark.parametrize("options", [{}, {"split": "order"}])
def test_windows_that_overlap_or_share_a_recording_stay_on_one_side(lengths: list[int], options: Any) -> None:
    notes: list[str] = []
    config = DataConfig(window=20, stride=5, **options)
    found = split_dataset(recordings(lengths), config, "own", "memory", Notes(notes.append))
    used = np.zeros((3, sum(lengths)), bool)
    for part, mark in zip((found.train, found.validation, found.test), used, strict=True):
        assert part is not None
        for start, length in zip(part.starts, part.lengths, strict=True):
            mark[start : start + length] = True
    assert not (used.sum(0) > 1).any()
    blocks = any("blocks of time" in note for note in notes)
    assert blocks == (len(lengths) < 15)
    if not blocks:
        parts = [set(part.cut.owners.tolist()) for part in (found.train, found.validation, found.test)]  # type: ignore[union-attr]
        assert sum(map(len, parts)) == 15


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """One long recording, its label a column that changes."""
    whole = recordings([900], interval=0.02)
    labels = [whole.classes[label] for label in whole.step_labels.tolist()]  # type: ignore[union-attr]
    steps = zip(np.arange(900) * 0.02, whole[0], labels, strict=True)
    rows = [f"{time:.2f},{x},{y},{label}" for time, (x, y), label in steps]
    path = tmp_path / "long.csv"
    path.write_text("time,x,y,activity\n" + "\n".join(rows))
    return path


def test_a_file_with_a_label_a_step_is_read_and_later_ones_alike(table: Path) -> None:
    learned = read(table, DataConfig(window="0.5s", stride=10))
    assert (learned.equal_length, learned.classes) == (25, ("a", "b", "c"))
    later = read(table, like=learned.reading, labels_needed=False)
    np.testing.assert_array_equal(later.starts, learned.starts)
    np.testing.assert_array_equal(later.targets, learned.targets)
    assert read(table, DataConfig(stride=1), like=learned.reading).cut.rule.steps == 25  # type: ignore[union-attr]


def test_advice_of_errors_works(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"changes from '.' to '.'.*--window 256, or --window 5s"):
        read(table, DataConfig(table="long"))
    assert read(table, DataConfig(window="5s")).equal_length == 250
    with pytest.raises(ReadError, match="--window 256 for windows of one long recording"):
        read(table)
    assert read(table, DataConfig(window=256)).equal_length == 256
    with pytest.raises(ConfigError, match="rate = 50"):
        windows_of(recordings([400]), DataConfig(window="1s"))
    assert windows_of(recordings([400]), DataConfig(window="1s", rate=50)).equal_length == 50
    header, *rows = table.read_text().splitlines()

    def timed(name: str, interval: float) -> Path:
        path = tmp_path / name
        path.write_text(
            "\n".join([header, *(f"{n * interval:g},{row.partition(',')[2]}" for n, row in enumerate(rows))])
        )
        return path

    slow, faster = timed("ms.csv", 20), timed("faster.csv", 0.005)
    with pytest.raises(ConfigError, match="time_unit = 'ms'"):
        read(slow, DataConfig(window="5s"))
    assert read(slow, DataConfig(window="5s", time_unit="ms")).equal_length == 250
    like = read(table, DataConfig(window="0.5s")).reading
    with pytest.raises(DataError, match="rate = 50"):
        read(faster, like=like)
    assert read(faster, DataConfig(rate=50), like=like).equal_length == 25
    with pytest.raises(ConfigError, match="give window"):
        read(table, DataConfig(table="long", rate=50))


def test_files_of_recordings_in_a_folder(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    lines = table.read_text().splitlines()
    for number in range(9):
        part = lines[1 + 100 * number : 1 + 100 * (number + 1)]
        (folder / f"r{number}.csv").write_text("\n".join([lines[0], *part]))
    found = read(folder, DataConfig(window=25, stride=25))
    whole = read(table, DataConfig(window=25, stride=25))
    np.testing.assert_array_equal(np.stack(list(found)), np.stack(list(whole)))
    np.testing.assert_array_equal(found.targets, whole.targets)
    assert sorted(set(found.groups)) == [f"r{number}.csv" for number in range(9)]  # type: ignore[arg-type]


def test_a_test_file_is_cut_alike(table: Path) -> None:
    found = load_dataset(DataConfig(source=str(table), test=str(table), window="0.5s", stride=10))
    assert found.test is not None
    assert found.test.equal_length == 25


def test_a_class_that_no_window_has_is_named_and_takes_no_part_in_the_split() -> None:
    labels = [(["a"] * 60 + ["z"] * 2 + ["b"] * 60) * 6 for _ in range(9)]
    own = Sequences.from_list([np.zeros((len(each), 1)) for each in labels]).with_steps(labels)
    notes: list[str] = []
    found = split_dataset(own, DataConfig(window=20), "own", "memory", Notes(notes.append))
    assert found.train.classes == ("a", "b", "z")
    assert any("no window has the label z" in note for note in notes)
    assert not any("blocks" in note for note in notes)


def test_inspect_proposes_windows_that_work(table: Path, tmp_path: Path) -> None:
    found = inspect(table)
    command = re.search(r"unrolled train \S+ --window (\d+) --stride (\d+)", found.findings[0])
    assert command is not None
    assert found.length_max == int(command[1])
    assert load_dataset(DataConfig(source=str(table), window=command[1], stride=command[2])).test is not None
    rows = [f"{number % 3 + 0.5},{number * 0.5},{'ab'[number // 40 % 2]}" for number in range(400)]
    (tmp_path / "bare.csv").write_text("\n".join(rows))
    hint = re.search(r"--window (\d+)", inspect(tmp_path / "bare.csv").findings[0])
    assert hint is not None
    assert read(tmp_path / "bare.csv", DataConfig(window=hint[1])).equal_length == int(hint[1])


def test_one_odd_label_among_short_sequences_is_no_recording(tmp_path: Path) -> None:
    rows = [f"{i},{t},{t * 0.5},{'ab'[i % 2]}" for i in range(20) for t in range(10)]
    rows[31] = rows[31][:-1] + "a"
    (tmp_path / "long.csv").write_text("id,time,x,label\n" + "\n".join(rows))
    with pytest.raises(ReadError, match="line 33"):
        inspect(tmp_path / "long.csv")
