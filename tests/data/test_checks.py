"""What cannot be learned or tested is refused before anything is done, by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unrolled.data.checks import check_test, check_trainable, refuse_values
from unrolled.data.sequences import Sequences, from_texts
from unrolled.errors import DataError, MismatchError

nan, inf = np.nan, np.inf


def two(values: list[list[list[float]]], channels: list[str] | None = None) -> Sequences:
    return Sequences.from_list(values, ["a", "b"], channels=channels)


def test_missing_values_are_refused_with_their_number_place_and_what_to_do() -> None:
    sequences = two([[[1, 2]], [[3, 4], [nan, nan]]], ["x", "y"])
    text = r"2 missing or infinite values, the first in sequence 1, step 1, channel 'x'.*--missing forward-fill, mean"
    with pytest.raises(MismatchError, match=text):
        check_trainable(sequences)
    check_trainable(sequences, "mask")


@pytest.mark.parametrize("missing", ["none", "forward-fill", "mean", "mask"])
def test_infinite_values_are_always_refused(missing) -> None:
    with pytest.raises(MismatchError, match=r"infinite values, the first in sequence 0, step 0, channel '1'.*Correct"):
        refuse_values(two([[[1, -inf]], [[2, inf]]]), "given", missing)


def test_a_channel_without_any_value_is_named() -> None:
    values = [[[1, nan], [0, nan]], [[2, nan], [5, nan]]]
    for missing in ("forward-fill", "mean", "mask"):
        with pytest.raises(DataError, match="every value of channel 'pulse' is missing in the training data"):
            check_trainable(two(values, ["x", "pulse"]), missing)
    whole = Sequences.from_list([*values, [[3.0, 4.0]]], ["a", "b", "a"], channels=["x", "pulse"])
    check_trainable(whole, "mean")
    with pytest.raises(DataError, match="'pulse'"):
        check_trainable(whole.take(np.array([0, 1])), "mean")


def test_a_test_file_must_have_the_channels_classes_and_groups_that_a_test_needs() -> None:
    train = two([[[1, 2]], [[3, 4]]], ["x", "y"])
    check_test(train, train)
    with pytest.raises(MismatchError, match=r"channels are y, z; the training data have x, y\. Rename them"):
        check_test(replace(train, channels=("y", "z")), train)
    with pytest.raises(MismatchError, match="the label 'c', which the training data do not have; those are a, b"):
        check_test(Sequences.from_list([[[1, 2]]], ["c"], channels=["x", "y"]), train)
    with pytest.raises(DataError, match="no labels"):
        check_test(replace(train, labels=None), train)
    with pytest.raises(MismatchError, match="the test data are text; expected numbers"):
        check_test(from_texts(["a", "b"], "characters"), train)
    anna, ben = (replace(train, groups=np.array([name, "eva"], object)) for name in ("anna", "ben"))
    with pytest.raises(DataError, match="1 groups are both in the training and in the test data, such as 'eva'"):
        check_test(anna, ben)
