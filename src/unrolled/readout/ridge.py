"""The readout in closed form: ridge regression on the pooled outputs of an untrained recurrence.

A recurrence drawn at random already separates sequences (Jaeger 2001, "The echo state approach"; Bianchi et al. 2018,
arXiv 1803.07870). Its pooled outputs are standardised and regressed on the classes. Training then begins at the best
linear readout of the untrained recurrence, and small problems need hardly more.

The penalty is the one with the least leave-one-out error, which costs no second fit. Where sequences belong to groups,
such as persons, a whole group is left out at a time. The sharpness, a factor from the regression's predictions to
logits, is the one with the least leave-one-out cross-entropy, and so are the shares of several kinds of features, some
of which may be left out. As in Platt (1999, "Probabilistic outputs for support vector machines"), a sequence counts
with `PRIOR_CASES` of (N + `PRIOR_CASES`) for all classes alike, so that no sharpness is endless where every sequence is
right. If even that is not better than the class shares by its own standard error, the start is the class shares alone,
and every prediction is the majority class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import torch

from unrolled.data import Integers, Sequences
from unrolled.data.batches import Batcher
from unrolled.network import Network, evaluation_batches
from unrolled.nn import NGrams
from unrolled.readout.counted import fit_counted
from unrolled.runtime import one_blas_thread
from unrolled.training import Weights

Doubles = npt.NDArray[np.float64]
Widths = Sequence[int]

MAX_SEQUENCES = 20_000
"""Training sequences in the regression at most; where there are more, a random choice."""

MAX_FEATURES, MAX_WIDE = 4_000, 3_000
"""With more features than the first number, at most the second number of sequences is used: the work grows with the
cube of the smaller one."""

MAX_BALANCED = 600
"""Sequences at most by which the weights of several kinds of features are chosen."""

_TWO = ((1.0, 0.0), (1.0, 0.1), (1.0, 0.3), (1.0, 1.0), (1.0, 3.0), (1.0, 10.0), (0.0, 1.0))
_THREE = (
    *((1.0, 1.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0)),
    *((1.0, 0.0, 1.0), (1.0, 0.3, 0.3), (0.3, 1.0, 1.0)),
)
_FOUR = (
    *((one[0], 0.0, *one[1:]) for one in _THREE),
    *((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.0, 0.0), (0.3, 0.3, 1.0, 1.0), (1.0, 0.3, 0.3, 0.3)),
)
BALANCES: dict[int, tuple[tuple[float, ...], ...]] = {1: ((1.0,),), 2: _TWO, 3: _THREE, 4: _FOUR}
"""Candidate weights of the kinds of features, by their number: their shares in the sum of squares, up to a factor."""

PRIOR_CASES = 2
"""Imagined sequences of no class in particular, by which the sharpness is chosen."""

PENALTIES = np.logspace(-6, 1, 15)
"""Candidate penalties of the squared weights, in units of the sum of all features' squares."""

SHARPNESSES = np.logspace(-0.5, 2, 21)
"""Candidate factors from the regression's predictions, about 0 to 1, to logits."""

_LEAST_DEVIATION = 1e-5
"""A feature with a smaller deviation counts as constant."""

_NOTHING = 1e-12
"""A smaller eigenvalue, as a share of the largest, is rounding error."""


@dataclass(frozen=True)
class Readout:
    """Logits as a linear function of features: features @ weights + bias.

    Attributes:
        weights: [D, C]; all zero where the features are not informative.
        bias: [C].
        loss: leave-one-out cross-entropy, mean over the sequences.
        left_out: the leave-one-out logits, [N, C].
    """

    weights: Doubles
    bias: Doubles
    loss: float
    left_out: Doubles


def start_readout(
    network: Network,
    train: Sequences,
    sequence_weights: Weights | None = None,
    seed: int = 0,
    *,
    beside: bool = True,
) -> None:
    """Sets the network's output layer to the `Readout` of its own pooled outputs.

    Args:
        network: its recurrence is untrained.
        train: labelled sequences, prepared as for training.
        sequence_weights: weight of each sequence, [N]; equal where None. A sequence of weight 0 is left out.
        seed: of the random choice among more sequences than are used.
        beside: whether what stands beside the recurrence, convolutions or n-grams, is read too, where there is any.
    """
    widths = network.feature_widths if beside else network.read_widths
    weights = np.ones(len(train)) if sequence_weights is None else sequence_weights.astype(np.float64)
    present = np.flatnonzero(weights)
    train, weights = train.take(present), weights[present]
    most = MAX_SEQUENCES if sum(widths) <= MAX_FEATURES else MAX_WIDE
    if len(train) > most:
        picked = np.sort(np.random.default_rng(seed).choice(len(train), most, replace=False))
        train, weights = train.take(picked), weights[picked]
    groups = None if train.groups is None else np.unique(train.groups.astype(str), return_inverse=True)[1]
    pooled, classes = _pooled(network, train, sum(widths)), len(train.classes)
    readout = fit_readout(pooled, train.targets, weights, classes, widths, groups)
    own = network.output.in_features
    with torch.no_grad():
        network.output.weight.copy_(torch.from_numpy(readout.weights[:own].T))
        network.output.bias.copy_(torch.from_numpy(readout.bias))
        if network.convolutions is not None:
            found = torch.from_numpy(readout.weights[own:].T)
            network.convolutions.weights.copy_(found if beside else torch.zeros(()))
        if network.ngrams is not None:
            network.ngrams.weights.zero_()
    if beside and network.ngrams is not None:
        _add_ngrams(network, network.ngrams, readout, train, weights, groups, seed)


def _add_ngrams(
    network: Network,
    ngrams: NGrams,
    readout: Readout,
    train: Sequences,
    weights: Doubles,
    groups: Integers | None,
    seed: int,
) -> None:
    """Adds a regression on n-grams to the readout, by the shares of both with the least loss on what they left out.

    Either share may be 0, and the logits of both together are a weighted geometric mean of their probabilities.
    """
    counted = fit_counted(network, ngrams, train, weights, groups, seed)

    def loss(shares: tuple[float, float]) -> float:
        logits = shares[0] * readout.left_out + shares[1] * counted.left_out
        return _smoothed(logits, train.targets, weights)

    own, beside = min(product(OWN_SHARES, BESIDE_SHARES), key=loss)
    with torch.no_grad():
        network.output.weight.mul_(own)
        network.output.bias.mul_(own).add_(torch.from_numpy(beside * counted.bias))
        ngrams.weights.copy_(torch.from_numpy(beside * counted.weights.T))


OWN_SHARES, BESIDE_SHARES = (1.0, 0.75, 0.5, 0.25, 0.0), (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Candidate factors of the logits from the recurrence and from n-grams."""


def fit_readout(
    features: Doubles,
    targets: Integers,
    weights: Doubles,
    classes: int,
    blocks: Widths | None = None,
    groups: Integers | None = None,
) -> Readout:
    """The `Readout` with the least leave-one-out error.

    With A the standardised features and Y the classes as 0 and 1, both centred and each row times √w, A Aᵀ = U Λ Uᵀ
    and H = U Λ (Λ + α)⁻¹ Uᵀ, the leave-one-out residual of a sequence is (Y − H Y) / (1 − h − w / Σw), with h its
    diagonal element of H; the last term comes from the mean, which includes the sequence. The residual of a group that
    is left out is (I − H' )⁻¹ (Y − H Y), with H' the group's block of H + √w √wᵀ / Σw, and Y − H Y the group's rows.

    Args:
        features: [N, D].
        targets: [N], each in 0..C - 1.
        weights: of the sequences, [N], each above 0.
        classes: C.
        blocks: numbers of features of each kind. The weights of several kinds are chosen among `BALANCES`
            (banded ridge regression, Nunez-Elizalde et al. 2019, NeuroImage 197).
        groups: number of each sequence's group, [N]; None where there are no groups.
    """
    if groups is not None and (groups == groups[0]).all():
        groups = None
    total = weights.sum()
    shares = (np.bincount(targets, weights, classes) + 1) / (total + classes)  # no class is impossible
    mean = weights @ features / total
    deviation = np.sqrt(weights @ np.square(features - mean) / total)
    varies = deviation > _LEAST_DEVIATION
    factor = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    roots = np.sqrt(weights)[:, None]
    answers = np.eye(classes)[targets]
    prior = _losses(np.broadcast_to(np.log(shares), answers.shape), targets)
    found = Readout(
        np.zeros((features.shape[1], classes)),
        np.log(shares),
        float(weights @ prior / total),
        np.tile(np.log(shares), (len(targets), 1)),
    )
    problem = Problem(
        roots * (features - mean) * factor, roots * (answers - weights @ answers / total), weights, groups
    )
    with one_blas_thread():
        scale = _balance(problem, varies, blocks or (features.shape[1],), np.log(shares))
        problem = replace(problem, rows=problem.rows * scale)
        spectrum = problem.spectrum()
        _, penalty = _least_error(problem, spectrum)
        left_out = _left_out(problem, spectrum, penalty)
        sharpness, _ = _sharpest(left_out, np.log(shares), targets, weights)
        losses = _losses(np.log(shares) + sharpness * left_out, targets)
        loss = float(weights @ losses / total)
        if loss < found.loss and _is_shown(prior - losses, weights):
            slopes = sharpness * (scale * factor)[:, None] * _slopes(problem, spectrum, penalty)
            logits = np.log(shares) + sharpness * left_out
            found = Readout(slopes, np.log(shares) - mean @ slopes, loss, logits)
    return found


def _sharpest(left_out: Doubles, prior: Doubles, targets: Integers, weights: Doubles) -> tuple[float, float]:
    """The sharpness with the least cross-entropy, and that; see `PRIOR_CASES`."""
    found = [(_smoothed(prior + one * left_out, targets, weights), float(one)) for one in SHARPNESSES]
    loss, sharpness = min(found)
    return sharpness, loss


def _smoothed(logits: Doubles, targets: Integers, weights: Doubles) -> float:
    """The mean cross-entropy with `PRIOR_CASES` of no class in particular."""
    share = PRIOR_CASES / (len(targets) + PRIOR_CASES)
    own = logits[np.arange(len(targets)), targets]
    losses = _losses(logits, targets) + share * (own - logits.mean(1))
    return float(weights @ losses / weights.sum())


@dataclass(frozen=True)
class Problem:
    """A regression problem: Y ≈ A W with weighted rows.

    Attributes:
        rows: A, [N, D].
        answers: Y, [N, C].
        weights: w, [N].
        groups: number of each row's group, [N]; None where there are no groups.
    """

    rows: Doubles
    answers: Doubles
    weights: Doubles
    groups: Integers | None = None

    def spectrum(self) -> Spectrum:
        """The spectrum of A Aᵀ, computed from the smaller of A Aᵀ and Aᵀ A."""
        count, width = self.rows.shape
        if count <= width:
            return Spectrum.of(self.rows @ self.rows.T)
        inner = Spectrum.of(self.rows.T @ self.rows)
        return Spectrum(self.rows @ inner.vectors / np.sqrt(inner.values), inner.values)


@dataclass(frozen=True)
class Spectrum:
    """Eigenvectors U, [N, R], and eigenvalues Λ, [R], without those that are rounding error."""

    vectors: Doubles
    values: Doubles

    @classmethod
    def of(cls, matrix: Doubles) -> Spectrum:
        """The spectrum of a symmetric positive semidefinite matrix."""
        values, vectors = np.linalg.eigh(matrix)
        there = values > _NOTHING * values[-1]
        return cls(vectors[:, there], values[there])


def _balance(problem: Problem, varies: npt.NDArray[np.bool_], blocks: Widths, prior: Doubles) -> Doubles:
    """The factor of each feature, [D]: 1, or for several kinds of features the balance with the least loss.

    Args:
        problem: with standardised features.
        varies: whether each feature is not constant, [D].
        blocks: numbers of features of each kind.
        prior: logarithms of the classes' shares, [C].
    """
    candidates = BALANCES[len(blocks)]
    if len(candidates) == 1:
        return np.ones(len(varies))
    kind = np.repeat(np.arange(len(blocks)), blocks)
    counts = np.maximum(np.bincount(kind[varies], minlength=len(blocks)), 1)
    seen = problem
    if len(problem.weights) > MAX_BALANCED:
        picked = np.random.default_rng(0).choice(len(problem.weights), MAX_BALANCED, replace=False)
        groups = None if problem.groups is None else problem.groups[picked]
        seen = Problem(problem.rows[picked], problem.answers[picked], problem.weights[picked], groups)
    bounds = np.cumsum([0, *blocks])
    parts = [seen.rows[:, low:high] for low, high in pairwise(bounds)]
    products = [part @ part.T / count for part, count in zip(parts, counts, strict=True)]
    targets = (seen.answers / np.sqrt(seen.weights)[:, None]).argmax(1)  # each row less the same means

    def loss(balance: tuple[float, ...]) -> float:
        scales = varies.sum() * np.array(balance) / sum(balance)
        spectrum = Spectrum.of(np.asarray(sum(s * product for s, product in zip(scales, products, strict=True))))
        left_out = _left_out(seen, spectrum, _least_error(seen, spectrum)[1])
        return _sharpest(left_out, prior, targets, seen.weights)[1]

    best = np.array(min(candidates, key=loss))
    scales: Doubles = np.sqrt(varies.sum() * best / best.sum() / counts)[kind]
    return scales


def _least_error(problem: Problem, spectrum: Spectrum) -> tuple[float, float]:
    """The least leave-one-out squared error, and its penalty."""
    roots = np.sqrt(problem.weights)[:, None]
    found = []
    for penalty in PENALTIES * max(float(spectrum.values.sum()), 1.0):
        missed = problem.answers - roots * _left_out(problem, spectrum, penalty)
        found.append((float(np.square(missed).sum()), float(penalty)))
    return min(found)


def _left_out(problem: Problem, spectrum: Spectrum, penalty: float) -> Doubles:
    """The regression's prediction of each row from all others, less the mean, [N, C]."""
    left, weights = spectrum.vectors, problem.weights
    kept = spectrum.values / (spectrum.values + penalty)
    missed = problem.answers - left @ (kept[:, None] * (left.T @ problem.answers))
    if problem.groups is None:
        own = (np.square(left) @ kept + weights / weights.sum())[:, None]
        missed = missed / (1 - own).clip(1e-9)
    else:
        basis = np.column_stack([left * np.sqrt(kept), np.sqrt(weights / weights.sum())])
        for group in np.unique(problem.groups):
            members = problem.groups == group
            missed[members] = _without(basis[members], missed[members])
    answers: Doubles = (problem.answers - missed) / np.sqrt(weights)[:, None]
    return answers


def _without(basis: Doubles, missed: Doubles) -> Doubles:
    """(I − B Bᵀ)⁻¹ M, by the smaller of B Bᵀ and Bᵀ B (Woodbury's identity).

    Args:
        basis: B, [M, R].
        missed: M, [M, C].
    """
    count, width = basis.shape
    if count <= width:
        return np.asarray(np.linalg.solve((1 + 1e-9) * np.eye(count) - basis @ basis.T, missed), np.float64)
    return missed + basis @ np.linalg.solve((1 + 1e-9) * np.eye(width) - basis.T @ basis, basis.T @ missed)


def _slopes(problem: Problem, spectrum: Spectrum, penalty: float) -> Doubles:
    """The weights of the regression, [D, C]."""
    projected = (spectrum.vectors.T @ problem.answers) / (spectrum.values + penalty)[:, None]
    slopes: Doubles = problem.rows.T @ (spectrum.vectors @ projected)
    return slopes


def _is_shown(gains: Doubles, weights: Doubles) -> bool:
    """Whether the mean gain exceeds its standard error."""
    mean = np.average(gains, weights=weights)
    variance = np.average(np.square(gains - mean), weights=weights)
    return bool(mean > np.sqrt(variance / max(len(gains) - 1, 1)))


def _losses(logits: Doubles, targets: Integers) -> Doubles:
    """Cross-entropy of each row of logits [N, C], [N]."""
    highest = logits.max(1)
    totals = np.log(np.exp(logits - highest[:, None]).sum(1)) + highest
    losses: Doubles = totals - logits[np.arange(len(targets)), targets]
    return losses


def _pooled(network: Network, train: Sequences, width: int) -> Doubles:
    """What the readout reads of each sequence, [N, D]."""
    device = network.output.weight.device
    found = np.empty((len(train), width))
    for indices, batch in evaluation_batches(network, Batcher(train, device)):
        values, lengths = network.entering(batch.inputs, batch.lengths)
        read = [network.pool(values, lengths)]
        if network.convolutions is not None and width > network.output.in_features:
            read.append(network.convolutions(values, lengths))
        found[indices] = torch.cat(read, 1).cpu().numpy()
    return found
