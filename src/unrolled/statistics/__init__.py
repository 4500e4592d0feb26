"""Every interval, every test, and the one rule for 'A is better than B'.

groups.py         what is independent: sequences, or groups of them
shares.py         the share of right predictions, of one run (Wilson) and as a mean over seeds
differences.py    the difference of two such shares: interval (Newcombe), p value (McNemar, Fisher, over seeds)
better.py         the rule for 'A is better than B' and its level; the correction of several (Holm)
figures.py        figures other than shares, with their intervals
auc.py            the area under the ROC curve
crossed.py        intervals of a cross-validation
calibration.py    reliability of probabilities, and the temperature
"""

from unrolled.statistics.auc import roc_auc
from unrolled.statistics.better import FEWEST_LOSSES, LEVEL, Verdict, holm, losses_are_lower, p_text, verdict
from unrolled.statistics.calibration import Confidence, ReliabilityBin, calibration_error, fit_temperature
from unrolled.statistics.crossed import inflation, wide_share, widened
from unrolled.statistics.differences import Difference, difference, mcnemar
from unrolled.statistics.figures import (
    FEW_CASES,
    FEW_TEXT,
    PSEUDO,
    Figure,
    effective_share,
    mean_loss,
)
from unrolled.statistics.groups import Booleans, Doubles, Groups, Integers, counted
from unrolled.statistics.shares import MeanShare, Proportion, Right, mean_share, proportion, share

__all__ = [
    "FEWEST_LOSSES",
    "FEW_CASES",
    "FEW_TEXT",
    "LEVEL",
    "PSEUDO",
    "Booleans",
    "Confidence",
    "Difference",
    "Doubles",
    "Figure",
    "Groups",
    "Integers",
    "MeanShare",
    "Proportion",
    "ReliabilityBin",
    "Right",
    "Verdict",
    "calibration_error",
    "counted",
    "difference",
    "effective_share",
    "fit_temperature",
    "holm",
    "inflation",
    "losses_are_lower",
    "mcnemar",
    "mean_loss",
    "mean_share",
    "p_text",
    "proportion",
    "roc_auc",
    "share",
    "verdict",
    "wide_share",
    "widened",
]
