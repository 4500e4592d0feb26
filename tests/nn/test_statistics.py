"""Statistics over time: the same as PyTorch's own operators give, gradients and all."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from padded_tensors import Padded, padded
from unrolled.nn.statistics import LEAST_VARIANCE, plain_statistics, sequence_statistics


def by_torch(values: Tensor) -> list[Tensor]:
    """Of one sequence without padding, [T, H] → [H] each."""
    changes = torch.cat([values[:1] - values[:1], values.diff(dim=0)])
    return [
        values.mean(0),
        values.amax(0),
        values.amin(0),
        (values.var(0, correction=0) + LEAST_VARIANCE).sqrt(),
        changes.amax(0),
        changes.amin(0),
        (changes.square().mean(0) + LEAST_VARIANCE).sqrt(),
    ]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(batch=padded(longest=20))
def test_statistics_and_their_gradients_are_those_of_torchs_operators(batch: Padded) -> None:
    values = batch.values.clone().requires_grad_()
    found = sequence_statistics(values, batch.lengths)
    weights = [torch.linspace(-1, 1, part.numel(), dtype=part.dtype).reshape(part.shape).cos() for part in found]
    sum((part * weight).sum() for part, weight in zip(found, weights, strict=True)).backward()
    for row, given_steps in enumerate(batch.each()):
        own = given_steps.clone().requires_grad_()
        expected = by_torch(own)
        sum((part * weight[row]).sum() for part, weight in zip(expected, weights, strict=True)).backward()
        torch.testing.assert_close([part[row] for part in found], expected)
        torch.testing.assert_close(values.grad[row, : len(own)], own.grad)
        assert not values.grad[row, len(own) :].any()


def test_gradients_are_those_of_finite_differences() -> None:
    values = torch.randn(3, 6, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([6, 1, 3])
    assert torch.autograd.gradcheck(lambda given: sequence_statistics(given, lengths), values)


def test_under_autocast_sums_are_those_of_float32() -> None:
    values = torch.randn(2, 6, 3).bfloat16().requires_grad_()
    lengths = torch.tensor([6, 4])
    with torch.autocast("cpu", torch.bfloat16):
        found = sequence_statistics(values, lengths)
    torch.testing.assert_close(found, sequence_statistics(values.float(), lengths))
    sum(part.sum() for part in found).backward()
    assert values.grad.dtype == torch.bfloat16


def test_a_unit_that_stands_still_has_finite_gradients() -> None:
    values = torch.ones(1, 5, 1, requires_grad=True)
    sum(part.sum() for part in sequence_statistics(values, torch.tensor([5]))).backward()
    assert torch.isfinite(values.grad).all()


@pytest.mark.parametrize("length", [4, 3])
def test_what_is_read_stays_as_it_was(length: int) -> None:
    values = torch.randn(2, 4, 3)
    before = values.clone()
    sequence_statistics(values, torch.tensor([4, length]))
    assert values.equal(before)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(batch=padded(longest=20))
def test_what_an_export_writes_down_is_the_same(batch: Padded) -> None:
    found, expected = (function(batch.values, batch.lengths) for function in (plain_statistics, sequence_statistics))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)
