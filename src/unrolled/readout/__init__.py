"""The fitted start: an untrained recurrence and a readout in closed form."""

from unrolled.readout.filters import scale_filters
from unrolled.readout.holdout import WORTH, Cases, is_better, set_aside
from unrolled.readout.ridge import Weights, start_readout

__all__ = [
    "WORTH",
    "Cases",
    "Weights",
    "is_better",
    "scale_filters",
    "set_aside",
    "start_readout",
]
