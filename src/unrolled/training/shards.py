"""Shards: a batch is always cut into the same parts, whose gradients are added in one order, whoever computes them.

The sum of floating-point numbers depends on its order. Here it is that of a balanced binary tree over the shards:
((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). A worker adds the whole subtrees that are its own; the levels above are added
by every worker from what all have. So the bits do not depend on the number of workers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from torch import Tensor

Span = tuple[int, int]
"""The shards of a subtree: the first, and the one after the last."""


def shard_slices(count: int, shards: int) -> list[slice]:
    """The part of ``count`` sequences that is each shard's; their sizes differ by one at most."""
    bounds = [shard * count // shards for shard in range(shards + 1)]
    return [slice(low, high) for low, high in itertools.pairwise(bounds)]


def spans_of_workers(shards: int, workers: int) -> list[Span]:
    """The subtree that each worker adds.

    Args:
        shards: a power of two.
        workers: at most as many.
    """
    spans = [(0, shards)]
    while len(spans) < workers:
        largest = max(spans, key=lambda span: span[1] - span[0])  # the first of the largest
        place = spans.index(largest)
        spans[place : place + 1] = _halves(largest)
    return spans


def sum_of_shards(span: Span, of_shard: Callable[[int], Tensor]) -> Tensor:
    """The sum of a subtree's shards, each of which is computed when it is needed."""
    if span[1] - span[0] == 1:
        return of_shard(span[0])
    left, right = _halves(span)
    return sum_of_shards(left, of_shard) + sum_of_shards(right, of_shard)


def sum_of_spans(sums: Mapping[Span, Tensor], span: Span) -> Tensor:
    """The sum of a tree from those of the subtrees that some workers added."""
    if span in sums:
        return sums[span]
    left, right = _halves(span)
    return sum_of_spans(sums, left) + sum_of_spans(sums, right)


def _halves(span: Span) -> tuple[Span, Span]:
    middle = sum(span) // 2
    return (span[0], middle), (middle, span[1])
