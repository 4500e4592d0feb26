"""`Groups`: what is independent among some sequences: each of them, or whole groups such as a person's recordings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

CONFIDENCE = 0.95


def counted(cases: int, groups: int | None) -> str:
    """``120 sequences``, or ``120 sequences in 8 groups``."""
    return f"{cases:,} sequences" if groups is None else f"{cases:,} sequences in {groups:,} groups"


@dataclass(frozen=True)
class Groups:
    """The groups of some sequences; groups are independent samples, sequences of one group are not.

    Every interval and test takes them, so that 120 windows of 8 recordings do not count as 120 sequences. Their number
    counts by its effective value (Kish 1965, Survey Sampling): a few large groups beside small ones are hardly more.

    Attributes:
        places: index of each sequence's group, [N]; None if each sequence is a group of its own.
        cases: number of sequences, N.
    """

    places: Integers | None
    cases: int

    @classmethod
    def of(cls, names: Iterable[str] | None, cases: int) -> Groups:
        """The groups by the name of each sequence's group; without names each sequence is a group of its own."""
        if names is None:
            return cls(None, cases)
        index: dict[str, int] = {}
        return cls(np.fromiter((index.setdefault(name, len(index)) for name in names), np.int64, cases), cases)

    @cached_property
    def sizes(self) -> Integers:
        """The number of sequences of each group, [G]."""
        return np.ones(self.cases, np.int64) if self.places is None else np.bincount(self.places)

    @property
    def are_single(self) -> bool:
        """Whether no two sequences are of one group."""
        return self.places is None or len(self.sizes) == self.cases

    @property
    def count(self) -> int | None:
        """The number of groups, to be shown beside that of the sequences; None if each sequence is one."""
        return None if self.places is None else len(self.sizes)

    @cached_property
    def effective(self) -> float:
        """The number of groups of equal size that say as much about a mean, 1 to N."""
        return float(self.cases**2 / np.square(self.sizes).sum())

    @property
    def freedom(self) -> float:
        """The degrees of freedom of the groups' variance, at least 1; without groups unlimited."""
        return math.inf if self.are_single else max(self.effective - 1, 1.0)

    def quantile(self, confidence: float = CONFIDENCE) -> float:
        """Student's t for two sides at this confidence; the normal distribution's without groups."""
        level = (1 + confidence) / 2
        return float(ndtri(level) if self.are_single else stdtrit(self.freedom, level))

    def take(self, indices: Integers | Booleans | slice) -> Groups:
        """The groups of some of the sequences."""
        if self.places is None:
            return Groups(None, len(np.arange(self.cases)[indices]))
        places = np.unique(self.places[indices], return_inverse=True)[1]
        return Groups(places, len(places))

    def sums(self, values: npt.NDArray[np.generic]) -> Doubles:
        """The sum over each group's sequences, [N] → [G]."""
        if self.places is None:
            return values.astype(np.float64)
        return np.bincount(self.places, values.astype(np.float64)).astype(np.float64)

    def variance_of_sum(self, deviations: Doubles) -> float:
        """The variance of a sum over the sequences, from their deviations of mean 0, [N]."""
        count = len(self.sizes)
        return float(np.square(self.sums(deviations)).sum()) * count / max(count - 1, 1)

    def variance_of_mean(self, values: Doubles) -> tuple[float, float]:
        """The variance of the mean of some values, [N], and its degrees of freedom."""
        variance = self.variance_of_sum(values - values.mean()) / self.cases**2
        return variance, self.cases - 1 if self.are_single else self.freedom

    def design_effect(self, deviations: Doubles, rare: Booleans) -> float:
        """The factor by which groups increase the variance of a figure, at least 1.

        It is 1 + (m − 1)·ρ for groups of m sequences, where ρ is the correlation of two sequences of a group. Few
        mistakes say little about ρ, so one group that is completely correlated is added to those with mistakes.

        Args:
            deviations: the influence of each sequence on the figure, of mean 0, [N].
            rare: the sequences with the less frequent answer, such as the mistakes of a good classifier, [N].
        """
        if self.are_single:
            return 1.0
        others = self.cases / self.effective - 1  # of a sequence's group, as the mean over the sequences
        alone = float(np.square(deviations).sum())
        correlation = min(max((self.variance_of_sum(deviations) / alone - 1) / others, 0.0), 1.0) if alone else 1.0
        telling = int(np.count_nonzero(self.sums(rare)))
        return 1 + others * (telling * correlation + 1) / (telling + 1)
