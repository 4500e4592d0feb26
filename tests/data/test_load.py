"""From a recipe's data section to training, validation and test sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.config import DataConfig
from unrolled.data.load import load_dataset, load_sequences
from unrolled.errors import ConfigError, DataError, MismatchError, ReadError, UnknownNameError


def write(path: Path, values: Any = None, labels: Any = None, count: int = 40, **options: Any) -> str:
    values = np.random.default_rng(0).normal(size=(count, 5)) if values is None else values
    labels = np.arange(len(values)) % 2 if labels is None else labels
    np.savez(path, X=values, y=labels, **options)
    return str(path)


def test_a_file_is_split_in_three_by_class(tmp_path: Path) -> None:
    dataset = load_dataset(DataConfig(source=write(tmp_path / "own.data.npz")))
    assert dataset.validation is not None
    assert dataset.test is not None
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [27, 5, 8]
    assert dataset.name == "own"
    assert "20% held out for the test, by class, seed 0" in dataset.note


def test_a_test_file_is_taken_as_it_is(tmp_path: Path) -> None:
    test = write(tmp_path / "test.npz", count=7)
    dataset = load_dataset(DataConfig(source=write(tmp_path / "a.npz"), test=test, validation_fraction=0))
    assert dataset.test is not None
    assert (len(dataset.train), len(dataset.test)) == (40, 7)
    assert dataset.validation is None


def test_the_named_digits_are_split_by_class() -> None:
    dataset = load_dataset(DataConfig(source="digits", split_seed=1))
    assert dataset.validation is not None
    assert dataset.test is not None
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 1797
    assert dataset.train.pictures
    assert dataset.train.values.dtype == np.uint8
    assert len(load_sequences("digits", DataConfig())) == len(dataset.test)


@pytest.mark.parametrize("with_test", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_values_in_training_or_validation_data_are_refused(
    tmp_path: Path, value: float, with_test: bool
) -> None:
    test = write(tmp_path / "test.npz") if with_test else None
    for index in (0, 7, 21, 39):  # wherever the split would have put it
        values = np.zeros((40, 5))
        values[index, 3] = value
        with pytest.raises(MismatchError, match=f"training data hold 1 missing or infinite values.*sequence {index}"):
            load_dataset(DataConfig(source=write(tmp_path / "a.npz", values), test=test))


@pytest.mark.parametrize(
    ("values", "labels", "text"),
    [
        (np.where(np.eye(6, 5, -1), np.nan, 0.0)[:, ::-1], None, "the test data hold 4 missing"),
        (np.zeros((6, 5)), np.arange(6), "the test data have the label '2', which the training data do not have"),
        (np.zeros((6, 5, 3)), None, "the test data have 3 channels, the training data have 1"),
    ],
)
def test_test_data_that_do_not_fit_are_refused_before_the_training(
    tmp_path: Path, values: Any, labels: Any, text: str
) -> None:
    test = write(tmp_path / "test.npz", values, labels)
    source = write(tmp_path / "a.npz")
    with pytest.raises(MismatchError, match=text):
        load_dataset(DataConfig(source=source, test=test, layout="time-first" if values.ndim == 3 else None))


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "a.npz", labels=np.zeros(40, int))
    for options in ({}, {"test_fraction": 0.0, "validation_fraction": 0.0}, {"test": write(tmp_path / "t.npz")}):
        with pytest.raises(DataError, match=r"every training sequence has the label '0'.*at least two classes"):
            load_dataset(DataConfig(source=source, **options))  # type: ignore[arg-type]


def test_a_file_without_labels_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((4, 5)))
    with pytest.raises(DataError, match="label"):
        load_dataset(DataConfig(source=str(tmp_path / "a.npz")))


def test_a_class_with_one_sequence_is_refused_with_advice(tmp_path: Path) -> None:
    source = write(tmp_path / "a.npz", labels=np.array([2] + [0, 1] * 19 + [0]))
    with pytest.raises(DataError, match="class '2' has one sequence"):
        load_dataset(DataConfig(source=source))


def test_a_missing_file_and_a_misspelt_name_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no such file"):
        load_dataset(DataConfig(source=str(tmp_path / "none.npz")))
    with pytest.raises(UnknownNameError, match="Did you mean 'digits'"):
        load_dataset(DataConfig(source="digit"))


def test_options_of_named_data_are_refused_for_others(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the option length does not apply to digits"):
        load_dataset(DataConfig(source="digits", length=5))
    with pytest.raises(ConfigError, match="the option permute_seed does not apply to the file"):
        load_dataset(DataConfig(source=write(tmp_path / "a.npz"), permute_seed=5))
