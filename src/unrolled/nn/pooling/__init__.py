"""Poolings: how the outputs of all steps become one vector.

A pooling is one file here and one line in `unrolled.parts.tables`.

attention.py   a mean whose weights are learned
first_last.py  the first and the last output
last.py        the last output
max.py         the largest output
mean.py        the mean output
running.py     running sums, maxima, minima and counts
statistics.py  eight statistics of each unit over a sequence
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
