"""Held-out sequences: disjoint, complete, seeded, with the classes' shares kept."""

from __future__ import annotations

import numpy as np
import pytest

from unrolled.config import DataConfig
from unrolled.data.sequences import Sequences
from unrolled.data.splits import hold_out, hold_out_test, hold_out_validation
from unrolled.errors import DataError


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
