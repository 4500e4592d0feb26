"""Figures other than shares, each with an interval that holds for few sequences, and for groups of them.

A figure between 0 and 1, such as a mean recall, has Wilson's interval for as many sequences as would give a share its
variance (`effective_share`). A mean loss has Student's, taken apart into the share of mistakes and the rest
(`mean_loss`). The calibration error has an interval of its own (`calibration.py`).
`benchmarks/coverage.py` measures how often each of them contains the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from unrolled.statistics.groups import CONFIDENCE, Booleans, Doubles, Groups
from unrolled.statistics.shares import share, wilson

PSEUDO = 4
"""Sequences that are added to the observed ones for a variance that is not 0 where no mistake was observed; as many as
Agresti and Coull add (1998, The American Statistician 52), about the square of the normal quantile."""

FEW_CASES = 5
"""Fewest sequences of a class for an interval that is not too narrow."""

FEW_TEXT = f"have fewer than {FEW_CASES} sequences, so the interval may be too narrow"

ONE = "one sequence, or one group of sequences, gives no interval"

Method = Literal["wilson", "wilson-groups", "wilson-effective", "student-mistakes", "simulated-gaps"]
FormerMethod = Literal["bootstrap-percentile", "bootstrap-basic", "delong"]
"""Methods of version 0.1.0, which a run may still hold."""


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval, or with the reason why there is none.

    Attributes:
        value: the figure; None if it is not defined.
        low, high: the interval; None if there is none.
        method: the interval's method: ``wilson`` and ``wilson-groups`` (of a share; see `Proportion`),
            ``wilson-effective`` (Wilson's for as many sequences as would give a share this variance),
            ``student-mistakes`` (Student's t, with the share of mistakes apart), ``simulated-gaps`` (the calibration
            error less what noise adds to it). Version 0.1.0 wrote ``bootstrap-percentile``, ``bootstrap-basic`` and
            ``delong``.
        note: the reason for a missing value or interval, or another reservation.

    Example:
        >>> run.evaluation.macro_f1.value, run.evaluation.macro_f1.method
        (1.0, 'wilson-effective')
    """

    value: float | None
    low: float | None
    high: float | None
    method: Method | FormerMethod
    note: str | None = None

    def __str__(self) -> str:
        if self.value is None:
            return f"– ({self.note})"
        if self.low is None or self.high is None:
            return f"{self.value:.4f}"
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


def effective_share(
    value: float, likely: float, variance: float, groups: Groups, influences: Doubles, rare: Booleans, *notes: str
) -> Figure:
    """A figure between 0 and 1 with Wilson's interval for as many sequences as would give a share its variance.

    Args:
        value: the figure.
        likely: the figure with `PSEUDO` sequences more, which is not 0 or 1.
        variance: of the figure, if no two sequences were of one group; with them, so that it is not 0.
        groups: of the sequences.
        influences: of each sequence on the figure, of mean 0, [N].
        rare: the sequences with the less frequent answer, [N].
        notes: reservations; empty ones do not count.
    """
    cases = likely * (1 - likely) / (variance * groups.design_effect(influences, rare))
    return Figure(value, *wilson(value, cases, groups.quantile()), "wilson-effective", joined(*notes))


def mean_loss(losses: Doubles, wrong: Booleans, costs: Doubles, groups: Groups) -> Figure:
    """The mean of a loss, of which mistakes are most: −log of a probability, or a squared distance.

    Few sequences may not contain a mistake, and those would tell little of the mean. So the loss is taken apart: the
    share of mistakes, with Wilson's interval, times what a mistake costs; and the rest, with Student's. The upper end
    joins the two distances by their squares. What a mistake costs is the mean over those that were observed, and over
    `PSEUDO` others, which cost as much as if the truth were the class that was the second most probable. The lower end
    is Student's on a logarithmic scale, since the loss is positive.

    Args:
        losses: of each sequence, at least 0, [N].
        wrong: whether it is a mistake, [N].
        costs: by how much the loss of a sequence that is none would be higher if it were one, [N].
        groups: of the sequences.
    """
    value, count = float(losses.mean()), int(np.count_nonzero(wrong))
    if len(groups.sizes) < 2:
        return Figure(value, None, None, "student-mistakes", ONE)
    cost = 0.0
    if count < len(losses):
        observed = losses[wrong].sum() - count * losses[~wrong].mean()
        cost = float(observed + PSEUDO * costs[~wrong].mean()) / (count + PSEUDO)
    variance, freedom = groups.variance_of_mean(losses)
    rest, _ = groups.variance_of_mean(losses - cost * wrong)
    quantile = float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
    more_mistakes = share(wrong, groups).high - count / len(losses)
    low = value * math.exp(-quantile * math.sqrt(variance) / value) if value else 0.0
    return Figure(value, low, value + math.hypot(more_mistakes * cost, quantile * math.sqrt(rest)), "student-mistakes")


def joined(*notes: str) -> str | None:
    """All notes in one line; None without any."""
    return "; ".join(note for note in notes if note) or None
