"""Several steps read as one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unrolled.config import ModelConfig
from unrolled.data.sequences import Sequences
from unrolled.network.network import Network
from unrolled.nn.frames import MOST_FRAMES, Frames
from unrolled.readout.methods import build_network


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_a_frame_holds_its_steps_and_the_last_one_repeats_the_sequences_last(size: int) -> None:
    lengths = torch.tensor([7, 1, 4])
    values = torch.arange(3 * 7 * 2.0).reshape(3, 7, 2)
    part = Frames(size)
    frames, counts = part(values, lengths), part.count(lengths)
    for row, length in enumerate(lengths.tolist()):
        own = values[row, :length].numpy()
        padded = np.concatenate([own, np.repeat(own[-1:], -length % size, 0)])
        expected = padded.reshape(-1, 2 * size)
        assert counts[row] == len(expected)
        np.testing.assert_array_equal(frames[row, : counts[row]].numpy(), expected)


def network(**config: object) -> Network:
    return Network(ModelConfig.model_validate({"hidden_size": 4, "frame_steps": 3, **config}), 2, 3).double().eval()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_logits_depend_on_nothing_but_the_own_sequence(bidirectional: bool) -> None:
    made = network(bidirectional=bidirectional, pooling="mean")
    values, lengths = torch.randn(4, 11, 2, dtype=torch.float64), torch.tensor([11, 4, 6, 1])
    together = made(values, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(made(values[row : row + 1, :length], lengths[row : row + 1])[0], together[row])


@pytest.mark.parametrize(
    "config",
    [{}, {"frame_steps": 1, "skip_segments": 5, "pooling": "statistics"}, {"frame_steps": 1, "context_steps": 2}],
)
def test_prefixes_are_read_anew_where_they_need_not_agree_with_the_whole(config: dict[str, object]) -> None:
    made = network(**config)
    values, lengths = torch.randn(2, 7, 2, dtype=torch.float64), torch.tensor([7, 5])
    assert not made.reads_forward
    prefixes = made.prefix_logits(values, lengths)
    torch.testing.assert_close(prefixes[:, 3], made(values[:, :4], torch.tensor([4, 4])))


@pytest.mark.parametrize(("longest", "size"), [(10, 1), (MOST_FRAMES, 1), (MOST_FRAMES + 1, 2), (4001, 8)])
def test_automatic_frames_follow_the_longest_training_sequence(longest: int, size: int) -> None:
    train = Sequences.from_list([np.arange(longest), np.arange(3)], [0, 1])
    made = build_network(ModelConfig(hidden_size=2, frame_steps="auto"), train, 0)
    assert made.frame_steps == made.config.frame_steps == size
    assert -(-longest // size) <= MOST_FRAMES
