"""Each step together with its neighbours."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from padded_tensors import Padded, padded
from unrolled.config import ModelConfig
from unrolled.network.network import Network
from unrolled.nn.context import Context, context_offsets


@pytest.mark.parametrize(
    ("reach", "offsets"),
    [
        (1, (-1, 0, 1)),
        (2, (-2, -1, 0, 1, 2)),
        (3, (-2, -1, 0, 1, 2)),
        (16, (-16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16)),
    ],
)
def test_neighbours_stand_at_distances_that_double(reach: int, offsets: tuple[int, ...]) -> None:
    assert context_offsets(reach) == offsets


@settings(derandomize=True, deadline=None, max_examples=100)
@given(batch=padded(), reach=st.integers(1, 50))
def test_context_is_torchs_replication_padding_read_through_windows(batch: Padded, reach: int) -> None:
    found = Context(reach)(batch.values, batch.lengths)
    for row, own in zip(found, batch.each(), strict=True):
        wide = F.pad(own.T[None], (reach, reach), mode="replicate")[0].T
        windows = [wide[reach + offset : reach + offset + len(own)] for offset in context_offsets(reach)]
        torch.testing.assert_close(row[: len(own)], torch.cat(windows, 1), rtol=0, atol=0)


@pytest.mark.parametrize("frame_steps", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_logits_depend_on_nothing_but_the_own_sequence(bidirectional: bool, frame_steps: int) -> None:
    config = ModelConfig(
        hidden_size=4,
        context_steps=4,
        initializer="filters",
        bidirectional=bidirectional,
        frame_steps=frame_steps,
        pooling="statistics",
        skip_segments=3,
    )
    made = Network(config, 2, 3).double().eval()
    values, lengths = torch.randn(4, 11, 2, dtype=torch.float64), torch.tensor([11, 4, 6, 1])
    together = made(values, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(made(values[row : row + 1, :length], lengths[row : row + 1])[0], together[row])


def test_a_recurrence_with_context_equals_one_without_that_reads_the_wider_steps() -> None:
    made = Network(ModelConfig(hidden_size=4, context_steps=2, normalisation="none"), 2, 3).double().eval()
    plain = Network(ModelConfig(hidden_size=4, normalisation="none"), 10, 3).double().eval()
    plain.load_state_dict({**plain.state_dict(), **{k: v for k, v in made.state_dict().items() if "prep" not in k}})
    values, lengths = torch.randn(2, 7, 2, dtype=torch.float64), torch.tensor([7, 5])
    torch.testing.assert_close(made(values, lengths), plain(Context(2)(values, lengths), lengths))


def test_gradients_reach_what_is_read() -> None:
    """As those of an embedding must."""
    values = torch.randn(3, 6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: Context(4)(v, torch.tensor([6, 1, 3])), values)
