"""From sequences to batches: which sequences a batch holds, and the batch itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.data.arrays import Integers
from unrolled.data.sequences import Sequences

_BUCKET_BATCHES = 8
"""Batches whose sequences are sorted by length together: more save padding, fewer keep the order random."""


@dataclass(frozen=True)
class Batch:
    """Sequences of one batch, padded on the right with zeros.

    Attributes:
        inputs: [B, T, F], float32, T the longest of the batch.
        lengths: [B].
        targets: class indices, [B]; zeros if the labels are not known.
        weights: weight of each sequence in the loss, [B], float32; None for equal weights.

    Example:
        >>> class Batches(unrolled.Recorder):
        ...     def updated(self, state, batch):
        ...         print(len(batch), batch.inputs.ndim, batch.inputs.shape[1] == batch.lengths.max().item())
        >>> run = unrolled.train(run.recipe, data=dataset, max_steps=1, recorders=[Batches()])
        8 3 True
    """

    inputs: Tensor
    lengths: Tensor
    targets: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.lengths)


class Batcher:
    """Makes batches from sequences. Bytes stay bytes in memory; a batch is scaled when it is made.

    Args:
        sequences: to make batches from.
        device: of the batches.
        weights: weight of each sequence in the loss, [N], for training; None for equal weights.
        storage: the device that holds the sequences and gathers batches; by default ``device``.
        round_to: T is rounded up to a multiple of this, so that batches have few different shapes.
    """

    def __init__(
        self,
        sequences: Sequences,
        device: torch.device | str = "cpu",
        weights: npt.NDArray[np.floating] | None = None,
        *,
        storage: torch.device | str | None = None,
        round_to: int = 1,
    ) -> None:
        self.device = torch.device(device)
        self.storage = self.device if storage is None else torch.device(storage)
        self.round_to = round_to
        self.scale = sequences.scale
        self.values = _tensor(sequences.values, self.storage)  # [S, F]
        self.starts = _tensor(sequences.starts, self.storage)
        self.lengths = _tensor(sequences.lengths, self.storage)
        labels = np.zeros(len(sequences), np.int64) if sequences.labels is None else sequences.labels
        self.targets = _tensor(labels, self.storage)
        self.weights = None if weights is None else _tensor(weights.astype(np.float32), self.storage)
        self.equal_length = sequences.equal_length
        self.rows = self._as_rows(sequences)
        self._known_lengths = sequences.lengths  # a question to the device would make the host wait

    def batch(self, indices: Integers) -> Batch:
        """The sequences of these indices, in this order."""
        return self.gather(self.choose(indices), self.steps_of(indices))

    def choose(self, indices: Integers) -> Tensor:
        """The indices on the device that holds the sequences, [B]."""
        return _tensor(indices, self.storage)

    def steps_of(self, indices: Integers) -> int:
        """The steps T of a batch of these sequences: those of the longest, rounded up by ``round_to``."""
        if self.equal_length:
            return self.equal_length
        longest = int(self._known_lengths[indices].max())
        return -(-longest // self.round_to) * self.round_to

    def gather(self, chosen: Tensor, steps: int) -> Batch:
        """The batch of chosen sequences, without waiting for the device.

        Args:
            chosen: the result of `choose`, [B].
            steps: the result of `steps_of`, T.
        """
        device = self.device
        lengths, targets = self.lengths[chosen], self.targets[chosen].to(device)
        weights = None if self.weights is None else self.weights[chosen].to(device)
        if self.rows is not None:
            picked = self.rows.index_select(0, chosen)  # [B, T, F]
        else:
            places = torch.arange(steps, device=self.storage)
            inside = places < lengths[:, None]  # [B, T]
            picked = self.values[torch.where(inside, self.starts[chosen][:, None] + places, 0)]  # [B, T, F]
            picked.masked_fill_(~inside[:, :, None], 0)
        return Batch(self._scaled(picked.to(device)), lengths.to(device), targets, weights)

    def in_order(self, batch_size: int) -> Iterator[tuple[Integers, Batch]]:
        """All sequences in batches, the shortest first to save padding, with their indices."""
        order = np.argsort(self._known_lengths, kind="stable")
        for low in range(0, len(order), batch_size):
            indices = order[low : low + batch_size]
            yield indices, self.batch(indices)

    def _scaled(self, picked: Tensor) -> Tensor:
        values = picked.to(torch.float32)
        return values.mul_(self.scale) if self.scale != 1.0 else values

    def _as_rows(self, sequences: Sequences) -> Tensor | None:
        """The values as [N, T, F], if the sequences have equal lengths and are adjacent in order."""
        length = sequences.equal_length
        first = int(sequences.starts[0])
        if length is None or not np.array_equal(
            sequences.starts, first + length * np.arange(len(sequences), dtype=np.int64)
        ):
            return None
        return self.values[first : first + length * len(sequences)].view(len(sequences), length, -1)


@dataclass(frozen=True)
class Order:
    """The order of the sequences in training: a function of the seed and the epoch alone.

    Nothing is remembered from batch to batch, so a run can be resumed in the middle of an epoch.

    Attributes:
        lengths: steps of each sequence, [N].
        batch_size: sequences in a batch.
        seed: of the shuffling.
        shuffle: whether each epoch has a new random order; otherwise all have the stored order.
        last_batch: how an incomplete last batch is handled; see `TrainConfig`.
    """

    lengths: Integers
    batch_size: int
    seed: int
    shuffle: bool = True
    last_batch: Literal["keep", "drop", "wrap"] = "keep"

    @property
    def updates_per_epoch(self) -> int:
        """Batches of one epoch, at least 1."""
        count = len(self.lengths)
        batches = -(-count // self.batch_size) if self.last_batch == "keep" else count // self.batch_size
        return max(batches, 1)

    def batches(self, epoch: int) -> list[Integers]:
        """The batches of an epoch, as indices of sequences.

        In a random order, sequences of different lengths share a batch with others of about the same length: stretches
        of a few batches are sorted by length, then the batches are shuffled.

        Args:
            epoch: its number, from 0.
        """
        return self._cut(self._stream(epoch) if self.last_batch == "wrap" else self._order(epoch), epoch)

    def _order(self, epoch: int) -> Integers:
        """All sequences in the order of one epoch."""
        count = len(self.lengths)
        if not self.shuffle:
            return np.arange(count)
        return np.random.default_rng((self.seed, epoch)).permutation(count)

    def _stream(self, epoch: int) -> Integers:
        """The sequences of an epoch of whole batches: the next ones of an endless stream of random orders."""
        count, size = len(self.lengths), self.updates_per_epoch * self.batch_size
        first = epoch * size
        orders = range(first // count, (first + size - 1) // count + 1)
        stream = np.concatenate([self._order(index) for index in orders])
        return stream[first - orders.start * count :][:size]

    def _cut(self, order: Integers, epoch: int) -> list[Integers]:
        if self.last_batch == "drop":
            order = order[: self.updates_per_epoch * self.batch_size]  # unsorted, or the longest would go
        if self._ragged and self.shuffle:
            stretch = _BUCKET_BATCHES * self.batch_size
            parts = [order[low : low + stretch] for low in range(0, len(order), stretch)]
            order = np.concatenate([part[np.argsort(self.lengths[part], kind="stable")] for part in parts])
        cuts = [order[low : low + self.batch_size] for low in range(0, len(order), self.batch_size)]
        if self._ragged and self.shuffle:
            mixed = np.random.default_rng((self.seed, epoch, 1)).permutation(len(cuts))
            cuts = [cuts[index] for index in mixed]
        return cuts

    @cached_property
    def _ragged(self) -> bool:
        return bool((self.lengths != self.lengths[0]).any())


def _tensor(array: npt.NDArray[np.generic], device: torch.device) -> Tensor:
    """The array as a tensor, on the CPU without a copy. No code writes to it, so the array may be read-only."""
    array = np.ascontiguousarray(array)
    if array.flags.writeable:
        return torch.from_numpy(array).to(device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array).to(device)
