"""Running a network over many sequences, in batches of about equal lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from unrolled.data import Integers
from unrolled.data.batches import Batch, Batcher
from unrolled.network.network import Network
from unrolled.runtime import go_on, using_threads

STEPS_PER_BATCH = 65_536
"""Steps of a batch at most, so that memory is bounded whatever the lengths."""

MAX_BATCH = 512
"""Sequences of a batch at most; larger batches exceed a processor's caches and are slower."""

WIDE = 1024
"""Values of a step up to which it counts as one step of a batch; a wider step counts as several."""

GPU_STEPS_PER_BATCH, GPU_MAX_BATCH = 1_048_576, 8192
"""On a GPU, which needs larger batches and has no such caches."""


@using_threads(None)
def all_logits(network: Network, batcher: Batcher) -> Tensor:
    """The logits of every sequence, in the stored order, [N, C], on the CPU."""
    logits = torch.empty(
        len(batcher.lengths), network.output.out_features, dtype=network.output.weight.dtype, device=batcher.device
    )
    for indices, batch in evaluation_batches(network, batcher):
        logits[torch.from_numpy(indices).to(batcher.device)] = network(batch.inputs, batch.lengths)
    return logits.cpu()


@using_threads(None)
def all_features(network: Network, batcher: Batcher) -> Tensor:
    """The input of the output layer for every sequence, in the stored order, [N, D], on the CPU."""
    found = torch.empty(len(batcher.lengths), network.output.in_features, dtype=network.output.weight.dtype)
    for indices, batch in evaluation_batches(network, batcher):
        found[torch.from_numpy(indices)] = network.pool(*network.entering(batch.inputs, batch.lengths)).cpu()
    return found


@using_threads(None)
def all_logits_at(network: Network, batcher: Batcher, ends: Integers) -> Tensor:
    """The logits as if every sequence ended at some of its steps.

    Args:
        network, batcher: as for `all_logits`.
        ends: numbers of steps to read of each sequence, in the stored order, [N, K], each in 1..length.
    Returns:
        [N, K, C], on the CPU.
    """
    logits = torch.empty(*ends.shape, network.output.out_features, dtype=network.output.weight.dtype, device="cpu")
    for indices, batch in evaluation_batches(network, batcher):
        batch_ends = torch.from_numpy(ends[indices]).to(batcher.device)
        logits[torch.from_numpy(indices)] = network.logits_at(batch.inputs, batch.lengths, batch_ends).cpu()
    return logits


def all_prefix_logits(network: Network, batcher: Batcher) -> list[Tensor]:
    """The logits after every step, [T_i, C] for each sequence in the stored order, on the CPU."""
    return _all_steps(network, batcher, network.prefix_logits)


def all_outputs(network: Network, batcher: Batcher) -> list[Tensor]:
    """The last layer's outputs at every step, [T_i, H] (or 2·H) for each sequence in the stored order, on the CPU."""
    return _all_steps(network, batcher, network.outputs)


@using_threads(None)
def _all_steps(network: Network, batcher: Batcher, function: Callable[[Tensor, Tensor], Tensor]) -> list[Tensor]:
    """The values of a function at each sequence's own steps, in the stored order."""
    found: dict[int, Tensor] = {}
    for indices, batch in evaluation_batches(network, batcher):
        values = function(batch.inputs, batch.lengths).cpu()  # [B, T, …]
        for row, index in enumerate(indices):
            found[int(index)] = values[row, : int(batch.lengths[row])].clone()
    return [found[index] for index in range(len(found))]


def evaluation_batches(network: Network, batcher: Batcher) -> Iterator[tuple[Integers, Batch]]:
    """Batches of every sequence once, for a network without dropout and gradients."""
    was_training = network.training
    if was_training:
        network.eval()
    try:
        with torch.inference_mode():
            for found in batcher.in_order(_batch_size(network, batcher)):
                go_on()
                yield found
    finally:
        if was_training:
            network.train()


def _batch_size(network: Network, batcher: Batcher) -> int:
    """Sequences of a batch, by the longest sequence and the width of a step."""
    longest = int(batcher.lengths.max()) * -(-network.reads_of_a_step // WIDE)
    if batcher.device.type == "cpu":
        return max(1, min(MAX_BATCH, STEPS_PER_BATCH // longest))
    return max(1, min(GPU_MAX_BATCH, GPU_STEPS_PER_BATCH // longest))
