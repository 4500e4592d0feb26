"""Intervals, and the tests of a difference."""

from unrolled.statistics.auc import roc_auc
from unrolled.statistics.calibration import Confidence, ReliabilityBin, expected_calibration_error, fit_temperature
from unrolled.statistics.differences import Difference, Right, difference, holm, mcnemar, mean_interval
from unrolled.statistics.intervals import (
    FEW_CASES,
    FEW_TEXT,
    Doubles,
    Figure,
    Proportion,
    basic_interval,
    percentile_interval,
    proportion,
    resampled_sums,
    share,
)

__all__ = [
    "FEW_CASES",
    "FEW_TEXT",
    "Confidence",
    "Difference",
    "Doubles",
    "Figure",
    "Proportion",
    "ReliabilityBin",
    "Right",
    "basic_interval",
    "difference",
    "expected_calibration_error",
    "fit_temperature",
    "holm",
    "mcnemar",
    "mean_interval",
    "percentile_interval",
    "proportion",
    "resampled_sums",
    "roc_auc",
    "share",
]
