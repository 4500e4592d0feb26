"""What goes past the recurrence."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from closeness import closeness
from padded_tensors import Padded, padded
from unrolled.config import ModelConfig
from unrolled.network.network import Network
from unrolled.nn.segments import SegmentMeans


@settings(derandomize=True, deadline=None, max_examples=100)
@given(batch=padded(), segments=st.integers(1, 50))
def test_segments_are_torchs_adaptive_average_pooling(batch: Padded, segments: int) -> None:
    found = SegmentMeans(segments)(batch.values, batch.lengths)
    for row, own in zip(found, batch.each(), strict=True):
        expected = F.adaptive_avg_pool1d(own.T, segments).T
        torch.testing.assert_close(row.reshape(expected.shape), expected, **closeness(torch.float64, 40))


def network(**config: object) -> Network:
    fields = {"hidden_size": 4, "skip_segments": 5, "pooling": "statistics", **config}
    return Network(ModelConfig.model_validate(fields), 2, 3).double().eval()


@pytest.mark.parametrize("frame_steps", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_logits_depend_on_nothing_but_the_own_sequence(bidirectional: bool, frame_steps: int) -> None:
    made = network(bidirectional=bidirectional, frame_steps=frame_steps)
    values, lengths = torch.randn(4, 11, 2, dtype=torch.float64), torch.tensor([11, 4, 6, 1])
    together = made(values, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(made(values[row : row + 1, :length], lengths[row : row + 1])[0], together[row])


@pytest.mark.parametrize("pooling", ["last", "mean", "statistics"])
def test_the_output_layer_reads_what_is_pooled_and_the_means_behind_it(pooling: str) -> None:
    made = network(pooling=pooling)
    values, lengths = torch.randn(3, 9, 2, dtype=torch.float64), torch.tensor([9, 2, 5])
    pooled = made.pool(*made.entering(values, lengths))
    assert made.read_widths == (pooled.shape[1] - 10, 10)
    assert made.output.in_features == pooled.shape[1]
    expected = SegmentMeans(5)(made.preparation(values, lengths), lengths)
    torch.testing.assert_close(pooled[:, -10:], expected)


def test_gradients_reach_what_is_read() -> None:
    """As those of an embedding must."""
    values = torch.randn(3, 6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: SegmentMeans(4)(v, torch.tensor([6, 1, 3])), values)
