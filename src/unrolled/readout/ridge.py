"""The output layer in closed form: ridge regression on what an untrained recurrence makes of the training data.

A recurrence drawn at random already tells sequences apart (Jaeger 2001, "The echo state approach"; Bianchi et al.
2018, arXiv 1803.07870): what is pooled of its outputs, standardised, is regressed on the classes. Training then
begins where the best linear reading of it ends, not where chance puts it, and small problems need hardly more.

The penalty is that of the least leave-one-out error, which costs no second fit. Where sequences belong to groups, such
as persons, a whole group is left out at a time. The sharpness, from answers of about 0 to 1 to logits, is that of the
least leave-one-out cross-entropy. Where even that does not beat the classes' shares by its own standard error, the
shares alone are the start: the answer is then the majority class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits

from unrolled.data import Integers, Sequences
from unrolled.data.batches import Batcher
from unrolled.network import Network, evaluation_batches
from unrolled.training import Weights

Doubles = npt.NDArray[np.float64]
Widths = Sequence[int]

MAX_CASES = 10_000
"""Training sequences that the regression sees at most; of more, a random choice."""

MAX_FEATURES = 2_000
"""Where there are more, the regression sees no more sequences than these: its work grows with the cube of the fewer."""

MAX_BALANCED = 1_000
"""Sequences that are looked at, at most, to weigh two kinds of features against each other."""

BALANCES = ((1.0, 0.0), (1.0, 0.1), (1.0, 0.3), (1.0, 1.0), (1.0, 3.0), (1.0, 10.0), (0.0, 1.0))
"""Shares of two kinds of features in the squares of all, up to a factor."""

PENALTIES = np.logspace(-6, 1, 15)
"""Of the squared weights, in the unit of the sum of all features' squares."""

SHARPNESSES = np.logspace(-0.5, 1.5, 17)
"""What the regression's answers, about 0 to 1, are multiplied by to be logits."""

_LEAST_DEVIATION = 1e-5
"""A feature that varies less than this is constant: nothing can be read from it."""

_NOTHING = 1e-12
"""An eigenvalue that is no larger, as a share of the largest, is rounding."""


@dataclass(frozen=True)
class Readout:
    """Logits as a linear function of features: features @ weights + bias.

    Attributes:
        weights: [D, C]; all zero where the features tell nothing.
        bias: [C].
        loss: leave-one-out cross-entropy, mean over the cases.
    """

    weights: Doubles
    bias: Doubles
    loss: float


def start_readout(network: Network, train: Sequences, case_weights: Weights | None = None, seed: int = 0) -> None:
    """Sets the network's output layer to the `Readout` of its own pooled outputs.

    Args:
        network: its recurrence as drawn.
        train: labelled sequences, prepared as for training.
        case_weights: how much each counts, [N]; all the same where None. A case of weight 0 is absent.
        seed: of the choice among more sequences than are looked at.
    """
    weights = np.ones(len(train)) if case_weights is None else case_weights.astype(np.float64)
    present = np.flatnonzero(weights)
    train, weights = train.take(present), weights[present]
    most = MAX_CASES if network.output.in_features <= MAX_FEATURES else MAX_FEATURES
    if len(train) > most:
        picked = np.sort(np.random.default_rng(seed).choice(len(train), most, replace=False))
        train, weights = train.take(picked), weights[picked]
    groups = None if train.groups is None else np.unique(train.groups.astype(str), return_inverse=True)[1]
    pooled, classes = _pooled(network, train), len(train.classes)
    readout = fit_readout(pooled, train.targets, weights, classes, network.read_widths, groups)
    with torch.no_grad():
        network.output.weight.copy_(torch.from_numpy(readout.weights.T))
        network.output.bias.copy_(torch.from_numpy(readout.bias))


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
    and H = U Λ (Λ + α)⁻¹ Uᵀ, a case that is left out is missed by (Y − H Y) / (1 − h − w / Σw), h its own diagonal
    element of H: the last term is the mean's, which knows the case too. A group that is left out is missed by
    (I − H' )⁻¹ (Y − H Y), with H' the group's block of H + √w √wᵀ / Σw, and Y − H Y the group's rows.

    Args:
        features: [N, D].
        targets: [N], each in 0..C - 1.
        weights: of the cases, [N], each over 0.
        classes: C.
        blocks: how many features belong together, of one kind or of two. What two kinds weigh against each other is
            chosen like the penalty (banded ridge regression, Nunez-Elizalde et al. 2019, NeuroImage 197).
        groups: number of each case's group, [N]; None where each case stands for itself.
    """
    if groups is not None and (groups == groups[0]).all():
        groups = None
    total = weights.sum()
    shares = (np.bincount(targets, weights, classes) + 1) / (total + classes)  # none is impossible
    mean = weights @ features / total
    deviation = np.sqrt(weights @ np.square(features - mean) / total)
    varies = deviation > _LEAST_DEVIATION
    factor = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    roots = np.sqrt(weights)[:, None]
    answers = np.eye(classes)[targets]
    found = Readout(np.zeros((features.shape[1], classes)), np.log(shares), _loss(np.log(shares), targets, weights))
    prior = _losses(np.broadcast_to(np.log(shares), answers.shape), targets)
    cases = Cases(roots * (features - mean) * factor, roots * (answers - weights @ answers / total), weights, groups)
    with threadpool_limits(1):  # the same bits on every machine
        scale = _balance(cases, varies, blocks or (features.shape[1],))
        cases = replace(cases, rows=cases.rows * scale)
        spectrum = cases.spectrum()
        _, penalty = _least_error(cases, spectrum)
        left_out = _left_out(cases, spectrum, penalty)
        for sharpness in SHARPNESSES:
            losses = _losses(np.log(shares) + sharpness * left_out, targets)
            loss = float(weights @ losses / total)
            if loss < found.loss and _is_shown(prior - losses, weights):
                slopes = sharpness * (scale * factor)[:, None] * _slopes(cases, spectrum, penalty)
                found = Readout(slopes, np.log(shares) - mean @ slopes, loss)
    return found


@dataclass(frozen=True)
class Cases:
    """What is regressed on what.

    Attributes:
        rows: A, [N, D].
        answers: Y, [N, C].
        weights: w, [N].
        groups: number of each case's group, [N]; None where each case stands for itself.
    """

    rows: Doubles
    answers: Doubles
    weights: Doubles
    groups: Integers | None = None

    def spectrum(self) -> Spectrum:
        """Of A Aᵀ, from it or, where that is the smaller, from Aᵀ A."""
        count, width = self.rows.shape
        if count <= width:
            return Spectrum.of(self.rows @ self.rows.T)
        inner = Spectrum.of(self.rows.T @ self.rows)
        return Spectrum(self.rows @ inner.vectors / np.sqrt(inner.values), inner.values)


@dataclass(frozen=True)
class Spectrum:
    """Eigenvectors U, [N, R], and eigenvalues Λ, [R], without those that are nothing beside the largest."""

    vectors: Doubles
    values: Doubles

    @classmethod
    def of(cls, matrix: Doubles) -> Spectrum:
        """Of a symmetric matrix without negative eigenvalues."""
        values, vectors = np.linalg.eigh(matrix)
        there = values > _NOTHING * values[-1]
        return cls(vectors[:, there], values[there])


def _balance(cases: Cases, varies: npt.NDArray[np.bool_], blocks: Widths) -> Doubles:
    """What each feature is multiplied by, [D]: all by 1, or those of two kinds as gives the least error."""
    if len(blocks) == 1:
        return np.ones(len(varies))
    kind = np.repeat(np.arange(len(blocks)), blocks)
    counts = np.maximum(np.bincount(kind[varies], minlength=len(blocks)), 1)
    seen = cases
    if len(cases.weights) > MAX_BALANCED:
        picked = np.random.default_rng(0).choice(len(cases.weights), MAX_BALANCED, replace=False)
        groups = None if cases.groups is None else cases.groups[picked]
        seen = Cases(cases.rows[picked], cases.answers[picked], cases.weights[picked], groups)
    products = [seen.rows[:, kind == one] @ seen.rows[:, kind == one].T / counts[one] for one in range(len(blocks))]

    def error(balance: tuple[float, float]) -> float:
        scales = varies.sum() * np.array(balance) / sum(balance)
        matrix = sum(scale * product for scale, product in zip(scales, products, strict=True))
        return _least_error(seen, Spectrum.of(np.asarray(matrix)))[0]

    best = np.array(min(BALANCES, key=error))
    scales: Doubles = np.sqrt(varies.sum() * best / best.sum() / counts)[kind]
    return scales


def _least_error(cases: Cases, spectrum: Spectrum) -> tuple[float, float]:
    """The least leave-one-out squared error, and the penalty that gives it."""
    roots = np.sqrt(cases.weights)[:, None]
    found = []
    for penalty in PENALTIES * max(float(spectrum.values.sum()), 1.0):
        missed = cases.answers - roots * _left_out(cases, spectrum, penalty)
        found.append((float(np.square(missed).sum()), float(penalty)))
    return min(found)


def _left_out(cases: Cases, spectrum: Spectrum, penalty: float) -> Doubles:
    """The regression's answer for each case from all others, less the mean answer, [N, C]."""
    left, weights = spectrum.vectors, cases.weights
    kept = spectrum.values / (spectrum.values + penalty)
    missed = cases.answers - left @ (kept[:, None] * (left.T @ cases.answers))
    if cases.groups is None:
        own = (np.square(left) @ kept + weights / weights.sum())[:, None]
        missed = missed / (1 - own).clip(1e-9)
    else:
        basis = np.column_stack([left * np.sqrt(kept), np.sqrt(weights / weights.sum())])
        for group in np.unique(cases.groups):
            members = cases.groups == group
            missed[members] = _without(basis[members], missed[members])
    answers: Doubles = (cases.answers - missed) / np.sqrt(weights)[:, None]
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


def _slopes(cases: Cases, spectrum: Spectrum, penalty: float) -> Doubles:
    """The regression's weights, [D, C]."""
    projected = (spectrum.vectors.T @ cases.answers) / (spectrum.values + penalty)[:, None]
    slopes: Doubles = cases.rows.T @ (spectrum.vectors @ projected)
    return slopes


def _is_shown(gains: Doubles, weights: Doubles) -> bool:
    """Whether the mean gain is over its standard error."""
    mean = np.average(gains, weights=weights)
    variance = np.average(np.square(gains - mean), weights=weights)
    return bool(mean > np.sqrt(variance / max(len(gains) - 1, 1)))


def _losses(logits: Doubles, targets: Integers) -> Doubles:
    """Cross-entropy of each case, [N], of logits [N, C]."""
    highest = logits.max(1)
    totals = np.log(np.exp(logits - highest[:, None]).sum(1)) + highest
    losses: Doubles = totals - logits[np.arange(len(targets)), targets]
    return losses


def _loss(logits: Doubles, targets: Integers, weights: Doubles) -> float:
    """The weighted mean of the same, where all cases have the same logits, [C]."""
    return float(weights @ _losses(np.broadcast_to(logits, (len(targets), len(logits))), targets) / weights.sum())


def _pooled(network: Network, train: Sequences) -> Doubles:
    """What the output layer reads of each sequence, [N, D]."""
    device = network.output.weight.device
    found = np.empty((len(train), network.output.in_features))
    for indices, batch in evaluation_batches(network, Batcher(train, device)):
        found[indices] = network.pooled(batch.inputs, batch.lengths).cpu().numpy()
    return found
