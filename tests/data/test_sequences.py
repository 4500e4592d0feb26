"""Sequences: what goes in comes out, what cannot be used is refused, equal data have equal fingerprints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unrolled.data.coercion import as_sequences, parse_literal
from unrolled.data.labels import encode_labels
from unrolled.data.sequences import Sequences
from unrolled.errors import DataError, LengthError
from unrolled.preparation.statistics import channel_statistics, overall_statistics

ROWS = [np.arange(6.0).reshape(3, 2), np.array([[7.0, 8.0]]), np.arange(10.0).reshape(5, 2)]


def test_a_list_of_arrays_comes_back_as_it_was_given() -> None:
    sequences = Sequences.from_list(ROWS, ["b", "a", "b"], channels=["x", "y"])
    assert len(sequences) == 3
    assert sequences.lengths.tolist() == [3, 1, 5]
    for found, row in zip(sequences, ROWS, strict=True):
        np.testing.assert_array_equal(found, row)
    assert sequences.classes == ("a", "b")
    assert sequences.targets.tolist() == [1, 0, 1]
    assert sequences.channels == ("x", "y")
    assert sequences.num_steps == 9
    assert sequences.equal_length is None
    assert sequences.class_counts().tolist() == [1, 2]


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64, np.uint8, bool, ">f4"])
def test_an_array_comes_back_as_it_was_given_whatever_its_numbers(kind: Any) -> None:
    array = np.arange(24).reshape(4, 3, 2).astype(kind)
    sequences = Sequences.from_array(array, [1, 0, 1, 1])
    np.testing.assert_array_equal(np.stack(list(sequences)), array.astype(np.float32))
    assert sequences.values.dtype == (np.uint8 if kind is np.uint8 else np.float32)  # bytes stay bytes
    assert sequences.values.dtype.isnative
    assert sequences.equal_length == 3


def test_a_flat_array_or_list_has_one_channel() -> None:
    assert Sequences.from_array(np.ones((4, 3))).channels == ("0",)
    sequences = Sequences.from_list([[1, 2, 3], [4]])
    assert sequences[0].tolist() == [[1], [2], [3]]
    assert sequences.labels is None


def test_steps_end_to_end_are_not_copied() -> None:
    values = np.arange(12, dtype=np.uint8).reshape(6, 2)
    sequences = Sequences.from_steps(values, [1, 2, 3], ["a", "b", "a"], scale=0.5)
    assert np.shares_memory(sequences.values, values)
    assert [len(row) for row in sequences] == [1, 2, 3]
    np.testing.assert_array_equal(sequences.scaled(2), values[3:] * np.float32(0.5))


def test_a_choice_keeps_order_labels_and_memory() -> None:
    sequences = Sequences.from_list(ROWS, ["b", "a", "c"])
    choice = sequences.take(np.array([2, 0]))
    np.testing.assert_array_equal(choice[0], ROWS[2])
    assert choice.targets.tolist() == [2, 1]
    assert choice.classes == sequences.classes
    assert np.shares_memory(choice.values, sequences.values)
    assert choice.class_counts().tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: Sequences.from_list([]), DataError, "there are no sequences; expected at least one"),
        (lambda: Sequences.from_list([[1.0], []]), LengthError, "sequence 1 has no steps"),
        (lambda: Sequences.from_list([np.ones((2, 1)), np.ones((2, 3))]), DataError, "sequence 1 has 3 channels"),
        (lambda: Sequences.from_list([[1, "b"]]), DataError, "sequence 0 holds <U21 values; expected numbers"),
        (lambda: Sequences.from_list([[1.0], [[1.0], [1.0, 2.0]]]), DataError, "sequence 1 has steps of different"),
        (lambda: Sequences.from_list([np.ones((1, 1, 1))]), DataError, r"sequence 0 has the shape \(1, 1, 1\)"),
        (lambda: Sequences.from_list([[None, 1.0]]), DataError, "holds object values"),
        (lambda: Sequences.from_list([[1.0]], [1, 2]), DataError, "found 2 labels for 1 sequences"),
        (lambda: Sequences.from_list([[1.0]], channels=["a", "b"]), DataError, "expected .S, F. with F = 2"),
        (lambda: Sequences.from_list([[1.0]], ["x"], classes=["a"]), DataError, "'x' is not one of the classes: a"),
        (lambda: Sequences.from_array(np.ones(3)), DataError, r"is \[N, T, F\] or \[N, T\]; found the shape \(3,\)"),
        (lambda: Sequences.from_array(np.ones((2, 0, 1))), LengthError, "holds nothing"),
        (lambda: Sequences.from_array(np.ones((0, 3))), LengthError, "holds nothing"),
        (lambda: Sequences.from_array(np.ones((2, 2), complex)), DataError, "holds complex128 values"),
        (lambda: Sequences.from_steps(np.ones((3, 1), np.float32), [1, 1]), LengthError, "add up to 2 steps; found 3"),
        (lambda: Sequences.from_steps(np.ones((3, 1), np.float32), [3, 0]), LengthError, "sequence 1 has no steps"),
        (lambda: Sequences.from_steps(np.ones((3, 1), np.float32), [4, -1]), LengthError, "sequence 1 has no steps"),
        (lambda: Sequences.from_list([[1.0]]).targets, DataError, "have no labels"),
        (lambda: as_sequences("0110"), DataError, "found str; expected Sequences"),
        (lambda: as_sequences(5), DataError, "found int"),  # type: ignore[arg-type]
        (lambda: parse_literal("1,2:3", 2), DataError, "the channels have 2, 1 steps"),
        (lambda: parse_literal("1,x", 1), DataError, "'x' is not a number"),
    ],
)
def test_what_cannot_be_used_is_refused(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()


def test_a_literal_is_digits_for_one_channel_or_numbers_between_commas() -> None:
    assert parse_literal(" 0110 ", 1).values.tolist() == [[0], [1], [1], [0]]
    assert parse_literal("0.5,-1:2,3", 2).values.tolist() == [[0.5, 2], [-1, 3]]
    assert parse_literal("10,11", 1).values.tolist() == [[10], [11]]


@pytest.mark.parametrize(
    ("labels", "classes", "indices"),
    [
        ([10, 9, 10, -1], ("-1", "9", "10"), [2, 1, 2, 0]),
        ([1.0, 0.5, 10.0, 1.0], ("0.5", "1", "10"), [1, 0, 2, 1]),
        (["b", "a", "B"], ("B", "a", "b"), [2, 1, 0]),
        (["10", "9"], ("10", "9"), [0, 1]),
        ([True, False], ("False", "True"), [1, 0]),
        (np.array(["x", "y"], object), ("x", "y"), [0, 1]),
        (np.array([3, 3], np.uint8), ("3",), [0, 0]),
    ],
)
def test_numbers_are_ordered_by_value_and_everything_else_as_text(
    labels: Any, classes: tuple[str, ...], indices: list[int]
) -> None:
    found, names = encode_labels(labels)
    assert names == classes
    assert found.tolist() == indices
    assert found.dtype == np.int64


def test_given_classes_fix_the_order_and_may_be_absent() -> None:
    found, names = encode_labels(["b", "a"], ["c", "b", "a"])
    assert names == ("c", "b", "a")
    assert found.tolist() == [1, 2]
    assert encode_labels([1.0, 2.0], ["2", "1"])[0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([1.0, np.nan], "label 1 is missing .*nan"),
        ([1.0, np.inf], "label 1 is not finite"),
        (["a", None], "label 1 is missing .None"),
        (["a", " ? "], "label 1 is missing"),
        ([[1, 2], [2, 1]], "expected one label a sequence"),
        (np.array([1, "a"], object), "of different types .int, str."),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: Any, text: str) -> None:
    with pytest.raises(DataError, match=text):
        encode_labels(labels)


# Missing values


def test_missing_and_infinite_values_are_found_where_they_stand() -> None:
    rows = [row.copy() for row in ROWS]
    rows[0][2, 1] = np.nan
    rows[2][0, 0], rows[2][4, 1] = np.inf, -np.inf
    sequences = Sequences.from_list(rows)
    assert sequences.missing() == [(0, 2, 1), (2, 0, 0), (2, 4, 1)]
    assert sequences.take(np.array([1])).missing() == []
    assert Sequences.from_list(ROWS).missing() == []


def test_a_value_too_large_for_single_precision_is_refused() -> None:
    with pytest.raises(DataError, match="sequence 1 holds values beyond the range"):
        Sequences.from_list([np.array([1.0]), np.array([1e300])])


# Fingerprints


def fingerprint(rows: Any = ROWS, labels: Any = ("a", "b", "a"), **options: Any) -> str:
    return Sequences.from_list(rows, list(labels), **options).fingerprint


def test_equal_data_have_equal_fingerprints_whatever_their_layout_in_memory() -> None:
    expected = fingerprint()
    assert fingerprint([np.asfortranarray(row) for row in ROWS]) == expected
    assert fingerprint([np.repeat(row, 2, 0)[::2] for row in ROWS]) == expected
    shuffled = Sequences.from_list([ROWS[2], ROWS[0], ROWS[1]], ["a", "a", "b"]).take(np.array([1, 2, 0]))
    assert shuffled.fingerprint == expected
    more = Sequences.from_list([*ROWS, *ROWS], ["a", "b", "a"] * 2)
    assert more.take(slice(3, 6)).fingerprint == more.take(slice(0, 3)).fingerprint == expected
    assert fingerprint(channels=["x", "y"]) == expected


def test_other_data_have_other_fingerprints() -> None:
    other = [row.copy() for row in ROWS]
    other[1][0, 0] += 1e-6 * 8
    found = [
        fingerprint(),
        fingerprint(other),
        fingerprint(labels=("a", "a", "b")),
        fingerprint(labels=("a", "c", "a")),
        fingerprint(classes=["a", "b", "c"]),
        fingerprint([ROWS[1], ROWS[0], ROWS[2]], ("b", "a", "a")),
        fingerprint([np.concatenate([ROWS[0], ROWS[1]]), ROWS[2][:1], ROWS[2][1:]]),
        Sequences.from_list(ROWS).fingerprint,
    ]
    assert len(set(found)) == len(found)


# Statistics


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_statistics_equal_numpys_on_the_chosen_steps_alone(offset: float) -> None:
    random = np.random.default_rng(0)
    rows = [random.normal(offset, (1, 5), (n, 2)).astype(np.float32) for n in (4, 1, 30, 7)]
    choice = Sequences.from_list(rows, [0, 1, 0, 1]).take(np.array([2, 0, 3]))
    table = np.concatenate([rows[2], rows[0], rows[3]]).astype(np.float64)
    mean, deviation = channel_statistics(choice)
    np.testing.assert_allclose(mean, table.mean(0), rtol=1e-10)
    np.testing.assert_allclose(deviation, table.std(0), rtol=1e-8)
    mean, deviation = overall_statistics(choice)
    np.testing.assert_allclose(mean, [table.mean()] * 2, rtol=1e-10)
    np.testing.assert_allclose(deviation, [table.std()] * 2, rtol=1e-8)


def test_statistics_of_bytes_are_in_the_real_unit() -> None:
    values = np.random.default_rng(0).integers(0, 256, (200_000, 1)).astype(np.uint8)
    mean, deviation = channel_statistics(Sequences.from_steps(values, [200_000], scale=1 / 255))
    assert mean[0] == pytest.approx((values / 255).mean())
    assert deviation[0] == pytest.approx((values / 255).std())


# Text, names, groups and times


def described() -> Sequences:
    """Three texts with all that can be said of each."""
    return Sequences.from_steps(
        np.array([[0], [1], [1], [0], [2]], np.int32),
        [2, 1, 2],
        ["x", "y", "x"],
        symbols=["a", "b", "c"],
        ids=["first", "second", "third"],
        groups=["anne", "anne", "bert"],
        times=[3.0, 1.0, 2.0],
    )


@pytest.mark.parametrize("choice", [slice(1, None), np.array([1, 2])])
def test_a_choice_keeps_names_groups_times_and_symbols(choice: Any) -> None:
    chosen = described().take(choice)
    assert chosen.symbols == ("a", "b", "c")
    assert chosen.ids is not None
    assert chosen.groups is not None
    assert chosen.times is not None
    assert chosen.ids.tolist() == ["second", "third"]
    assert chosen.groups.tolist() == ["anne", "bert"]
    assert chosen.times.tolist() == [1.0, 2.0]
    assert chosen.missing() == []


@pytest.mark.parametrize("name", ["ids", "groups", "times"])
def test_names_groups_and_times_are_one_for_each_sequence(name: str) -> None:
    values: Any = {name: [1.0, 2.0] if name == "times" else ["a", "b"]}
    with pytest.raises(DataError, match=f"found 2 {name} for 1 sequences"):
        Sequences.from_steps(np.ones((1, 1), np.float32), [1], **values)


def test_the_fingerprint_is_of_what_a_network_sees() -> None:
    text = described()
    assert replace(text, ids=None, groups=None, times=None).fingerprint == text.fingerprint
    assert replace(text, symbols=("a", "b", "d")).fingerprint != text.fingerprint
    assert replace(text, symbols=None).fingerprint != text.fingerprint


def test_labels_in_one_column_are_labels() -> None:
    assert Sequences.from_list([[1.0], [2.0]], np.array([[2], [1]])).targets.tolist() == [1, 0]
