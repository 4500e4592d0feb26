"""Statistics of random convolutions, compared with NumPy's equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax

from unrolled.config import ModelConfig
from unrolled.network import Network
from unrolled.nn import Convolutions, automatic_dilations
from unrolled.nn.convolutions import FIXED, GROUPS, IN_GROUP


def drawn(channels: int, dilations: int) -> Convolutions:
    generator = torch.Generator().manual_seed(channels)
    part = Convolutions(channels, 3, dilations)
    part.initialize(generator)
    part.learn(torch.randn(4, 30, channels, generator=generator), torch.tensor([30, 20, 9, 1]), generator)
    return part


def by_the_equations(part: Convolutions, values: np.ndarray) -> np.ndarray:
    """The features of one sequence [T, F], kernel by kernel."""
    counted, won = [], []
    steps = len(values)
    for view, read in enumerate([values, np.diff(values, axis=0, prepend=values[:1])]):
        for place, distance in enumerate(part.distances):
            kernels = part.kernels[view, place].double().numpy().reshape(-1, 9, part.channels)
            padded = np.pad(read, ((4 * distance, 4 * distance), (0, 0)))
            taps = np.stack([padded[tap * distance :][:steps] for tap in range(9)])  # [9, T, F]
            outputs = np.einsum("ktf,tsf->sk", kernels, taps)
            softness = part.softness[view, place].double().numpy()
            excess = outputs[:, : len(FIXED), None] - part.thresholds[view, place].double().numpy()
            ramp = np.clip(excess / (2 * softness[:-1]) + 0.5, 0, 1)
            counted += [ramp.mean(0).ravel(), np.maximum(excess / (2 * softness[:-1]) + 0.5, 0.5).mean(0).ravel()]
            groups = outputs[:, len(FIXED) :].reshape(steps, IN_GROUP, GROUPS)
            largest = np.where(groups == groups.max(1, keepdims=True), groups, 0).clip(0)
            least = softmax(-groups / softness[-1], 1)
            won += [np.sqrt(part.mean(0).ravel() + 1e-4) for part in (largest, least)]
    return np.concatenate([*counted, *won])


@pytest.mark.parametrize(("channels", "dilations"), [(1, 3), (2, 1), (12, 2)])
def test_the_features_are_their_equations_whatever_stands_in_the_padding(channels: int, dilations: int) -> None:
    part, lengths = drawn(channels, dilations), torch.tensor([40, 17, 1])
    values = torch.randn(3, 40, channels, generator=torch.Generator().manual_seed(9))
    values[1, 17:], values[2, 1:] = torch.nan, torch.inf
    found = part(values, lengths)
    assert found.shape[1] == sum(part.widths) == part.weights.shape[1]
    for row, length in enumerate(lengths.tolist()):
        expected = by_the_equations(part, values[row, :length].double().numpy())
        np.testing.assert_allclose(found[row], expected, rtol=2e-3, atol=2e-4)


def test_every_kernel_sums_to_zero_and_reads_at_most_nine_channels() -> None:
    kernels = drawn(12, 1).kernels.reshape(-1, 9, 12)
    assert kernels.sum(1).abs().max() < 1e-5
    read = (kernels != 0).any(1).sum(1)
    assert read.min() >= 1
    assert read.max() <= 9


@pytest.mark.parametrize(("longest", "dilations"), [(1, 1), (16, 1), (17, 2), (150, 5), (10_000, 8)])
def test_the_widest_kernel_is_not_longer_than_the_longest_sequence(longest: int, dilations: int) -> None:
    assert automatic_dilations(longest) == dilations
    assert dilations == 1 or 8 * 2 ** (dilations - 1) + 1 <= longest


def test_the_weighted_features_are_added_to_the_logits() -> None:
    network = Network(ModelConfig(hidden_size=2, skip_convolutions=1), 2, 3).eval()
    values, lengths = torch.randn(2, 10, 2), torch.tensor([10, 4])
    part = network.convolutions
    assert part is not None
    before = network(values, lengths)
    part.weights.normal_(generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(values, lengths), before + part(values, lengths) @ part.weights.T)
