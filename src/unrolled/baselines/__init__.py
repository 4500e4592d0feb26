"""Simple classifiers that every network is measured against: the majority class and a logistic regression.

features.py  sequences as arrays of one size
simple.py    the majority class and the logistic regression
"""

from unrolled.baselines.features import padded, summaries, token_counts
from unrolled.baselines.simple import Baselines, Features, fit_baselines

__all__ = [
    "Baselines",
    "Features",
    "fit_baselines",
    "padded",
    "summaries",
    "token_counts",
]
