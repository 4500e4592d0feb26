"""Each pooling is what a plain loop over a sequence's own steps gives."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from closeness import closeness
from unrolled.nn.pooling import POOLINGS, Pooling
from unrolled.nn.statistics import LEAST_VARIANCE

every_pooling = pytest.mark.parametrize("name", list(POOLINGS))
both_directions = pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both-directions"])
small = st.integers(1, 5)
some = settings(derandomize=True, deadline=None, max_examples=25)
cases = st.tuples(st.lists(small, min_size=1, max_size=5), st.integers(0, 3), small, st.integers(0, 99))
exactly = closeness(torch.float64, 16, magnitude=1 / LEAST_VARIANCE**0.5)  # the root of what is nearly 0


def prefixes(pooling: Pooling, outputs: Tensor) -> Tensor:
    """[B, T, H] → [B, T, H]: the pooled values of every prefix."""
    return pooling.advance(outputs, pooling.initial_state(outputs, len(outputs)))[0]


def made(name: str, width: int, bidirectional: bool = False, seed: int = 0) -> Pooling:
    pooling = POOLINGS[name](width, bidirectional).double()
    generator = Generator().manual_seed(seed)
    pooling.initialize(generator)
    with torch.no_grad():
        for weight in pooling.parameters():
            weight += torch.rand(weight.shape, generator=generator, dtype=torch.float64)
    return pooling


Steps = list[list[float]]
"""One sequence's outputs, [T][H]."""


def last(pooling: Pooling, steps: Steps) -> list[float]:
    half = len(steps[0]) // 2 if pooling.bidirectional else len(steps[0])
    return [*steps[-1][:half], *steps[0][half:]]


def first(pooling: Pooling, steps: Steps) -> list[float]:
    return last(pooling, steps[::-1])  # each direction starts where the other one ends


def attention(pooling: Any, steps: Steps) -> list[float]:
    A, a, v = pooling.A.weight.tolist(), pooling.A.bias.tolist(), pooling.v.weight.tolist()[0]
    units = range(len(steps[0]))
    scores = [
        sum(v[j] * math.tanh(a[j] + sum(A[j][k] * step[k] for k in units)) for j in units)  # v · tanh(A h + a)
        for step in steps
    ]
    weights = [math.exp(score) for score in scores]
    return [sum(w * s[j] for w, s in zip(weights, steps, strict=True)) / sum(weights) for j in units]


def eight_statistics(pooling: Pooling, steps: Steps) -> list[float]:
    columns = list(zip(*steps, strict=True))
    means, largest = [sum(column) / len(column) for column in columns], [max(column) for column in columns]
    deviations = [math.sqrt(statistics.pvariance(column) + 1e-6) for column in columns]
    least = [min(column) for column in columns]
    changes = [[0.0, *(after - before for before, after in itertools.pairwise(column))] for column in columns]
    rises, falls = [max(column) for column in changes], [min(column) for column in changes]
    moves = [math.sqrt(sum(change**2 for change in column) / len(column) + 1e-6) for column in changes]
    return [*means, *largest, *deviations, *last(pooling, steps), *least, *rises, *falls, *moves]


BY_HAND: dict[str, Callable[[Any, Steps], list[float]]] = {  # without a tensor operation over time
    "last": last,
    "first-last": lambda pooling, steps: [*first(pooling, steps), *last(pooling, steps)],
    "mean": lambda _, steps: [sum(column) / len(column) for column in zip(*steps, strict=True)],
    "max": lambda _, steps: [max(column) for column in zip(*steps, strict=True)],
    "attention": attention,
    "statistics": eight_statistics,
}


def test_every_pooling_has_its_loop_here() -> None:
    assert set(BY_HAND) == set(POOLINGS)


@every_pooling
@both_directions
@some
@given(cases)
def test_pooling_equals_a_plain_loop(name, bidirectional, uniform, case) -> None:
    lengths, padding, width, seed = case
    width *= 2 if bidirectional else 1
    pooling = made(name, width, bidirectional, seed)
    outputs = uniform(len(lengths), max(lengths) + padding, width, seed=seed)
    found = pooling(outputs, torch.tensor(lengths))
    expected = [BY_HAND[name](pooling, outputs[row, :length].tolist()) for row, length in enumerate(lengths)]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), **exactly)


@every_pooling
@some
@given(cases)
def test_prefixes_equal_pooling_each_prefix(name, uniform, case) -> None:
    lengths, padding, width, seed = case
    pooling = made(name, width, False, seed)
    steps = max(lengths) + padding
    outputs = uniform(len(lengths), steps, width, seed=seed)
    found = prefixes(pooling, outputs)
    for end in range(1, steps + 1):
        expected = pooling(outputs[:, :end], torch.full((len(lengths),), end))
        torch.testing.assert_close(found[:, end - 1], expected, **exactly)


@every_pooling
@both_directions
@pytest.mark.parametrize("garbage", [1e30, -1e30, math.inf, math.nan])
def test_padding_counts_in_no_pooling(name, bidirectional, garbage, uniform) -> None:
    pooling, outputs, lengths = made(name, 4, bidirectional), uniform(3, 5, 4), torch.tensor([2, 5, 1])
    expected = pooling(outputs, lengths)
    for row, length in enumerate(lengths.tolist()):
        outputs[row, length:] = garbage
    torch.testing.assert_close(pooling(outputs, lengths), expected, rtol=0, atol=0)


@every_pooling
@both_directions
def test_no_gradient_flows_into_padding(name, bidirectional, uniform) -> None:
    pooling, lengths = made(name, 4, bidirectional), torch.tensor([2, 5, 1])
    outputs = uniform(3, 5, 4).requires_grad_()
    pooling(outputs, lengths).square().sum().backward()
    assert outputs.grad is not None
    for row, length in enumerate(lengths.tolist()):
        assert not outputs.grad[row, length:].any()
        assert outputs.grad[row, :length].any()


@every_pooling
def test_prefixes_do_not_depend_on_later_steps(name, uniform) -> None:
    pooling, outputs = made(name, 4), uniform(2, 6, 4)
    expected = prefixes(pooling, outputs)[:, :3]
    changed = torch.cat([outputs[:, :3], 1e6 * uniform(2, 3, 4, seed=1)], 1)
    torch.testing.assert_close(prefixes(pooling, changed)[:, :3], expected, **exactly)


def attention_weights(pooling: Pooling, steps: int, lengths: list[int], seed: int, uniform: Any) -> Tensor:
    """α [B, T], made visible: outputs whose last T units say which step they belong to."""
    outputs = torch.cat([uniform(len(lengths), steps, 2, seed=seed), torch.eye(steps).expand(len(lengths), -1, -1)], 2)
    weights: Tensor = pooling(outputs.double(), torch.tensor(lengths))[:, 2:]
    return weights


@some
@given(cases)
def test_attention_weights_sum_to_one_over_valid_steps_only(uniform, case) -> None:
    lengths, padding, _, seed = case
    steps = max(lengths) + padding
    weights = attention_weights(made("attention", 2 + steps, False, seed), steps, lengths, seed, uniform)
    torch.testing.assert_close(weights.sum(1), torch.ones(len(lengths), dtype=torch.float64), **exactly)
    for row, length in enumerate(lengths):
        assert (weights[row, :length] > 0).all()
        assert not weights[row, length:].any()


def test_attention_without_scores_is_the_mean(uniform) -> None:
    pooling, outputs, lengths = made("attention", 3), uniform(2, 4, 3), torch.tensor([4, 2])
    torch.nn.init.zeros_(pooling.v.weight)
    torch.testing.assert_close(pooling(outputs, lengths), made("mean", 3)(outputs, lengths), **exactly)


def test_attention_survives_scores_of_any_size(uniform) -> None:
    pooling, outputs, lengths = made("attention", 3), uniform(2, 4, 3).requires_grad_(), torch.tensor([4, 2])
    with torch.no_grad():
        pooling.v.weight.mul_(1e6)
    pooled = pooling(outputs, lengths)
    pooled.sum().backward()
    assert pooled.isfinite().all()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()


@every_pooling
def test_the_same_generator_gives_the_same_pooling(name) -> None:
    first, second, other = made(name, 3, seed=1), made(name, 3, seed=1), made(name, 3, seed=2)
    for ours, theirs, different in zip(first.parameters(), second.parameters(), other.parameters(), strict=True):
        assert ours.equal(theirs)
        assert not ours.equal(different)
