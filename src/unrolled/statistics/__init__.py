"""Every interval, every test, and the one rule for 'A is better than B'.

shares.py         the share of right predictions, of one run (Wilson) and as a mean over seeds
differences.py    the difference of two such shares: interval (Newcombe), p value (McNemar, Fisher, over seeds)
better.py         the rule for 'A is better than B' and its level; the correction of several (Holm)
bootstrap.py      figures other than shares, with intervals by resampling
auc.py            the area under the ROC curve
calibration.py    reliability of probabilities, and the temperature
"""

from unrolled.statistics.auc import roc_auc
from unrolled.statistics.better import FEWEST_LOSSES, LEVEL, Verdict, holm, losses_are_lower, p_text, verdict
from unrolled.statistics.bootstrap import (
    FEW_CASES,
    FEW_TEXT,
    Figure,
    basic_interval,
    percentile_interval,
    resampled_sums,
)
from unrolled.statistics.calibration import Confidence, ReliabilityBin, expected_calibration_error, fit_temperature
from unrolled.statistics.differences import Difference, difference, mcnemar
from unrolled.statistics.shares import Doubles, MeanShare, Proportion, Right, mean_share, proportion, share

__all__ = [
    "FEWEST_LOSSES",
    "FEW_CASES",
    "FEW_TEXT",
    "LEVEL",
    "Confidence",
    "Difference",
    "Doubles",
    "Figure",
    "MeanShare",
    "Proportion",
    "ReliabilityBin",
    "Right",
    "Verdict",
    "basic_interval",
    "difference",
    "expected_calibration_error",
    "fit_temperature",
    "holm",
    "losses_are_lower",
    "mcnemar",
    "mean_share",
    "p_text",
    "percentile_interval",
    "proportion",
    "resampled_sums",
    "roc_auc",
    "share",
    "verdict",
]
