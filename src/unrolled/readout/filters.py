"""What the filters of the first layer and the random convolutions take from the training data, before the first update.

A filter that sums to zero responds to changes, which are large in noise and small in a smooth curve. So each row of W
is scaled until the deviation of W x over the steps of the training sequences equals the norm with which the row was
drawn (Mishkin and Matas 2015, "All you need is a good init", arXiv 1511.06422, for the input's part).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unrolled.data import Sequences, content_hashes
from unrolled.data.batches import Batcher
from unrolled.network import Network, evaluation_batches
from unrolled.nn import Cell, valid_steps

MOST_LEARNED = 64
"""Training sequences at most, a random choice, from which the thresholds of convolutions are taken."""

MOST_STEPS = 20_000
"""Their steps at most; of a longer sequence the first ones."""

MOST_SEQUENCES = 500
"""Training sequences that are used at most; where there are more, a random choice."""

_NOTHING = 1e-6
"""A smaller deviation, as a share of the outputs' size, is rounding error; such a filter is not scaled."""


def scale_filters(network: Network, train: Sequences, seed: int = 0) -> None:
    """Scales the rows of the first layer's W, in both directions.

    Args:
        network: its preparation has been learned.
        train: the training sequences.
        seed: of the random choice among more sequences than are used.
    """
    if len(train) > MOST_SEQUENCES:
        train = train.take(np.sort(np.random.default_rng(seed).choice(len(train), MOST_SEQUENCES, replace=False)))
    first = network.recurrence()[0]
    for cell in first.directions:
        norms = cell.W.detach().norm(dim=1)
        deviations = _deviations(network, cell, train)
        with torch.no_grad():
            cell.W.mul_((norms / deviations).where(deviations > 0, 1.0)[:, None])


def _deviations(network: Network, cell: Cell, train: Sequences) -> Tensor:
    """Deviations of W x over all steps of the sequences, [G·H]; 0 where they are rounding error."""
    count, total, squares = 0, *torch.zeros(2, len(cell.W), dtype=torch.float64, device=cell.W.device)
    for _, batch in evaluation_batches(network, Batcher(train, cell.W.device)):
        values, lengths = network.entering(batch.inputs, batch.lengths)
        values = network.with_context(values, lengths)[valid_steps(lengths, values.shape[1])]  # [Σ T, K·F]
        found = values.double() @ cell.W.T.double()
        count, total, squares = count + len(found), total + found.sum(0), squares + found.square().sum(0)
    variances: Tensor = squares / count - (total / count).square()
    return variances.where(variances > _NOTHING**2 * squares / count, 0.0).sqrt().to(cell.W.dtype)


def learn_convolutions(network: Network, train: Sequences, seed: int = 0) -> None:
    """Takes the thresholds of the network's random convolutions, where it has any, from some training sequences.

    Args:
        network: its preparation has been learned.
        train: the training sequences.
        seed: of the choice.
    """
    if network.convolutions is None:
        return
    ordered = np.argsort(content_hashes(train))  # the order of the sequences does not matter
    mixed = ordered[np.random.default_rng(seed).permutation(len(train))[:MOST_LEARNED]]
    count = max(1, int((train.lengths[mixed].cumsum() <= MOST_STEPS).sum()))
    generator = torch.Generator().manual_seed(seed)
    batch = Batcher(train.take(mixed[:count]), network.output.weight.device).batch(np.arange(count))
    with torch.no_grad():
        inputs, lengths = batch.inputs[:, :MOST_STEPS], batch.lengths.clamp(max=MOST_STEPS)
        network.convolutions.learn(*network.entering(inputs, lengths), generator)
