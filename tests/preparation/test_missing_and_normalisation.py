"""Nothing but a sequence's own steps counts, nothing missing is counted, and it can be read as it comes."""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from closeness import closeness
from unrolled.config import MissingName, ModelConfig, NormalisationName
from unrolled.network.network import Network
from unrolled.preparation.missing import MISSING
from unrolled.preparation.preparing import Preparation

KINDS = [(missing, normalisation) for missing in get_args(MissingName) for normalisation in get_args(NormalisationName)]
every_kind = pytest.mark.parametrize(("missing", "normalisation"), KINDS, ids=["-".join(kind) for kind in KINDS])
LENGTHS = [4, 7, 1, 3]
near = closeness(torch.float64, 16, steps=7, magnitude=100)  # values are about 100
nan = float("nan")


def holes(uniform, missing: str, seed: int = 3) -> Tensor:
    """[4, 7, 3], in float64; some values missing, and all of one channel of one sequence, where that is allowed."""
    values = 3 * uniform(4, 7, 3, seed=1) + torch.tensor([100.0, 0.0, -5.0])
    if missing != "none":
        values[uniform(4, 7, 3, seed=seed) > 0.4] = nan
        values[1, :, 2] = nan
    return values


def made(missing: MissingName, normalisation: NormalisationName) -> Preparation:
    preparation = Preparation(3, missing, normalisation).double()
    mean = torch.tensor([99.0, 0.5, -4.0]).double()
    shift = mean.mean().expand(3) if normalisation == "overall" else mean
    preparation.set_statistics(shift, torch.tensor([2.0, 0.5, 4.0]).double(), mean)
    return preparation


def network_of(missing: MissingName, normalisation: NormalisationName, **options: object) -> Network:
    config = ModelConfig.model_validate(
        {"hidden_size": 4, "missing": missing, "normalisation": normalisation, **options}
    )
    network = Network(config, 3, 3, seed=2).double().eval()
    assert isinstance(network.preparation, Preparation)
    network.preparation.load_state_dict(made(missing, normalisation).state_dict())
    return network


@every_kind
@torch.no_grad()
def test_padding_and_neighbours_do_not_matter(missing, normalisation, uniform) -> None:
    values, lengths = holes(uniform, missing), torch.tensor(LENGTHS)
    for bidirectional in (False, True):
        network = network_of(missing, normalisation, bidirectional=bidirectional, pooling="mean")
        beyond = torch.arange(10) >= lengths[:, None]
        padded = torch.cat([values, torch.zeros(4, 3, 3).double()], 1)
        for garbage in (0.0, 1e30, torch.inf, nan):
            together = network(torch.where(beyond[:, :, None], garbage, padded), lengths)
            for row, length in enumerate(LENGTHS):
                alone = network(values[row : row + 1, :length], lengths[row : row + 1])
                torch.testing.assert_close(together[row : row + 1], alone, **near)
            assert together.isfinite().all()


@every_kind
@torch.no_grad()
def test_prefix_logits_are_those_of_each_prefix(missing, normalisation, uniform) -> None:
    network, values, lengths = network_of(missing, normalisation), holes(uniform, missing), torch.tensor(LENGTHS)
    found = network.prefix_logits(values, lengths)
    for row, length in enumerate(LENGTHS):
        for end in range(1, length + 1):
            expected = network(values[row : row + 1, :end], torch.tensor([end]))[0]
            torch.testing.assert_close(found[row, end - 1], expected, **near)


@every_kind
def test_it_does_not_matter_how_steps_are_cut(missing, normalisation, uniform) -> None:
    preparation, values = made(missing, normalisation), holes(uniform, missing)
    if preparation.obstacle is not None:
        assert normalisation == "sequence"
        return
    whole = preparation(values, torch.full((4,), 7))
    assert whole.shape[-1] == preparation.width
    state = preparation.initial_state(values, 4)
    for low, high in ((0, 1), (1, 2), (2, 6), (6, 7)):
        part, state = preparation.advance(values[:, low:high], state)
        torch.testing.assert_close(part, whole[:, low:high], rtol=0, atol=0)


@every_kind
def test_what_is_prepared_has_no_holes_and_is_saved_with_the_weights(missing, normalisation, uniform) -> None:
    network, values = network_of(missing, normalisation), holes(uniform, missing)
    prepared = network.preparation(values, torch.full((4,), 7))
    assert prepared.isfinite().all()
    other = Network(network.config, 3, 3, seed=None).double()
    other.load_state_dict(network.state_dict(), assign=True)
    assert other.preparation(values, torch.full((4,), 7)).equal(prepared)
    assert not list(network.preparation.parameters())


# One sequence by its own statistics


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_a_sequence_standardised_by_itself_is_what_scikit_learn_gives(uniform, offset, unit) -> None:
    values, lengths = holes(uniform, "mean"), torch.tensor(LENGTHS)
    values = unit * (values + offset)
    found = Preparation(3, "mean", "sequence").double()(values, lengths)
    for row, length in enumerate(LENGTHS):
        own = values[row, :length].numpy()
        own = own[:, ~np.isnan(own).all(0)]
        there = ~values[row, :length].isnan().all(0)
        expected = np.nan_to_num(StandardScaler().fit_transform(own)) if own.size else own
        np.testing.assert_allclose(
            found[row, :length][:, there], expected, **closeness(torch.float64, 7, magnitude=1e4)
        )
        assert not found[row, :length][:, ~there].any()


def test_a_constant_channel_of_a_sequence_is_only_shifted() -> None:
    values = torch.tensor([[[7.0, 1e8], [7.0, 1e8], [7.0, 1e8]]])
    assert not Preparation(2, "none", "sequence")(values, torch.tensor([3])).any()


# What is missing

ROW = [nan, 2.0, nan, nan, 5.0, nan]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("mean", [[-1, 2, -1, -1, 5, -1]]),
        ("forward-fill", [[-1, 2, 2, 2, 5, 5]]),
        ("mask", [[-1, 2, 2, 2, 5, 5], [0, 1, 0, 0, 1, 0], np.log1p([0, 1, 1, 2, 3, 1])]),
    ],
)
def test_missing_values_are_filled(missing: MissingName, expected: list[npt.ArrayLike]) -> None:
    filling = MISSING[missing](1)
    filling.set_mean(torch.tensor([-1.0]))
    values = torch.tensor(ROW)[None, :, None]
    found, _ = filling.advance(values, filling.initial_state(values, 1))
    np.testing.assert_allclose(found[0].T, np.array(expected, np.float32), **closeness(torch.float32, 1))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([nan, 1.0, 2.0, 3.0]), min_size=1, max_size=12))
def test_the_time_since_the_last_observation_is_che_et_als(row: list[float]) -> None:
    expected, last = [0.0], -1.0
    for before in row[:-1]:  # their equation (2), with steps as time stamps
        expected.append(1.0 if not np.isnan(before) else 1.0 + expected[-1])
    filling = MISSING["mask"](1)
    filling.set_mean(torch.tensor([last]))
    values = torch.tensor(row)[None, :, None]
    found, _ = filling.advance(values, filling.initial_state(values, 1))
    np.testing.assert_allclose(found[0, :, 2].expm1(), expected, **closeness(torch.float32, 12))


@every_kind
def test_values_that_are_all_there_are_only_normalised(missing, normalisation, uniform) -> None:
    values, lengths = holes(uniform, "none"), torch.tensor(LENGTHS)
    plain, filled = made("none", normalisation)(values, lengths), made(missing, normalisation)(values, lengths)
    assert filled[:, :, :3].equal(plain)


@pytest.mark.parametrize("normalisation", get_args(NormalisationName))
def test_noise_of_one_is_one_in_what_the_cells_see(normalisation, uniform) -> None:
    preparation, values, lengths = made("none", normalisation), holes(uniform, "none"), torch.tensor(LENGTHS)
    unit = preparation.unit(values, lengths)
    if normalisation != "sequence":
        change = preparation(values + unit, lengths) - preparation(values, lengths)
        torch.testing.assert_close(change, torch.ones_like(change), **near)
        return
    for row, length in enumerate(LENGTHS):
        deviation = values[row, :length].std(0, unbiased=False)
        expected = torch.where(deviation > 1e-9, deviation, 1.0)
        torch.testing.assert_close(unit[row, 0], expected, **near)


def test_weights_saved_under_the_former_name_are_read() -> None:
    network = Network(ModelConfig(hidden_size=2), 2, 2)
    network.normaliser.set_statistics(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 8.0]))
    former = {name.replace("preparation.", ""): value for name, value in network.state_dict().items()}
    assert "normaliser.shift" in former
    other = Network(ModelConfig(hidden_size=2), 2, 2, seed=3)
    other.load_state_dict(former)
    assert all(value.equal(network.state_dict()[name]) for name, value in other.state_dict().items())
