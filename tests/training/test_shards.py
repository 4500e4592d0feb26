"""Shards are added in one order, whoever adds them; their gradient is that of the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closeness import closeness
from unrolled.config import TrainConfig
from unrolled.training.losses import batch_loss, loss_divisor
from unrolled.training.shards import shard_slices, spans_of_workers, sum_of_shards, sum_of_spans

SHARDS = [1, 2, 4, 8, 16, 32, 64]


@given(st.integers(0, 300), st.sampled_from(SHARDS))
def test_every_sequence_of_a_batch_is_in_one_shard(count: int, shards: int) -> None:
    parts = [np.arange(count)[part] for part in shard_slices(count, shards)]
    assert np.concatenate(parts).tolist() == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("shards", SHARDS)
def test_any_number_of_workers_adds_the_same_bits(shards: int) -> None:
    values = torch.randn(shards, 50, generator=torch.Generator().manual_seed(shards)) * 1e3
    whole = sum_of_shards((0, shards), lambda shard: values[shard])
    torch.testing.assert_close(whole, values.double().sum(0).float(), **closeness(torch.float32, 64 * 1000))
    for workers in range(1, shards + 1):
        spans = spans_of_workers(shards, workers)
        assert [low for low, _ in spans[1:]] == [high for _, high in spans[:-1]]
        own = {span: sum_of_shards(span, lambda shard: values[shard]) for span in spans}
        assert sum_of_spans(own, (0, shards)).equal(whole)


@pytest.mark.parametrize("loss", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, torch.tensor([0.2, 3.0, 1.0])])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("floor", [0.0, 1e-3])
def test_the_losses_of_the_shards_add_up_to_that_of_the_batch(loss, weights, smoothing, floor) -> None:
    config = TrainConfig(loss=loss, label_smoothing=smoothing, probability_floor=floor)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(13, 3, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 3, (13,), generator=generator)
    weights = None if weights is None else weights.double()
    divisor = loss_divisor(targets, config, weights)
    parts = [batch_loss(logits[part], targets[part], config, weights, divisor=divisor) for part in shard_slices(13, 4)]
    torch.testing.assert_close(sum(parts), batch_loss(logits, targets, config, weights), rtol=1e-12, atol=1e-12)
