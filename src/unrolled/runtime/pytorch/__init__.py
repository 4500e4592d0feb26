"""PyTorch's private names: the only place that calls them, each with a way round for a version without it."""

from unrolled.runtime.pytorch.private import adam, foreach, sgd, without_compiler

__all__ = [
    "adam",
    "foreach",
    "sgd",
    "without_compiler",
]
