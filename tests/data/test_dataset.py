"""A data set's parts number their classes alike, whatever each was made with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unrolled.data.dataset import Dataset
from unrolled.data.sequences import Sequences
from unrolled.errors import MismatchError

TRAIN = Sequences.from_list([[1.0], [2.0], [3.0]], ["b", "c", "a"])


def test_validation_labels_are_matched_by_name() -> None:
    validation = Sequences.from_list([[1.0], [2.0]], ["c", "b"])
    assert validation.classes == ("b", "c")
    found = Dataset("x", TRAIN, validation, None).validation
    assert found is not None
    assert found.classes == TRAIN.classes
    assert np.array(found.classes)[found.targets].tolist() == ["c", "b"]
    assert Dataset("x", TRAIN, TRAIN.take(slice(1)), None).validation is not None
    assert Dataset("x", TRAIN, None, None).validation is None


def test_channels_are_matched_by_name_and_bytes_by_their_unit() -> None:
    train = replace(Sequences.from_array(np.zeros((2, 3, 2), np.uint8), ["a", "b"], channels=["x", "y"]), scale=1 / 255)
    bytes_ = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
    test = Sequences.from_array(bytes_, ["a", "b"], channels=["y", "x"])
    found = Dataset("x", train, test, test).test
    assert found is not None
    assert (found.channels, found.scale) == (("x", "y"), 1 / 255)
    np.testing.assert_array_equal(np.stack(list(found)), bytes_[:, :, ::-1])


def test_a_label_that_is_not_trained_on_is_refused() -> None:
    with pytest.raises(MismatchError, match="the validation data have the label 'd', which the training data do not"):
        Dataset("x", TRAIN, Sequences.from_list([[1.0]], ["d"]), None)
