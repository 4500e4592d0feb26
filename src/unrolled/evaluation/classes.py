"""Figures of predicted classes: of each class, and means over the classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unrolled.statistics import (
    FEW_CASES,
    FEW_TEXT,
    PSEUDO,
    Booleans,
    Doubles,
    Figure,
    Groups,
    Integers,
    Proportion,
    effective_share,
    share,
)


@dataclass(frozen=True)
class ClassRow:
    """The figures of one class.

    Attributes:
        name: the class's name.
        support: number of sequences of this class.
        predicted: number of sequences predicted as this class.
        errors: number of sequences of this class predicted as another one.
        precision: share of right predictions among those of this class; None if it was never predicted.
        recall: share of right predictions among its sequences; None if there are none.
        f1: harmonic mean of precision and recall.

    Example:
        >>> [(row.name, row.support, row.errors) for row in run.evaluation.classes]
        [('high', 5, 0), ('low', 5, 0)]
    """

    name: str
    support: int
    predicted: int
    errors: int
    precision: Proportion | None
    recall: Proportion | None
    f1: Figure


@dataclass(frozen=True)
class Answers:
    """True and predicted classes.

    Attributes:
        targets, predictions: [N].
        classes: names, [C].
        groups: of the sequences.
    """

    targets: Integers
    predictions: Integers
    classes: tuple[str, ...]
    groups: Groups

    @cached_property
    def right(self) -> Booleans:
        """Whether each prediction is right, [N]."""
        right: Booleans = self.predictions == self.targets
        return right

    @cached_property
    def support(self) -> Integers:
        """The number of sequences of each class, [C]."""
        return self._count(self.targets)

    @cached_property
    def predicted(self) -> Integers:
        """The number of sequences that were predicted as each class, [C]."""
        return self._count(self.predictions)

    @cached_property
    def hits(self) -> Integers:
        """The number of right predictions of each class, [C]."""
        return self._count(self.targets[self.right])

    @cached_property
    def likely(self) -> float:
        """The share of right predictions with `PSEUDO` sequences more, half of them right."""
        return float(self.hits.sum() + PSEUDO / 2) / (len(self.targets) + PSEUDO)

    def _count(self, indices: Integers) -> Integers:
        return np.bincount(indices, minlength=len(self.classes))

    def balanced_accuracy(self) -> Figure:
        """The mean recall of the classes that have sequences."""
        count = int((self.support > 0).sum())
        each = np.maximum(self.support, 1)
        recalls, weights = self.hits / each, (self.support > 0) / (count * each)
        likely = (self.hits + PSEUDO * self.likely) / (self.support + PSEUDO)
        influences = (self.right - recalls[self.targets]) * weights[self.targets]
        return self._mean_over_classes(
            float(weights @ self.hits),
            float(weights @ (self.support * likely)),
            float((weights / count) @ (likely * (1 - likely))),
            influences,
            self._about(self.support == 0, "have no sequences and do not count"),
        )

    def macro_f1(self) -> Figure:
        """The mean F1 of the classes that have sequences or were predicted.

        A class's F1 is 2J / (1 + J) of the share J of the sequences with both labels among those with either. A mistake
        counts in two classes: by what share that increases the variance is taken from the influences of the sequences.
        """
        both = self.support + self.predicted
        count = int((both > 0).sum())
        f1s, each = 2 * self.hits / np.maximum(both, 1), 1 / np.maximum(both, 1)
        either = np.maximum(both - self.hits, 1)
        usual = (self.hits.sum() + PSEUDO / 2) / (either.sum() + PSEUDO)
        jaccard = (self.hits + PSEUDO * usual) / (either + PSEUDO)
        slopes = 2 / (1 + jaccard) ** 2
        variance = float((np.square(slopes) * jaccard * (1 - jaccard) / either)[both > 0].sum()) / count**2
        of_true, of_predicted = ((self.right - f1s[index]) * each[index] for index in (self.targets, self.predictions))
        influences = of_true + of_predicted
        apart = np.where(self.right, np.square(influences), np.square(of_true) + np.square(of_predicted)).sum()
        mistake = PSEUDO * float(np.square(each[self.targets]).mean())
        variance *= float((np.square(influences).sum() + 4 * mistake) / (apart + 2 * mistake))
        return self._mean_over_classes(
            float(f1s.sum()) / count,
            float((2 * jaccard / (1 + jaccard))[both > 0].sum()) / count,
            variance,
            influences / count,
            self._about(self.predicted == 0, "were never predicted"),
        )

    def _mean_over_classes(
        self, value: float, likely: float, variance: float, influences: Doubles, note: str
    ) -> Figure:
        rare = self.right if value < 0.5 else ~self.right
        few = self._about((self.support > 0) & (self.support < FEW_CASES), FEW_TEXT)
        return effective_share(value, likely, variance, self.groups, influences, rare, note, few)

    def _about(self, chosen: Booleans, what: str, most: int = 5) -> str:
        """A note about some classes; empty without any."""
        names = [repr(self.classes[index]) for index in np.flatnonzero(chosen)]
        if not names:
            return ""
        more = f" and {len(names) - most} more" if len(names) > most else ""
        return f"classes {', '.join(names[:most])}{more} {what}"

    def rows(self) -> list[ClassRow]:
        """Precision, recall, F1 and support of each class."""
        of_class = _by_value(self.targets, np.arange(len(self.targets)), len(self.classes))
        wrongly = _by_value(self.predictions, np.flatnonzero(~self.right), len(self.classes))
        rows = []
        for name, own, others in zip(self.classes, of_class, wrongly, strict=True):
            right = self.right[own]
            predicted = np.concatenate([own[right], others])
            either = self._share(np.concatenate([own, others]))
            rows.append(
                ClassRow(
                    name=name,
                    support=len(own),
                    predicted=len(predicted),
                    errors=int((~right).sum()),
                    precision=self._share(predicted),
                    recall=self._share(own),
                    f1=f1_of(either),
                )
            )
        return rows

    def _share(self, chosen: Integers) -> Proportion | None:
        """The share of right predictions among some sequences; None without any."""
        return share(self.right[chosen], self.groups.take(chosen)) if len(chosen) else None


def f1_of(either: Proportion | None) -> Figure:
    """A class's F1 from the share of the right predictions among the sequences with either label."""
    if either is None:
        return Figure(None, None, None, "wilson", "the class has no sequences and was never predicted")
    value, low, high = (2 * end / (1 + end) for end in (either.value, either.low, either.high))
    return Figure(value, low, high, either.method)


def _by_value(column: Integers, chosen: Integers, count: int) -> list[Integers]:
    """The indices of the chosen sequences with each value of a column."""
    order = chosen[np.argsort(column[chosen], kind="stable")]
    return np.split(order, np.bincount(column[chosen], minlength=count).cumsum()[:-1])
