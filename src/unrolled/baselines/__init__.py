"""Simple classifiers that every network is measured against: the majority class and logistic regressions.

kinds.py     the table of the kinds of features that a regression reads
features.py  sequences as arrays of one size; all values in a row
bands.py     each channel in summaries of the sequence and of its parts
ngrams.py    runs of letters of a text
simple.py    the majority class and the regressions: fitted, and their answers
"""

from unrolled.baselines.features import padded, summaries, token_counts
from unrolled.baselines.kinds import Features
from unrolled.baselines.simple import BaselineAnswers, Baselines, Regression, RegressionAnswers, fit_baselines

__all__ = [
    "BaselineAnswers",
    "Baselines",
    "Features",
    "Regression",
    "RegressionAnswers",
    "fit_baselines",
    "padded",
    "summaries",
    "token_counts",
]
