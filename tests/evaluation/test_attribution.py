"""Integrated gradients against their axioms and against a network for which they are known."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch

from unrolled.config import CellName, ModelConfig
from unrolled.evaluation import attribution
from unrolled.evaluation.attribution import integrated_gradients
from unrolled.network.network import Network

INPUTS = torch.randn(1, 12, 3, generator=torch.Generator().manual_seed(0))


def network(cell: Any = "lstm", **options: Any) -> Network:
    return Network(ModelConfig(cell=cell, hidden_size=6, **options), 3, 4, seed=1).eval()


def score(net: Network, inputs: torch.Tensor, label: int) -> float:
    with torch.no_grad():
        logits = net(inputs, torch.tensor([inputs.shape[1]]))[0]
    return float(logits[label] - logits.mean())


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "pooling": "attention"}, {"num_layers": 2}])
@pytest.mark.parametrize("cell", get_args(CellName))
def test_the_sum_is_the_difference_of_the_scores(cell: Any, options: dict[str, Any]) -> None:
    net = network(cell, normalisation="none", **options)
    found = integrated_gradients(net, INPUTS, 2)
    assert found.complete
    assert found.baseline == ("mean" if cell == "lstm-layer-norm" else "zero")
    baseline = INPUTS.mean(1, keepdim=True).expand_as(INPUTS) if found.baseline == "mean" else INPUTS * 0
    expected = score(net, INPUTS, 2) - score(net, baseline, 2)
    assert found.difference == pytest.approx(expected, abs=1e-5)
    assert found.steps.sum() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("options", [{}, {"missing": "mask"}, {"context_steps": 4}, {"frame_steps": 5}])
def test_a_channel_that_the_network_does_not_read_has_no_part(options: dict[str, Any]) -> None:
    net = network(normalisation="none", **options)
    found = integrated_gradients(net, INPUTS, 2)
    assert found.channels.shape == (12, 3)
    assert (np.abs(found.channels).sum(0) > 0).all()
    np.testing.assert_allclose(found.channels.sum(1), found.steps)
    weights = net.layers[0].directions[0].W  # type: ignore[union-attr, index]
    with torch.no_grad():
        weights[:, 1::3] = 0  # every value that comes of the second channel
    np.testing.assert_array_equal(integrated_gradients(net, INPUTS, 2).channels[:, 1], 0)


@pytest.mark.parametrize("frame", [2, 5, 30])
def test_steps_that_are_read_together_get_their_own_parts(frame: int) -> None:
    net = network(normalisation="none", frame_steps=frame)
    found = integrated_gradients(net, INPUTS, 2)
    assert found.steps.shape == (12,)
    assert found.complete
    expected = score(net, INPUTS, 2) - score(net, INPUTS * 0, 2)
    assert found.steps.sum() == pytest.approx(expected, rel=0.01)
    idle = INPUTS.clone()
    idle[:, 3] = 0
    assert integrated_gradients(net, idle, 2).steps[3] == 0


@pytest.mark.parametrize("frame", [1, 5])
@pytest.mark.parametrize("context", [0, 4])
def test_what_goes_past_the_recurrence_counts_too(frame: int, context: int) -> None:
    net = network(normalisation="none", skip_segments=4, frame_steps=frame, context_steps=context)
    with torch.no_grad():
        net.output.weight[:, : net.read_widths[0]] = 0  # nothing else does
    found = integrated_gradients(net, INPUTS, 2)
    assert found.complete
    expected = score(net, INPUTS, 2) - score(net, INPUTS * 0, 2)
    assert found.steps.sum() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("frame", [1, 5])
def test_a_step_counts_wherever_it_is_read_as_a_neighbour(frame: int) -> None:
    net = network(normalisation="none", context_steps=4, frame_steps=frame)
    found = integrated_gradients(net, INPUTS, 2)
    assert found.complete
    assert found.steps.shape == (12,)
    assert found.steps.sum() == pytest.approx(score(net, INPUTS, 2) - score(net, INPUTS * 0, 2), rel=0.01)


def test_a_step_that_changes_nothing_gets_nothing() -> None:
    inputs = INPUTS.clone()
    inputs[:, 5] = 0  # as the baseline has it
    found = integrated_gradients(network(normalisation="none"), inputs, 0)
    assert found.steps[5] == 0
    assert np.abs(found.steps).min(initial=1, where=np.arange(12) != 5) > 0


def test_a_network_that_only_adds_gets_each_steps_own_part() -> None:
    """A rectifier that stays open and forgets nothing: F is linear, so a step's part is its own term."""
    net = Network(ModelConfig(cell="rnn-relu", hidden_size=3, normalisation="none"), 3, 2, seed=1).eval()
    cell = net.layers[0].cells[0]
    with torch.no_grad():
        cell.W.copy_(torch.eye(3))
        cell.U.copy_(torch.eye(3))
        cell.b.zero_()
    inputs = INPUTS.abs()
    weight = (net.output.weight[0] - net.output.weight.mean(0)).detach()
    expected = (inputs[0] @ weight).double().numpy()
    np.testing.assert_allclose(integrated_gradients(net, inputs, 0).steps, expected, atol=1e-5)


def test_a_long_sequence_gets_fewer_points_and_says_whether_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribution, "MOST_STEPS", 10)
    found = integrated_gradients(network(), INPUTS, 1)
    assert found.points == 8
    assert found.complete == (found.error <= 0.01)
