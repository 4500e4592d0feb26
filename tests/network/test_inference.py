"""Running a network over many sequences gives, in the stored order, what each one alone gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from closeness import closeness
from unrolled.config import ModelConfig
from unrolled.data.batches.batcher import Batcher
from unrolled.data.sequences import Sequences
from unrolled.network import inference
from unrolled.network.inference import all_logits, all_prefix_logits, evaluation_batches
from unrolled.network.network import Network

LENGTHS = {
    "shuffled": [3, 9, 1, 5, 9, 2, 7],
    "rising": [1, 2, 3, 4],
    "falling": [4, 3, 2, 1],
    "equal": [4, 4, 4],
    "single": [5],
    "one-step": [1, 1, 1],
}
near = closeness(torch.float32, 12, steps=max(map(max, LENGTHS.values())))
every_order = pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())


def ragged(lengths: list[int], channels: int = 2) -> Sequences:
    generator = np.random.default_rng(0)
    return Sequences.from_list([generator.normal(size=(length, channels)) for length in lengths])


def network_for(pooling: str = "last", bidirectional: bool = False, **options: object) -> Network:
    config = ModelConfig.model_validate(
        {"hidden_size": 4, "pooling": pooling, "bidirectional": bidirectional, **options}
    )
    return Network(config, 2, 3, seed=1).eval()


@torch.no_grad()
def alone(network: Network, sequences: Sequences, index: int, end: int | None = None) -> Tensor:
    values = torch.from_numpy(sequences.scaled(index))[None, :end]
    logits: Tensor = network(values, torch.tensor([values.shape[1]]))[0]
    return logits


@every_order
@pytest.mark.parametrize("steps_per_batch", [1, 10, 65_536])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both-directions"])
def test_logits_stand_in_the_stored_order(lengths, steps_per_batch, bidirectional, monkeypatch) -> None:
    monkeypatch.setattr(inference, "STEPS_PER_BATCH", steps_per_batch)
    network, sequences = network_for("mean", bidirectional), ragged(lengths)
    found = all_logits(network, Batcher(sequences))
    assert found.shape == (len(lengths), 3)
    for index in range(len(lengths)):
        torch.testing.assert_close(found[index], alone(network, sequences, index), **near)


@every_order
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both-directions"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_prefix_logits_have_a_row_for_each_own_step(lengths, bidirectional, pooling, monkeypatch) -> None:
    monkeypatch.setattr(inference, "STEPS_PER_BATCH", 20)
    network, sequences = network_for(pooling, bidirectional), ragged(lengths)
    found = all_prefix_logits(network, Batcher(sequences))
    assert [len(logits) for logits in found] == lengths
    for index, logits in enumerate(found):
        for step in range(len(logits)):
            expected = alone(network, sequences, index, step + 1)
            torch.testing.assert_close(logits[step], expected, **near)


def test_logits_of_a_choice_of_sequences_are_theirs() -> None:
    network, sequences = network_for(), ragged(LENGTHS["shuffled"])
    choice = np.array([4, 0, 6])
    found = all_logits(network, Batcher(sequences.take(choice)))
    torch.testing.assert_close(found, all_logits(network, Batcher(sequences))[choice], **near)


def test_bytes_are_scaled() -> None:
    network = network_for()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 2), dtype=np.uint8)
    stored = Sequences.from_steps(pixels, [4, 4, 4], scale=1 / 255)
    real = Sequences.from_steps((pixels / 255).astype(np.float32), [4, 4, 4])
    found, expected = (all_logits(network, Batcher(sequences)) for sequences in (stored, real))
    torch.testing.assert_close(found, expected, **near)


@every_order
@pytest.mark.parametrize("limit", [9, 12, 30])
def test_a_batch_holds_a_bounded_number_of_steps(lengths, limit, monkeypatch) -> None:
    monkeypatch.setattr(inference, "STEPS_PER_BATCH", limit)
    seen = []
    for indices, batch in evaluation_batches(network_for(), Batcher(ragged(lengths))):
        assert batch.inputs.shape[0] * batch.inputs.shape[1] <= limit
        assert len(indices) == len(batch)
        seen += indices.tolist()
    assert sorted(seen) == list(range(len(lengths)))


def test_sequences_longer_than_the_bound_come_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "STEPS_PER_BATCH", 4)
    sizes = [len(batch) for _, batch in evaluation_batches(network_for(), Batcher(ragged([9, 6, 9])))]
    assert sizes == [1, 1, 1]


def test_short_sequences_come_in_batches_of_a_bounded_size() -> None:
    sequences = Sequences.from_array(np.zeros((inference.MAX_BATCH + 1, 1, 2)))
    sizes = [len(batch) for _, batch in evaluation_batches(network_for(), Batcher(sequences))]
    assert sizes == [inference.MAX_BATCH, 1]


def test_the_default_bound_is_kept_for_long_sequences() -> None:
    sequences = Sequences.from_array(np.zeros((5, 30_000, 1)))
    sizes = [batch.inputs.shape[:2].numel() for _, batch in evaluation_batches(network_for(), Batcher(sequences))]
    assert len(sizes) == 3
    assert max(sizes) <= inference.STEPS_PER_BATCH


@pytest.mark.parametrize("training", [False, True])
def test_there_is_no_dropout_and_the_mode_is_given_back(training: bool) -> None:
    network, sequences = network_for(output_dropout=0.5), ragged(LENGTHS["shuffled"])
    expected = all_logits(network, Batcher(sequences))
    network.train(training)
    assert all_logits(network, Batcher(sequences)).equal(expected)
    assert network.training is training
    assert not torch.is_inference_mode_enabled()


def test_the_logits_can_be_used_in_training() -> None:
    logits = all_logits(network_for(), Batcher(ragged([3, 1])))
    assert not logits.requires_grad
    assert not logits.is_inference()


@pytest.mark.parametrize("run", [all_logits, all_prefix_logits])
def test_an_error_on_the_way_gives_the_mode_back_at_once(run) -> None:
    network = network_for().train()
    batcher = Batcher(ragged([3, 1], channels=5))  # the network takes 2
    with pytest.raises(RuntimeError) as error:
        run(network, batcher)
    assert error.value.__traceback__ is not None  # as long as it is kept, so are the frames
    assert not torch.is_inference_mode_enabled()
    assert network.training
