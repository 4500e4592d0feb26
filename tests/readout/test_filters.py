"""Filters of the first layer, scaled to what they answer to the training data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from unrolled.config import ModelConfig
from unrolled.data.sequences import Sequences, from_texts
from unrolled.network.network import Network
from unrolled.nn.context import Context
from unrolled.readout.filters import scale_filters
from unrolled.readout.methods import build_network


def ragged(count: int = 20, channels: int = 2) -> Sequences:
    rng = np.random.default_rng(3)
    walks = [100 + rng.normal(size=(steps, channels)).cumsum(0) for steps in rng.integers(1, 40, count)]
    return Sequences.from_list(walks, [index % 2 for index in range(count)])


def config(**options: Any) -> ModelConfig:
    fields = {"hidden_size": 12, "context_steps": 8, "initializer": "filters", **options}
    return ModelConfig.model_validate(fields)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("context_steps", [0, 8])
def test_each_filters_answers_deviate_as_its_norm_was_drawn(cell: str, bidirectional: bool, context_steps: int) -> None:
    chosen, train = config(cell=cell, bidirectional=bidirectional, context_steps=context_steps), ragged()
    drawn, made = Network(chosen, 2, 2, seed=5), build_network(chosen, train, 5)
    normalised = [(values - train.values.mean(0)) / train.values.std(0) for values in (train[i] for i in range(20))]
    read = [torch.tensor(np.asarray(values))[None] for values in normalised]
    if context_steps:
        read = [Context(context_steps)(values, torch.tensor([values.shape[1]])) for values in read]
    every = torch.cat([values[0] for values in read]).double()
    for before, after in zip(drawn.layers[0].cells, made.layers[0].cells, strict=True):
        answers = every @ after.W.T.double()
        torch.testing.assert_close(answers.std(0, correction=0), before.W.norm(dim=1).double(), rtol=1e-4, atol=0)
        ratios = after.W / before.W.where(before.W != 0, 1)
        assert all(row[row != 0].max() < row[row != 0].min() * 1.001 for row in ratios)  # their shape is as drawn


def test_nothing_but_the_first_layers_input_weights_is_touched() -> None:
    chosen = config(num_layers=2)
    drawn, made = Network(chosen, 2, 2, seed=5).state_dict(), build_network(chosen, ragged(), 5).state_dict()
    changed = {name for name, value in made.items() if not value.equal(drawn[name])}
    assert changed - {name for name in changed if name.startswith("preparation")} == {"layers.0.cells.0.W"}


def test_filters_that_answer_nothing_stay_as_drawn() -> None:
    still = Sequences.from_list([np.full((5, 2), 3.0), np.full((9, 2), 3.0)], [0, 1])
    drawn, made = Network(config(), 2, 2, seed=5), build_network(config(), still, 5)
    assert made.layers[0].cells[0].W.equal(drawn.layers[0].cells[0].W)


def test_of_many_sequences_a_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.readout.filters.MOST_SEQUENCES", 7)
    train = ragged(50)
    first, again = (build_network(config(), train, 0).layers[0].cells[0].W for _ in range(2))
    few = Network(config(), 2, 2, seed=0)
    few.preparation.load_state_dict(build_network(config(), train, 0).preparation.state_dict())
    picked = np.sort(np.random.default_rng(0).choice(50, 7, replace=False))
    scale_filters(few, train.take(picked))
    assert first.equal(again)
    assert first.equal(few.layers[0].cells[0].W)


def test_text_is_read_through_filters_too() -> None:
    made = Network(config(embedding_size=3), 1, 2, symbols=4)
    before = made.layers[0].cells[0].W.clone()
    scale_filters(made, from_texts(["abca", "dcab", "aaab"], "characters"))
    assert not made.layers[0].cells[0].W.equal(before)
