"""Poolings: how the outputs of all steps become one vector.

A pooling is one file here and one line in `unrolled.parts.tables`.
"""

from unrolled.config import PoolingName
from unrolled.nn.pooling.pooling import Pooling
from unrolled.nn.pooling.running import at_each_step, running_count, running_max, running_min, running_sum
from unrolled.parts import POOLINGS as PLACES
from unrolled.parts import load

POOLINGS: dict[PoolingName, type[Pooling]] = load(PLACES)

__all__ = [
    "POOLINGS",
    "Pooling",
    "at_each_step",
    "running_count",
    "running_max",
    "running_min",
    "running_sum",
]
