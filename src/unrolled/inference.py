"""Running a network over many sequences, in batches of about equal lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from unrolled.data.batching import Batch, Batcher
from unrolled.data.sequences import Integers
from unrolled.nn.network import Network

STEPS_PER_BATCH = 65_536
"""Steps that one batch holds at most, so that memory is bounded whatever the lengths."""

MAX_BATCH = 512
"""Larger batches leave the caches and are slower."""


def all_logits(network: Network, batcher: Batcher) -> Tensor:
    """The logits of every sequence, in the stored order, [N, C], on the CPU."""
    dtype = network.output.weight.dtype  # a network in double precision answers in it
    logits = torch.empty(len(batcher.lengths), network.output.out_features, dtype=dtype)
    for indices, batch in evaluation_batches(network, batcher):
        logits[torch.from_numpy(indices)] = network(batch.inputs.to(dtype), batch.lengths).cpu()
    return logits


def all_prefix_logits(network: Network, batcher: Batcher) -> list[Tensor]:
    """The logits after every step, [T_i, C] for each sequence in the stored order, on the CPU."""
    return _all_steps(network, batcher, network.prefix_logits)


def all_outputs(network: Network, batcher: Batcher) -> list[Tensor]:
    """The last layer's outputs at every step, [T_i, H] (or 2·H) for each sequence in the stored order, on the CPU."""
    return _all_steps(network, batcher, network.outputs)


def _all_steps(network: Network, batcher: Batcher, function: Callable[[Tensor, Tensor], Tensor]) -> list[Tensor]:
    """For each sequence in the stored order the function's values at its own steps."""
    found: dict[int, Tensor] = {}
    for indices, batch in evaluation_batches(network, batcher):
        values = function(batch.inputs, batch.lengths).cpu()  # [B, T, …]
        for row, index in enumerate(indices):
            found[int(index)] = values[row, : int(batch.lengths[row])].clone()
    return [found[index] for index in range(len(found))]


def evaluation_batches(network: Network, batcher: Batcher) -> Iterator[tuple[Integers, Batch]]:
    """Every sequence once, without dropout and without keeping anything for gradients."""
    was_training = network.training
    if was_training:
        network.eval()
    try:
        with torch.inference_mode():
            size = max(1, min(MAX_BATCH, STEPS_PER_BATCH // int(batcher.lengths.max())))
            yield from batcher.in_order(size)
    finally:
        if was_training:
            network.train()
