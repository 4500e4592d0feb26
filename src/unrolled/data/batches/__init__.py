"""Sequences as padded tensors.

batcher  which sequences a batch holds, and the batch itself
"""

from unrolled.data.batches.batcher import Batch, Batcher, Order

__all__ = [
    "Batch",
    "Batcher",
    "Order",
]
