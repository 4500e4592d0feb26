"""Held-out sequences: disjoint, complete, seeded, with the classes' shares kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.config import DataConfig
from unrolled.data.load import split_dataset
from unrolled.data.sequences import Sequences
from unrolled.data.splits import hold_out, hold_out_groups, hold_out_test, hold_out_validation
from unrolled.errors import ConfigError, DataError


def numbered(counts: list[int]) -> Sequences:
    """Each sequence holds its own number."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return Sequences.from_list([[float(i)] for i in range(len(labels))], labels)


def numbers(sequences: Sequences) -> list[int]:
    return [int(row[0, 0]) for row in sequences]


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5, 0.8])
def test_both_sides_are_disjoint_complete_in_order_and_keep_the_classes_shares(fraction: float) -> None:
    whole = numbered([100, 50, 250])
    kept, held = hold_out(whole, fraction, 0)
    assert sorted(numbers(kept) + numbers(held)) == list(range(400))
    assert numbers(kept) == sorted(numbers(kept))
    assert numbers(held) == sorted(numbers(held))
    np.testing.assert_allclose(held.class_counts(), fraction * np.array([100, 50, 250]), atol=1)
    assert np.shares_memory(kept.values, whole.values)


def test_the_split_is_a_function_of_the_seed() -> None:
    whole = numbered([20, 20])
    assert numbers(hold_out(whole, 0.2, 1)[1]) == numbers(hold_out(whole, 0.2, 1)[1])
    assert numbers(hold_out(whole, 0.2, 1)[1]) != numbers(hold_out(whole, 0.2, 2)[1])


def test_a_class_with_one_sequence_is_refused_with_advice() -> None:
    with pytest.raises(DataError, match=r"class '1' has one sequence.*add another, remove the class"):
        hold_out(numbered([20, 1]), 0.2, 0)


@pytest.mark.parametrize(("fraction", "low", "high"), [(0.05, "0.15", "0.85"), (0.99, "0.15", "0.85")])
def test_a_fraction_that_leaves_a_side_too_small_is_refused_with_those_that_do_not(
    fraction: float, low: str, high: str
) -> None:
    whole = numbered([7, 7, 6])
    with pytest.raises(DataError, match=f"Choose a fraction from {low} to {high}, or 0") as caught:
        hold_out(whole, fraction, 0)
    assert "20 sequences of 3 classes" in str(caught.value)
    for good in (float(low), float(high)):
        hold_out(whole, good, 0)


def test_a_fraction_of_nothing_holds_nothing_out() -> None:
    whole = numbered([5, 5])
    kept, held = hold_out_test(whole, DataConfig(test_fraction=0))
    assert held is None
    assert kept is whole
    assert hold_out_validation(whole, DataConfig(validation_fraction=0))[1] is None


def test_validation_takes_fifteen_per_cent_unless_told_otherwise() -> None:
    _, held = hold_out_validation(numbered([100, 100]), DataConfig())
    assert held is not None
    assert len(held) == 30


# By group


def grouped(groups: list[str], labels: list[int]) -> Sequences:
    whole = Sequences.from_list([[float(i)] for i in range(len(labels))], labels)
    return replace(whole, groups=np.array(groups, object))


def recorded(people: int, each: int, classes: int = 2) -> Sequences:
    """Several recordings of each person, of every class."""
    names = [f"p{person}" for person in range(people) for _ in range(each)]
    return grouped(names, [index % classes for index in range(people * each)])


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(3, 12), st.integers(2, 9), st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.75]), st.integers(0, 5))
def test_no_group_stands_on_both_sides_and_nothing_is_lost(people: int, each: int, fraction: float, seed: int) -> None:
    whole = recorded(people, each)
    kept, held = hold_out_groups(whole, fraction, seed)
    assert kept.groups is not None
    assert held.groups is not None
    assert not set(kept.groups) & set(held.groups)
    assert sorted(numbers(kept) + numbers(held)) == list(range(people * each))
    assert numbers(kept) == sorted(numbers(kept))
    assert (kept.class_counts() > 0).all()


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.3, 0.5])
def test_the_share_and_the_classes_are_met_where_groups_allow_it(fraction: float) -> None:
    kept, held = hold_out_groups(recorded(40, 6, 3), fraction, 0)
    assert len(held) == pytest.approx(240 * fraction, abs=12)
    assert (held.class_counts() > 0).all()
    assert kept.class_counts().std() <= 4


def test_a_group_column_rules_the_test_and_the_validation_split() -> None:
    whole = recorded(20, 5)
    train, test = hold_out_test(whole, DataConfig())
    assert test is not None
    train, validation = hold_out_validation(train, DataConfig())
    assert validation is not None
    parts = [set(part.groups) for part in (train, validation, test) if part.groups is not None]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 20


def test_the_split_by_group_is_a_function_of_the_seed() -> None:
    whole = recorded(12, 4)
    assert numbers(hold_out_groups(whole, 0.3, 1)[1]) == numbers(hold_out_groups(whole, 0.3, 1)[1])
    assert len({tuple(numbers(hold_out_groups(whole, 0.3, seed)[1])) for seed in range(6)}) > 1


def test_groups_that_cannot_be_split_are_refused_by_name_with_advice() -> None:
    with pytest.raises(DataError, match="all sequences are of one group, 'anna'; a split by group needs several"):
        hold_out_groups(grouped(["anna"] * 4, [0, 1, 0, 1]), 0.5, 0)
    with pytest.raises(DataError, match=r"class '1' occurs in one group only, 'ben'.*add sequences of other groups"):
        hold_out_groups(grouped(["anna", "anna", "ben", "ben"], [0, 0, 0, 1]), 0.5, 0)


# By time


def timed(times: list[float], labels: list[int]) -> Sequences:
    return replace(grouped([""] * len(labels), labels), groups=None, times=np.array(times, np.float64))


def test_by_time_the_latest_are_held_out_and_before_them_those_for_validation() -> None:
    times = np.random.default_rng(0).permutation(100).astype(float)
    whole = timed(times.tolist(), [i % 2 for i in range(100)])
    config = DataConfig(split="time", test_fraction=0.2, validation_fraction=0.25)
    train, test = hold_out_test(whole, config)
    assert test is not None
    train, validation = hold_out_validation(train, config)
    assert validation is not None
    spans = [sorted(times[numbers(part)]) for part in (train, validation, test)]
    assert [len(span) for span in spans] == [60, 20, 20]
    assert spans[0] + spans[1] + spans[2] == list(range(100))
    assert numbers(test) == sorted(numbers(test))


def test_in_order_the_last_are_held_out() -> None:
    whole = replace(timed([0.0] * 10, [0, 1] * 5), times=None)
    kept, held = hold_out_test(whole, DataConfig(split="order", test_fraction=0.3))
    assert held is not None
    assert (numbers(kept), numbers(held)) == (list(range(7)), [7, 8, 9])


def test_what_cannot_be_ordered_in_time_is_refused_with_advice() -> None:
    whole = timed([1.0, np.nan, 3.0, 4.0], [0, 1, 0, 1])
    config = DataConfig(split="time", test_fraction=0.5)
    with pytest.raises(ConfigError, match="these lack 1 of their times; name a time column with time"):
        hold_out_test(whole, config)
    with pytest.raises(ConfigError, match=r"these have no times.*split = .order"):
        hold_out_test(replace(whole, times=None), config)
    with pytest.raises(ConfigError, match="cannot also keep groups together"):
        hold_out_test(replace(whole, groups=np.array(["a", "b", "a", "b"], object)), config)


def test_a_class_that_only_comes_late_is_named() -> None:
    with pytest.raises(DataError, match="class '1' occurs only among the last 2 sequences"):
        hold_out_test(timed([0, 1, 2, 3], [0, 0, 0, 1]), DataConfig(split="time", test_fraction=0.5))


@given(st.lists(st.integers(0, 30), min_size=12, max_size=80), st.integers(0, 5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_copies_of_a_content_are_on_one_side(contents: list[int], seed: int, grouped: bool) -> None:
    labels = [("a", "b")[content % 2] for content in contents]
    whole = Sequences.from_list([[float(content)] for content in contents], labels)
    if grouped:
        whole = replace(whole, groups=np.array([f"g{index % 7}" for index in range(len(contents))], object))
    distinct = {label: {c for c, one in zip(contents, labels, strict=True) if one == label} for label in "ab"}
    if min(map(len, distinct.values())) < 4 or 1 in whole.class_counts():
        return
    try:
        kept, held = hold_out_test(whole, DataConfig(split_seed=seed, test_fraction=0.3))
    except DataError:  # groups in which a class cannot be divided
        return
    assert held is not None
    if not grouped:  # groups come first: chains of copies may join them all
        assert not {*numbers(kept)} & {*numbers(held)}
    else:
        assert not {*np.asarray(kept.groups)} & {*np.asarray(held.groups)}
    assert sorted(numbers(kept) + numbers(held)) == sorted(contents)


def test_copies_join_groups_where_the_groups_allow_it() -> None:
    contents = [*range(20), 0, 21, 22, 23]
    groups = np.array([f"g{index // 2}" for index in range(24)], object)  # g0 and g10 share the content 0
    whole = replace(Sequences.from_list([[float(c)] for c in contents], ["a", "b"] * 12), groups=groups)
    for seed in range(10):
        kept, held = hold_out_groups(whole, 0.3, seed)
        assert not {*numbers(kept)} & {*numbers(held)}


def test_a_class_of_one_content_is_not_held_out() -> None:
    whole = Sequences.from_list([[float(i)] for i in range(20)] + [[99.0]] * 4, ["a", "b"] * 10 + ["c"] * 4)
    kept, held = hold_out(whole, 0.2, 0)
    assert numbers(held).count(99) == 0
    assert numbers(kept).count(99) == 4


def test_one_moment_is_not_cut_in_two() -> None:
    times = np.repeat(np.arange(6.0), 5)
    whole = replace(Sequences.from_list([[float(i)] for i in range(30)], ["a", "b"] * 15), times=times)
    for fraction in (0.1, 0.2, 0.25, 0.5, 0.9):
        kept, held = hold_out_test(whole, DataConfig(split="time", test_fraction=fraction))
        assert held is not None
        assert np.asarray(kept.times).max() < np.asarray(held.times).min()
        assert abs(len(held) - fraction * 30) <= 2.5
    with pytest.raises(DataError, match="of one moment"):
        hold_out_test(replace(whole, times=np.zeros(30)), DataConfig(split="time"))


def test_without_a_fraction_too_few_sequences_are_all_trained_on() -> None:
    few = numbered([6, 1])
    assert hold_out_validation(few, DataConfig())[1] is None
    assert "too few are left" in split_dataset(numbered([8, 8, 2]), DataConfig(), "few", "few").note
    with pytest.raises(DataError, match="class '1' has one sequence"):
        hold_out_validation(few, DataConfig(validation_fraction=0.2))
