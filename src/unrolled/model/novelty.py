"""Whether a sequence is unlike all training data, from the features before the output layer.

    d(x)² = min_c (z(x) − μ_c)ᵀ Σ⁻¹ (z(x) − μ_c)

is the Mahalanobis distance to the nearest class, with one covariance for all classes (Lee et al. 2018, "A simple
unified framework for detecting out-of-distribution samples", arXiv 1807.03888). z are the input of the output layer,
each feature divided by its deviation, μ_c their mean over the training sequences of a class. Σ has the `DIRECTIONS`
largest eigenvalues of the covariance within classes, and their mean for all other directions (Tipping and Bishop 1999,
"Probabilistic principal component analysis"), so that it exists for few sequences of many features too.

The distance says nothing by itself. Its place among the distances of n validation sequences does: the conformal p-value
(1 + number of them at least as far) / (n + 1) is at most α for a share of at most α of sequences like these, whatever
their distribution (Bates et al. 2023, "Testing for outliers with conformal p-values", arXiv 2104.08279).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers
from unrolled.errors import ConfigError, option
from unrolled.runtime import one_blas_thread

Floats = npt.NDArray[np.float64]

RATE = 0.05
"""The usual share of false alarms."""

DIRECTIONS = 64
"""Most directions with a variance of their own."""

MOST_TRAINING, MOST_VALIDATION = 1_000, 2_000
"""Training and validation sequences that are read at most, so that it costs little."""

_LEAST_DEVIATION = 1e-5
_LEAST_SHARE = 1e-4
"""The least variance of a direction, as a share of the mean one: what few sequences do not show is not zero."""


@dataclass(frozen=True)
class Novelty:
    """The distances of a model's training and validation sequences, by which others are judged.

    Attributes:
        scale: factor of each feature, [D].
        means: μ, [C, D].
        directions: unit vectors, [R, D].
        variances: of the directions, and of all others, [R + 1].
        validation: distances of validation sequences, ascending, [n].

    Example:
        >>> round(model.novelty.rate, 3)  # the share of false alarms: 10 validation sequences show none below 1 in 11
        0.091
        >>> bool((model.familiarity([np.full((6, 2), 9.0)]) <= model.novelty.rate).all())
        True
    """

    scale: Floats
    means: Floats
    directions: Floats
    variances: Floats
    validation: Floats

    @classmethod
    def learn(cls, train: Floats, targets: Integers, classes: int, validation: Floats) -> Novelty:
        """Learns the distances.

        Args:
            train: features of training sequences, [N, D].
            targets: their classes, [N], each in 0..C - 1.
            classes: C.
            validation: features of validation sequences, [n, D], n ≥ 1.
        """
        deviation = train.std(0)
        scale = np.where(deviation > _LEAST_DEVIATION, 1 / np.maximum(deviation, _LEAST_DEVIATION), 0.0)
        values = train * scale
        counts = np.bincount(targets, minlength=classes)
        means = np.zeros((classes, values.shape[1]))
        np.add.at(means, targets, values)
        means = np.where(counts[:, None] > 0, means / np.maximum(counts, 1)[:, None], values.mean(0))
        directions, variances = _covariance(values - means[targets], int(np.count_nonzero(counts)))
        found = cls(scale, means, directions, variances, np.zeros(0))
        found = cls.from_arrays(found.arrays())  # as it will be read again
        return replace(found, validation=np.sort(found.distances(validation)))

    @property
    def rate(self) -> float:
        """The share of false alarms that the validation sequences can show: `RATE`, or more where there are few."""
        return max(RATE, 1 / (len(self.validation) + 1))

    def check(self, rate: float) -> None:
        """Refuses a share of false alarms that no number of the validation sequences could show.

        Raises:
            ConfigError: naming the least one.
        """
        least = 1 / (len(self.validation) + 1)
        if not least <= rate < 1:
            raise ConfigError(
                f"{option('novelty', rate)}: {len(self.validation):,} validation sequences can show shares of false "
                f"alarms from {least:.4f} on; give such a share, below 1."
            )

    def distances(self, features: Floats) -> Floats:
        """The distance of each sequence to the nearest class, [N]; infinite where a feature is not finite.

        Args:
            features: [N, D].
        """
        finite = np.logical_and.reduce(np.isfinite(features), axis=1)
        values, nearest = np.where(finite[:, None], features, 0.0) * self.scale, np.full(len(features), np.inf)
        *own, rest = self.variances
        weights = 1 / np.asarray(own) - 1 / rest
        for mean in self.means:
            away = values - mean
            squared = np.square(away).sum(1) / rest + np.square(away @ self.directions.T) @ weights
            nearest = np.minimum(nearest, squared)
        nearest[~finite] = np.inf
        found: Floats = np.sqrt(nearest.clip(0)).astype(np.float32).astype(np.float64)  # as a file holds them
        return found

    def familiarity(self, features: Floats) -> Floats:
        """The conformal p-value of each sequence, [N], in (0, 1]; for ``features`` see `distances`."""
        nearer = np.searchsorted(self.validation, self.distances(features), side="left")
        found: Floats = (1 + len(self.validation) - nearer) / (len(self.validation) + 1)
        return found

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """All of it, by name, for a file."""
        return {field.name: np.ascontiguousarray(getattr(self, field.name), np.float32) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[np.float32]]) -> Novelty:
        """From what `arrays` gave."""
        found = cls(**{field.name: arrays[field.name].astype(np.float64) for field in fields(cls)})
        if found.validation.ndim != 1 or found.means.shape[1:] != found.scale.shape or len(found.variances) < 1:
            raise ValueError("the arrays of novelty do not belong together")
        return found


def _covariance(within: Floats, classes: int) -> tuple[Floats, Floats]:
    """The directions of the largest variances, [R, D], and these with the mean of the others, [R + 1].

    Args:
        within: values less the means of their classes, [N, D].
        classes: number of classes that are present.
    """
    from scipy.linalg import eigh  # only here: a prediction does not need it

    count, width = len(within), max(int(np.count_nonzero(within.any(0))), 1)
    freedom = max(count - classes, 1)
    kept = min(DIRECTIONS, min(freedom, width) // 2)
    mean = float(np.square(within).sum()) / freedom / width
    if not kept:
        return np.zeros((0, within.shape[1])), np.array([max(mean, _LEAST_SHARE)])
    with one_blas_thread():  # the same bits on any number of threads
        wide = count <= within.shape[1]
        inner = within @ within.T if wide else within.T @ within
        values, vectors = eigh(inner, subset_by_index=[len(inner) - kept, len(inner) - 1])
        if wide:
            vectors = within.T @ vectors / np.sqrt(values.clip(np.finfo(float).tiny))
    variances = values / freedom
    rest = max((mean * width - float(variances.sum())) / (width - kept), _LEAST_SHARE * mean, _LEAST_SHARE**2)
    return vectors.T, np.append(np.maximum(variances, rest), rest)
