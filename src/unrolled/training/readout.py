"""The output layer in closed form: ridge regression on what an untrained recurrence makes of the training data.

A recurrence drawn at random already tells sequences apart (Jaeger 2001, "The echo state approach"; Bianchi et al.
2018, arXiv 1803.07870): what is pooled of its outputs, standardised, is regressed on the classes. Training then
begins where the best linear reading of it ends, not where chance puts it, and small problems need hardly more.

The penalty is that of the least leave-one-out error, which costs no second fit. The sharpness, from answers of about
0 to 1 to logits, is that of the least leave-one-out cross-entropy. Where even that does not beat the classes' shares
by its own standard error, the shares alone are the start: the answer is then the majority class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits

from unrolled.data.batching import Batcher
from unrolled.data.sequences import Integers, Sequences
from unrolled.inference import evaluation_batches
from unrolled.nn.network import Network

Doubles = npt.NDArray[np.float64]
Weights = npt.NDArray[np.floating]

MAX_CASES = 10_000
"""Training sequences that the regression sees at most; of more, a random choice."""

PENALTIES = np.logspace(-6, 1, 15)
"""Of the squared weights, in the unit of all standardised features' squares together."""

SHARPNESSES = np.logspace(-0.5, 1.5, 17)
"""What the regression's answers, about 0 to 1, are multiplied by to be logits."""

_LEAST_DEVIATION = 1e-5
"""A feature that varies less than this is constant: nothing can be read from it."""


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
        seed: of the choice among more than `MAX_CASES`.
    """
    weights = np.ones(len(train)) if case_weights is None else case_weights.astype(np.float64)
    present = np.flatnonzero(weights)
    train, weights = train.take(present), weights[present]
    if len(train) > MAX_CASES:
        picked = np.sort(np.random.default_rng(seed).choice(len(train), MAX_CASES, replace=False))
        train, weights = train.take(picked), weights[picked]
    readout = fit_readout(_pooled(network, train), train.targets, weights, len(train.classes))
    with torch.no_grad():
        network.output.weight.copy_(torch.from_numpy(readout.weights.T))
        network.output.bias.copy_(torch.from_numpy(readout.bias))


def tells_nothing(network: Network) -> bool:
    """Whether the start has found no more than the classes' shares."""
    return not bool(network.output.weight.any())


def fit_readout(features: Doubles, targets: Integers, weights: Doubles, classes: int) -> Readout:
    """The `Readout` with the least leave-one-out error.

    With A the standardised features and Y the classes as 0 and 1, both centred and each row times √w, A = U S Vᵀ
    and H = U S² (S² + α)⁻¹ Uᵀ, a case that is left out is missed by (Y − H Y) / (1 − h − w / Σw), h its own diagonal
    element of H: the last term is the mean's, which knows the case too.

    Args:
        features: [N, D].
        targets: [N], each in 0..C - 1.
        weights: of the cases, [N], each over 0.
        classes: C.
    """
    total = weights.sum()
    shares = (np.bincount(targets, weights, classes) + 1) / (total + classes)  # none is impossible
    mean = weights @ features / total
    deviation = np.sqrt(weights @ np.square(features - mean) / total)
    varies = deviation > _LEAST_DEVIATION
    factor = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    roots = np.sqrt(weights)[:, None]
    rows = roots * (features - mean) * factor
    answers = np.eye(classes)[targets]
    average = weights @ answers / total
    centred = roots * (answers - average)
    with threadpool_limits(1):  # the same bits on every machine
        left, singular, right = np.linalg.svd(rows, full_matrices=False)
        projected = left.T @ centred
        found = Readout(np.zeros((features.shape[1], classes)), np.log(shares), _loss(np.log(shares), targets, weights))
        prior = _losses(np.broadcast_to(np.log(shares), answers.shape), targets)
        squares = {}
        for penalty in PENALTIES * max(len(features) * int(varies.sum()), 1):
            left_out = _left_out(left, singular, centred, weights, penalty)
            squares[penalty] = float(np.square(centred - roots * left_out).sum())
        penalty = min(squares, key=lambda value: squares[value])
        left_out = _left_out(left, singular, centred, weights, penalty)
        for sharpness in SHARPNESSES:
            losses = _losses(np.log(shares) + sharpness * left_out, targets)
            loss = float(weights @ losses / total)
            if loss < found.loss and _is_shown(prior - losses, weights):
                inverse = singular / (np.square(singular) + penalty)
                slopes = sharpness * factor[:, None] * (right.T @ (inverse[:, None] * projected))
                found = Readout(slopes, np.log(shares) - mean @ slopes, loss)
    return found


def _left_out(left: Doubles, singular: Doubles, centred: Doubles, weights: Doubles, penalty: float) -> Doubles:
    """The regression's answer for each case from all others, less the mean answer, [N, C]."""
    kept = np.square(singular) / (np.square(singular) + penalty)
    own = (np.square(left) @ kept + weights / weights.sum())[:, None]
    missed = (centred - left @ (kept[:, None] * (left.T @ centred))) / (1 - own).clip(1e-9)
    answers: Doubles = (centred - missed) / np.sqrt(weights)[:, None]
    return answers


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
