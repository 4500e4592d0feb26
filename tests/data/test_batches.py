"""Orders and batches: every sequence as often as it should be, padded with zeros, without copies."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.config import DataConfig
from unrolled.data.batches.batcher import Batcher, Order
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences

RANDOM = np.random.default_rng(0)
EQUAL = np.full(23, 5)
RAGGED = RANDOM.integers(1, 60, 300)


def order(lengths: Any = EQUAL, size: int = 4, **options: Any) -> Order:
    return Order(np.asarray(lengths, np.int64), size, options.pop("seed", 3), **options)


@pytest.mark.parametrize("lengths", [EQUAL, RAGGED])
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_pass_that_keeps_the_remainder_visits_every_sequence_once(lengths: Any, shuffle: bool) -> None:
    for number in range(3):
        batches = order(lengths, shuffle=shuffle).batches(number)
        assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
        assert sorted(map(len, batches))[1:] == [4] * (len(batches) - 1)
        assert len(batches) == order(lengths).updates_per_epoch


@pytest.mark.parametrize("lengths", [EQUAL, RAGGED[:299]])
def test_a_pass_that_drops_the_remainder_has_whole_batches_and_no_sequence_twice(lengths: Any) -> None:
    for number in range(3):
        batches = order(lengths, last_batch="drop").batches(number)
        assert [len(batch) for batch in batches] == [4] * (len(lengths) // 4)
        assert max(Counter(np.concatenate(batches).tolist()).values()) == 1


def test_dropping_leaves_out_short_and_long_sequences_alike() -> None:
    seen: Counter[int] = Counter()
    for number in range(400):
        seen.update(np.concatenate(order(np.arange(1, 12), 4, last_batch="drop").batches(number)).tolist())
    shares = np.array([seen[index] for index in range(11)]) / 400
    assert (abs(shares - 8 / 11) < 0.12).all()


@pytest.mark.parametrize("lengths", [EQUAL, RAGGED[:23]])
def test_wrapping_goes_on_from_pass_to_pass_without_a_break(lengths: Any) -> None:
    seen: Counter[int] = Counter()
    stream: list[int] = []
    for number in range(100):
        batches = order(lengths, last_batch="wrap").batches(number)
        assert [len(batch) for batch in batches] == [4] * 5
        stream += np.concatenate(batches).tolist()
        seen.update(np.concatenate(batches).tolist())
        assert len(seen) < 23 or max(seen.values()) - min(seen.values()) <= 1
    if lengths is EQUAL:
        for low in range(0, len(stream) - 22, 23):
            assert sorted(stream[low : low + 23]) == list(range(23))


def test_more_to_a_batch_than_there_are_sequences_gives_one_batch() -> None:
    for last_batch in ("keep", "drop", "wrap"):
        (batch,) = order(EQUAL, 23, last_batch=last_batch).batches(5)
        assert sorted(batch) == list(range(23))
    (batch,) = order(EQUAL, 100).batches(0)
    assert len(batch) == 23


@pytest.mark.parametrize("last_batch", ["keep", "drop", "wrap"])
def test_the_order_is_a_function_of_seed_and_pass_alone(last_batch: Any) -> None:
    def flat(seed: int, number: int) -> list[int]:
        return np.concatenate(order(RAGGED, seed=seed, last_batch=last_batch).batches(number)).tolist()

    assert flat(3, 2) == flat(3, 2)
    assert flat(3, 2) != flat(4, 2)
    assert flat(3, 2) != flat(3, 1)


@pytest.mark.parametrize("lengths", [EQUAL, RAGGED])
def test_without_shuffling_the_order_is_the_stored_one(lengths: Any) -> None:
    for number in range(2):
        batches = order(lengths, shuffle=False).batches(number)
        assert np.concatenate(batches).tolist() == list(range(len(lengths)))


def test_batches_of_ragged_sequences_are_of_about_equal_lengths() -> None:
    batches = order(RAGGED, 10).batches(0)
    padded = sum(len(batch) * RAGGED[batch].max() for batch in batches)
    assert padded < 1.25 * RAGGED.sum()
    without = RANDOM.permutation(300).reshape(30, 10)
    assert sum(10 * RAGGED[batch].max() for batch in without) > 1.6 * RAGGED.sum()
    means = [RAGGED[batch].mean() for batch in batches]  # the batches themselves come in no order of lengths
    assert any(one > other for one, other in pairwise(means))
    assert any(one < other for one, other in pairwise(means))


# The batches themselves


def ragged_sequences(kind: Any = np.float32, scale: float = 1.0) -> Sequences:
    lengths = RANDOM.integers(1, 9, 12)
    values = RANDOM.integers(1, 250, (lengths.sum(), 3)).astype(kind)
    return Sequences.from_steps(values, lengths, RANDOM.integers(0, 2, 12), classes=["0", "1"], scale=scale)


def slow(sequences: Sequences, indices: Any) -> np.ndarray[Any, Any]:
    chosen = [sequences.values[sequences.starts[i] : sequences.starts[i] + sequences.lengths[i]] for i in indices]
    inputs = np.zeros((len(chosen), max(map(len, chosen)), sequences.values.shape[1]), np.float32)
    for row, steps in zip(inputs, chosen, strict=True):
        row[: len(steps)] = steps.astype(np.float32) * np.float32(sequences.scale)
    return inputs


def equal_sequences(kind: Any, scale: float) -> Sequences:
    values = RANDOM.integers(1, 250, (10 * 4, 3)).astype(kind)
    return Sequences.from_steps(values, np.full(10, 4), RANDOM.integers(0, 2, 10), classes=["0", "1"], scale=scale)


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
@pytest.mark.parametrize("make", [ragged_sequences, equal_sequences])
def test_batches_equal_the_slow_reference(make: Any, kind: Any) -> None:
    whole = make(kind, 1 / 255)
    choices = (whole, whole.take(slice(2, 9)), whole.take(np.array([5, 1, 1, 8, 0])), whole.take(np.array([7])))
    for sequences in choices:
        batcher = Batcher(sequences)
        for indices in (np.arange(len(sequences)), np.array([0]), RANDOM.integers(0, len(sequences), 6)):
            batch = batcher.batch(indices)
            assert batch.inputs.dtype == torch.float32
            np.testing.assert_array_equal(batch.inputs.numpy(), slow(sequences, indices))
            np.testing.assert_array_equal(batch.lengths.numpy(), sequences.lengths[indices])
            np.testing.assert_array_equal(batch.targets.numpy(), sequences.targets[indices])
            assert len(batch) == len(indices)


def test_a_batch_may_be_written_to_without_changing_the_data() -> None:
    for sequences in (equal_sequences(np.float32, 1.0), ragged_sequences()):
        before = sequences.values.copy()
        for indices in (np.arange(len(sequences)), np.array([3])):
            Batcher(sequences).batch(indices).inputs.zero_()
        assert np.array_equal(sequences.values, before)


def test_values_are_not_copied_for_choices_or_batchers() -> None:
    for sequences in (equal_sequences(np.uint8, 1 / 255), ragged_sequences()):
        for choice in (sequences, sequences.take(slice(1, 7)), sequences.take(np.array([5, 2]))):
            assert np.shares_memory(choice.values, sequences.values)
            assert np.shares_memory(Batcher(choice).values.numpy(), sequences.values)
        rows = Batcher(sequences.take(slice(1, 7))).rows
        assert rows is None or np.shares_memory(rows.numpy(), sequences.values)


def test_read_only_values_are_taken_without_a_warning_and_without_a_copy() -> None:
    sequences = ragged_sequences()
    sequences.values.flags.writeable = False
    batcher = Batcher(sequences)
    assert np.shares_memory(batcher.values.numpy(), sequences.values)
    np.testing.assert_array_equal(batcher.batch(np.array([2, 1])).inputs.numpy(), slow(sequences, [2, 1]))


def test_sequences_without_labels_have_zeros_for_targets() -> None:
    batch = Batcher(Sequences.from_list([[1.0], [1.0, 2.0]])).batch(np.array([0, 1]))
    assert batch.targets.tolist() == [0, 0]


@pytest.mark.parametrize("make", [ragged_sequences, equal_sequences])
def test_each_sequence_brings_its_own_weight(make: Any) -> None:
    sequences = make(np.float32, 1.0)
    weights = np.linspace(0, 2, len(sequences))
    found = Batcher(sequences, weights=weights).batch(np.array([2, 0, 1])).weights
    assert found is not None
    np.testing.assert_array_equal(found.numpy(), weights[[2, 0, 1]].astype(np.float32))
    assert Batcher(sequences).batch(np.array([0])).weights is None


def test_in_order_gives_every_sequence_once_shortest_first() -> None:
    sequences = ragged_sequences()
    found = list(Batcher(sequences).in_order(5))
    indices = np.concatenate([part for part, _ in found])
    assert sorted(indices) == list(range(12))
    assert (np.diff(sequences.lengths[indices]) >= 0).all()
    for part, batch in found:
        np.testing.assert_array_equal(batch.inputs.numpy(), slow(sequences, part))


@pytest.mark.data
@pytest.mark.parametrize(
    ("source", "options"), [("mnist-rows", {}), ("mnist-pixels", {"permute_seed": 1}), ("mnist-pixels", {})]
)
def test_mnist_and_its_batchers_hold_one_copy_of_the_pictures(source: str, options: dict[str, Any]) -> None:
    pictures = 55_000_000  # bytes of all 70,000
    tracemalloc.start()
    try:
        dataset = load_dataset(DataConfig(source=source, **options))
        assert dataset.validation is not None
        assert dataset.test is not None
        batchers = [Batcher(part) for part in (dataset.train, dataset.validation, dataset.test)]
        batch = batchers[0].batch(np.arange(128))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert batch.inputs.max() == 1.0
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 70_000
    assert held < 1.1 * pictures
    assert peak < 70_000_000


def test_sequences_that_lie_elsewhere_are_gathered_there_and_sent_as_they_are_stored() -> None:
    sequences = Sequences.from_list([[1.0], [1.0, 2.0]], ["a", "b"])
    batcher = Batcher(sequences, "meta", np.ones(2), storage="cpu")
    batch = batcher.batch(np.array([0, 1]))
    assert batcher.values.device.type == "cpu"
    for tensor in (batch.inputs, batch.lengths, batch.targets, batch.weights):
        assert tensor is not None
        assert tensor.device.type == "meta"
    assert batch.inputs.shape == (2, 2, 1)


def test_steps_rounded_up_add_nothing_but_padding() -> None:
    sequences = Sequences.from_list([[1.0], [1.0, 2.0, 3.0]])
    exact, rounded = (Batcher(sequences, round_to=k).batch(np.array([0, 1])) for k in (1, 4))
    assert rounded.inputs.shape == (2, 4, 1)
    assert torch.equal(rounded.inputs[:, :3], exact.inputs)
    assert not rounded.inputs[:, 3:].any()
    assert torch.equal(rounded.lengths, exact.lengths)
