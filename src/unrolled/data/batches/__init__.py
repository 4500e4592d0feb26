"""Sequences as padded tensors, a batch at a time."""

from unrolled.data.batches.batcher import Batch, Batcher, Order

__all__ = [
    "Batch",
    "Batcher",
    "Order",
]
